"""Tensors from safetensors, and from pickles without running them."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec_exporter.weights import fill, read_state


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (exec, ("raise SystemExit('code ran')",))


def test_both_files_give_the_same_tensors(tmp_path: Path):
    state = {"linear.weight": torch.arange(6.0).reshape(2, 3)}
    for name in ("safe", "pickled"):
        (tmp_path / name).mkdir()
    save_file(state, tmp_path / "safe" / "model.safetensors")
    torch.save(state, tmp_path / "pickled" / "pytorch_model.bin")
    for name in ("safe", "pickled"):
        assert torch.equal(read_state(tmp_path / name)["linear.weight"], state["linear.weight"])


def test_code_in_a_pickle_is_not_run(tmp_path: Path):
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({"linear.weight": Bomb()}))
    with pytest.raises(ModelFolderError, match="not a file of tensors"):
        read_state(tmp_path)


def test_damaged_and_missing_files_are_named(tmp_path: Path):
    with pytest.raises(ModelNotFoundError, match=f"{tmp_path.name}/model.safetensors: no such file"):
        read_state(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"damaged!")
    with pytest.raises(ModelFolderError, match=f"{tmp_path.name}/model.safetensors: not a file of tensors"):
        read_state(tmp_path)


def test_half_precision_is_widened(tmp_path: Path):
    layer = torch.nn.Linear(3, 2)
    save_file({name: tensor.half() for name, tensor in layer.state_dict().items()}, tmp_path / "model.safetensors")
    fill(layer, tmp_path)
    assert layer.weight.dtype == torch.float32


@pytest.mark.parametrize("shape", [(2, 4), (3, 3)])
def test_weights_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, int]):
    save_file({"weight": torch.zeros(shape), "bias": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelFolderError, match=r"do not fit config.json.*size mismatch for weight"):
        fill(torch.nn.Linear(3, 2), tmp_path)


def test_missing_and_unexpected_tensors_are_refused(tmp_path: Path):
    save_file({"weight": torch.zeros(2, 3), "extra": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelFolderError, match=r"Missing key.*bias.*Unexpected key.*extra"):
        fill(torch.nn.Linear(3, 2), tmp_path)
