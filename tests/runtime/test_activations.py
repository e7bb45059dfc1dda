"""Mirrors runtime/airvec/activations.py; torch's modules are stood in for by classes that look like them."""

import math

import numpy as np
import pytest

from airvec.activations import ACTIVATIONS, LABEL_ACTIVATIONS, given_activation, stated_activation
from airvec.errors import AirvecWarning, ArgumentError, ModelFolderError


def torch_module(name, shown):
    """An object that says of itself what torch's module of this name says."""
    kind = type(name, (), {"__module__": "torch.nn.modules.activation", "__repr__": lambda self: shown})
    return kind()


@pytest.mark.parametrize(
    ("name", "at_one", "at_minus_two"),
    [
        ("Identity", 1, -2),
        ("Tanh", 0.7615942, -0.9640276),
        ("ReLU", 1, 0),
        ("GELU", 0.8413447, -0.0455003),
        ("Sigmoid", 0.7310586, 0.1192029),
        ("SiLU", 0.7310586, -0.2384058),
        ("Softmax", 0.9525741, 0.0474259),
    ],
)
def test_activations_at_two_points(name, at_one, at_minus_two):
    found = LABEL_ACTIVATIONS[name](np.array([[1, -2]], np.float32))
    np.testing.assert_allclose(found, [[at_one, at_minus_two]], atol=1e-6)
    assert found.dtype == np.float32


def test_activations_of_large_numbers_neither_overflow_nor_warn():
    for activation in LABEL_ACTIVATIONS.values():
        assert np.isfinite(activation(np.array([[1e4, -1e4, 0]], np.float32))).all()


@pytest.mark.parametrize("x", [-80.0, -40.0, -20.0, -1.0, 0.0, 1.0, 15.0])
def test_the_sigmoid_keeps_its_digits_far_below_zero(x):
    found = float(ACTIVATIONS["Sigmoid"](np.array([x], np.float32))[0])
    assert found == pytest.approx(1 / (1 + math.exp(-x)), rel=1e-6)


def test_scores_far_below_zero_are_no_ties():
    found = ACTIVATIONS["Sigmoid"](np.arange(-60, -20, dtype=np.float32))
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("stated", ["torch.nn.modules.activation.Sigmoid", "torch.nn.Sigmoid"])
def test_a_folder_names_an_activation_by_a_path_inside_torch(stated):
    assert stated_activation(stated, "m") is ACTIVATIONS["Sigmoid"]


@pytest.mark.parametrize("stated", ["my.module.Squash", "os.system", "Sigmoid"])
def test_code_outside_torch_is_not_run_and_said_so(stated):
    with pytest.warns(AirvecWarning, match=f"m: activation_fn is '{stated}', which is code outside torch.nn"):
        assert stated_activation(stated, "m") is None


@pytest.mark.parametrize("stated", ["torch.nn.modules.activation.Softplus", "torch.sigmoid", "torch.nn."])
def test_an_unknown_activation_of_torch_is_an_error_with_those_known(stated):
    with pytest.raises(ModelFolderError, match=f"m: activation_fn is '{stated}', expected one of GELU, Identity, ReLU"):
        stated_activation(stated, "m")


@pytest.mark.parametrize(
    "given",
    [
        "Sigmoid",
        "torch.nn.Sigmoid",
        "torch.nn.modules.activation.Sigmoid",
        torch_module("Sigmoid", "Sigmoid()"),
        ACTIVATIONS["Sigmoid"],
    ],
)
def test_a_caller_may_pass_a_name_a_path_a_module_of_torch_or_a_function(given):
    assert given_activation(given) is ACTIVATIONS["Sigmoid"]


def test_any_function_of_arrays_will_do():
    assert given_activation(np.tanh) is np.tanh


@pytest.mark.parametrize(
    ("name", "shown"), [("Softmax", "Softmax(dim=1)"), ("GELU", "GELU(approximate='none')"), ("SiLU", "SiLU()")]
)
def test_a_module_of_torch_with_settings_that_change_nothing(name, shown):
    assert given_activation(torch_module(name, shown)) is LABEL_ACTIVATIONS[name]


@pytest.mark.parametrize(
    "given",
    [
        "Softplus",
        "sigmoid",
        "my.Sigmoid",
        "",
        3,
        torch_module("GELU", "GELU(approximate='tanh')"),
        torch_module("Softmax", "Softmax(dim=0)"),
        torch_module("Softplus", "Softplus(beta=1.0, threshold=20.0)"),
    ],
)
def test_what_is_no_activation_is_refused_by_its_value(given):
    with pytest.raises(ArgumentError) as found:
        given_activation(given)
    assert f"activation_fn: {given!r}, expected one of GELU, Identity" in str(found.value)
