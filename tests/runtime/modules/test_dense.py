"""Mirrors runtime/airvec/modules/dense.py."""

import numpy as np
import pytest

from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject
from airvec.modules.dense import Dense
from tests.folders import write_tensors

WEIGHT = np.array([[1, 0, 2], [0, -1, 1]], np.float32)
X = np.array([[1, 2, 3]], np.float32)


def opened(folder, tensors, **config):
    """A Dense from a folder with these tensors and keys."""
    write_tensors(folder / "model.safetensors", tensors)
    values = {"in_features": 3, "out_features": 2, "activation_function": "torch.nn.modules.linear.Identity"} | config
    return Dense.from_spec(ModuleSpec("Dense", folder, JsonObject("m/2_Dense/config.json", values)))


def test_a_linear_layer_with_and_without_bias(tmp_path):
    tensors = {"linear.weight": WEIGHT, "linear.bias": np.array([10, 20], np.float32)}
    assert opened(tmp_path, tensors)({"sentence_embedding": X})["sentence_embedding"].tolist() == [[17, 21]]
    assert opened(tmp_path, tensors, bias=False)({"sentence_embedding": X})["sentence_embedding"].tolist() == [[7, 1]]


def test_a_residual_is_the_input_or_a_matrix_where_widths_differ(tmp_path):
    square = opened(
        tmp_path, {"linear.weight": np.eye(3, dtype=np.float32)}, bias=False, out_features=3, use_residual=True
    )
    assert square({"sentence_embedding": X})["sentence_embedding"].tolist() == [[2, 4, 6]]
    tensors = {"linear.weight": WEIGHT, "residual.weight": np.ones((2, 3), np.float32)}
    other = opened(tmp_path, tensors, bias=False, use_residual=True)
    assert other({"sentence_embedding": X})["sentence_embedding"].tolist() == [[13, 7]]


def test_a_layer_may_work_on_each_token(tmp_path):
    module = opened(tmp_path, {"linear.weight": WEIGHT}, bias=False, module_input_name="token_embeddings")
    found = module({"token_embeddings": np.stack([X, X])})
    assert found["token_embeddings"].shape == (2, 1, 2)


def test_the_output_may_have_another_name(tmp_path):
    module = opened(tmp_path, {"linear.weight": WEIGHT}, bias=False, module_output_name="scores")
    found = module({"sentence_embedding": X})
    assert found["scores"].tolist() == [[7, 1]]
    assert found["sentence_embedding"] is X


def test_the_default_activation_is_tanh(tmp_path):
    module = opened(tmp_path, {"linear.weight": WEIGHT}, bias=False, activation_function=None)
    assert module.activation == "Tanh"


@pytest.mark.parametrize(
    "name", ["os.system", "torch.nn.modules.activation.Softplus", "torch.nn.functional.tanh", "Tanh"]
)
def test_an_unknown_activation_is_refused_by_name(tmp_path, name):
    if name == "torch.nn.functional.tanh":
        name = "torch.nn.functional.softplus"
    with pytest.raises(ModelFolderError, match=f"activation_function is '{name}', expected one of"):
        opened(tmp_path, {"linear.weight": WEIGHT}, bias=False, activation_function=name)


@pytest.mark.parametrize(
    ("tensors", "config", "message"),
    [
        ({"other": WEIGHT}, {}, "no tensor 'linear.weight', found other"),
        ({"linear.weight": WEIGHT}, {}, "no tensor 'linear.bias'"),
        ({"linear.weight": WEIGHT}, {"in_features": 4}, r"shape \[2, 3\], expected \[2, 4\]"),
        ({"linear.weight": WEIGHT}, {"out_features": None}, "'out_features' is None"),
    ],
)
def test_weights_that_do_not_fit_are_an_error(tmp_path, tensors, config, message):
    with pytest.raises(ModelFolderError, match=message):
        opened(tmp_path, tensors, **config)


def test_a_width_that_does_not_fit_the_module_before_is_an_error(tmp_path):
    module = opened(tmp_path, {"linear.weight": WEIGHT}, bias=False)
    assert module.output_dim(3) == 2
    with pytest.raises(ModelFolderError, match="in_features 3, but the module before it gives 4"):
        module.output_dim(4)


def test_features_that_are_not_there_are_named_with_those_that_are(tmp_path):
    without_pooling = opened(tmp_path, {"linear.weight": WEIGHT}, bias=False)
    message = "m/2_Dense/config.json: reads 'sentence_embedding', expected one of attention_mask, token_embeddings"
    with pytest.raises(ModelFolderError, match=message):
        without_pooling({"token_embeddings": X[None], "attention_mask": X})
    unknown = opened(tmp_path, {"linear.weight": WEIGHT}, bias=False, module_input_name="poem")
    with pytest.raises(ModelFolderError, match="reads 'poem', expected one of sentence_embedding"):
        unknown({"sentence_embedding": X})
