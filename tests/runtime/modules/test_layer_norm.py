"""Mirrors runtime/airvec/modules/layer_norm.py."""

import numpy as np
import pytest

from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject
from airvec.modules.layer_norm import LayerNorm
from tests.folders import write_tensors


def opened(folder, dimension=2, size=2):
    """A LayerNorm with weight 2 and bias 1."""
    tensors = {"norm.weight": np.full(size, 2, np.float32), "norm.bias": np.ones(size, np.float32)}
    write_tensors(folder / "model.safetensors", tensors)
    return LayerNorm.from_spec(ModuleSpec("LayerNorm", folder, JsonObject("m/config.json", {"dimension": dimension})))


def test_two_values_become_minus_one_and_one_then_scaled_and_shifted(tmp_path):
    found = opened(tmp_path)({"sentence_embedding": np.array([[3, 7]], np.float32)})["sentence_embedding"]
    np.testing.assert_allclose(found, [[-1, 3]], atol=1e-5)
    assert found.dtype == np.float32


def test_a_constant_vector_becomes_the_bias(tmp_path):
    found = opened(tmp_path)({"sentence_embedding": np.full((1, 2), 5, np.float32)})
    assert found["sentence_embedding"].tolist() == [[1, 1]]


def test_weights_and_widths_that_do_not_fit_are_errors(tmp_path):
    with pytest.raises(ModelFolderError, match=r"'norm.weight' has shape \[3\], expected \[2\]"):
        opened(tmp_path, size=3)
    with pytest.raises(ModelFolderError, match="dimension 2, but the module before it gives 5"):
        opened(tmp_path).output_dim(5)


def test_a_layer_before_any_pooling_is_an_error(tmp_path):
    with pytest.raises(ModelFolderError, match="reads 'sentence_embedding', expected one of token_embeddings"):
        opened(tmp_path)({"token_embeddings": np.ones((1, 1, 2), np.float32)})
