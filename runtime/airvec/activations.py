"""Activations in NumPy under torch's class names, and how folders and callers name them.

A folder states a dotted path (`torch.nn.modules.activation.Sigmoid`); a caller passes a path, the last name alone, a
function of arrays, or an instance of torch's own module, which is told by its class without importing torch.
Knows nothing of layers and models.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

import numpy as np

from airvec.arrays import Array, Floats
from airvec.errors import AirvecWarning, ArgumentError, ModelFolderError

Activation: TypeAlias = Callable[[Floats], Array]

TORCH = "torch."
# How torch prints modules of ours that take settings, where these change nothing.
PLAIN_FORMS = (
    "GELU(approximate='none')", "ReLU(inplace=True)", "SiLU(inplace=True)",
    "Softmax(dim=1)", "Softmax(dim=-1)", "Softmax(dim=None)",
)  # fmt: skip


def identity(x: Floats) -> Floats:
    """The values themselves."""
    return x


def tanh(x: Floats) -> Floats:
    """Hyperbolic tangent of each value."""
    return np.tanh(x)


def relu(x: Floats) -> Floats:
    """Each value, or 0 below it."""
    return np.maximum(x, np.float32(0))


def gelu(x: Floats) -> Floats:
    """x Φ(x), exact: NumPy has no erf, and a batch of embeddings is small enough for the standard library's."""
    erf = np.vectorize(math.erf, otypes=[np.float64])
    return (x * 0.5 * (1.0 + erf(x / math.sqrt(2)))).astype(np.float32)


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + e⁻ˣ), exact far below 0 too: scores of 1e-12 and 1e-11 must not become ties."""
    small = np.exp(-np.abs(x))  # at most 1: no overflow
    return np.where(x >= 0, np.float32(1), small).astype(np.float32) / (np.float32(1) + small)


def silu(x: Floats) -> Floats:
    """x times its sigmoid."""
    return x * sigmoid(x)


def softmax(x: Floats) -> Floats:
    """e to each value, divided by their sum in the last dimension: float32 (n, labels) -> the same shape."""
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "GELU": gelu,
    "Identity": identity,
    "ReLU": relu,
    "SiLU": silu,
    "Sigmoid": sigmoid,
    "Tanh": tanh,
}
# On labels there is one more, which mixes a row's values.
LABEL_ACTIVATIONS: Mapping[str, Activation] = {**ACTIVATIONS, "Softmax": softmax}


def stated_activation(stated: str, where: str) -> Activation | None:
    """What a folder names for its labels; None for code outside torch, of which this warns, as the reference does.

    Raises:
        ModelFolderError: one of torch's that is not among ours.
    """
    if not stated.startswith(TORCH):
        warnings.warn(
            f"{where}: activation_fn is {stated!r}, which is code outside torch.nn and is not run; the next "
            "place that names one counts, or the default. Pass activation_fn=… with a function of arrays.",
            AirvecWarning,
            stacklevel=3,
        )
        return None
    found = LABEL_ACTIVATIONS.get(stated.rpartition(".")[2])
    if found is None:
        raise ModelFolderError(
            f"{where}: activation_fn is {stated!r}, expected one of {_known()} of torch.nn. "
            "Pass activation_fn=… with a function of arrays."
        )
    return found


def given_activation(given: object) -> Activation:
    """What a caller passes: a name, a function of arrays, or a module of torch without settings of its own.

    Raises:
        ArgumentError: none of these.
    """
    name = _name(given)
    if name is not None and name in LABEL_ACTIVATIONS:
        return LABEL_ACTIVATIONS[name]
    if name is not None or not callable(given):
        raise ArgumentError(
            f"activation_fn: {given!r:.80}, expected one of {_known()}, or a function from an array (n, labels) to "
            "one. Correct it."
        )
    return cast("Activation", given)


def _name(given: object) -> str | None:
    """The class name that a text or a module of torch stands for; None for anything else."""
    if isinstance(given, str):
        return given.rpartition(".")[2] if given.startswith(TORCH) or "." not in given else given
    kind: type[Any] = type(given)
    if not (kind.__module__ or "").startswith("torch.nn."):
        return None
    shown = str(given)
    return kind.__name__ if shown in (f"{kind.__name__}()", *PLAIN_FORMS) else shown


def _known() -> str:
    return ", ".join(sorted(LABEL_ACTIVATIONS))
