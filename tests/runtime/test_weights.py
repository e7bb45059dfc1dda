"""Mirrors runtime/airvec/weights.py."""

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.weights import need_feature, need_tensor, read_tensors


def test_every_dtype_of_the_format_reads_as_the_official_library_wrote_it(tmp_path):
    dtypes = (np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8, np.uint8, np.bool_)
    tensors = {np.dtype(kind).name: np.arange(6).reshape(2, 3).astype(kind) for kind in dtypes}
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    found = read_tensors(tmp_path / "model.safetensors")
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        np.testing.assert_array_equal(found[name], tensor)
        assert not found[name].flags.writeable


def test_bfloat16_is_widened_exactly(tmp_path):
    tensor = torch.tensor([1.5, -3.0e38, 2.0**-100]).to(torch.bfloat16)
    save_torch_file({"x": tensor}, tmp_path / "model.safetensors")
    np.testing.assert_array_equal(read_tensors(tmp_path / "model.safetensors")["x"], tensor.float().numpy())


def test_a_file_cut_anywhere_is_an_error(tmp_path):
    whole = tmp_path / "whole.safetensors"
    save_file({"x": np.ones((4, 4), np.float32)}, whole)
    content = whole.read_bytes()
    for length in (0, 4, 8, 20, len(content) - 64, len(content) - 1):
        path = tmp_path / f"cut{length}.safetensors"
        path.write_bytes(content[:length])
        with pytest.raises(ModelFolderError, match=f"cut{length}.safetensors: .*damaged or cut short"):
            read_tensors(path)


@pytest.mark.parametrize(
    "header",
    [
        b"[1]",
        b"not json",
        b'{"x": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}',
        b'{"x": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}',
        b'{"x": {"dtype": "F32", "shape": [1]}}',
        b'{"x": {"dtype": "F32", "shape": [Infinity], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F32", "shape": [1e30], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, Infinity]}}',
        b'{"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 1e30]}}',
        b'{"x": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}}',
        b'{"x": 3}',
        b"[" * 100_000,
    ],
)
def test_a_header_that_lies_is_an_error(tmp_path, header):
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0\0\0")
    with pytest.raises(ModelFolderError, match="damaged or cut short"):
        read_tensors(path)


def test_pickled_weights_are_not_read(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    with pytest.raises(ModelNotFoundError, match="Pickled weights are never read"):
        read_tensors(tmp_path / "model.safetensors")


def test_a_needed_tensor_must_be_there_with_its_shape(tmp_path):
    tensors = {"linear.weight": np.ones((2, 3), np.float16)}
    assert need_tensor(tensors, tmp_path / "f", "linear.weight", (2, 3)).dtype == np.float32
    with pytest.raises(ModelFolderError, match=r"'linear.bias', found linear.weight"):
        need_tensor(tensors, tmp_path / "f", "linear.bias", (2,))
    with pytest.raises(ModelFolderError, match=r"shape \[2, 3\], expected \[3, 2\]"):
        need_tensor(tensors, tmp_path / "f", "linear.weight", (3, 2))


def test_a_needed_feature_must_be_there():
    features = {"token_embeddings": np.ones((1, 2, 3)), "attention_mask": np.ones((1, 2))}
    assert need_feature(features, "attention_mask", "m/config.json") is features["attention_mask"]
    with pytest.raises(ModelFolderError, match="m/config.json: reads 'poem', expected one of attention_mask, token_em"):
        need_feature(features, "poem", "m/config.json")
