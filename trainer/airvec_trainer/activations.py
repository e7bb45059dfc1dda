"""Activations from logits to scores, as torch modules: by name, as given, and under the paths that folders save.

Knows nothing of models.
"""

import warnings
from collections.abc import Callable

from torch import Tensor, nn

from airvec.errors import AirvecWarning, ArgumentError

__all__ = ["ACTIVATIONS", "Activation", "activated", "activation_name", "given_activation", "stated_activation"]

Activation = Callable[[Tensor], Tensor]

TORCH = "torch.nn."
# Plain classes of torch, made without arguments.
ACTIVATIONS: dict[str, type[nn.Module]] = {
    kind.__name__: kind for kind in (nn.GELU, nn.Identity, nn.ReLU, nn.SiLU, nn.Sigmoid, nn.Tanh)
}


def stated_activation(stated: str, where: str) -> Activation | None:
    """What a folder names; None, with a warning, for what is none of ours: code is not run.

    Args:
        stated: a dotted path.
        where: the folder's name.
    """
    name = stated.rpartition(".")[2]
    if stated.startswith(TORCH) and name in ACTIVATIONS:
        return ACTIVATIONS[name]()
    warnings.warn(
        f"{where}: activation_fn is {stated!r}, expected one of torch's {', '.join(ACTIVATIONS)}; it is not run. Pass "
        "activation_fn=….",
        AirvecWarning,
        stacklevel=4,
    )
    return None


def activation_name(activation: Activation) -> str | None:
    """The dotted path that a plain activation of torch is saved under; None for anything else."""
    kind = type(activation)
    return f"{kind.__module__}.{kind.__name__}" if ACTIVATIONS.get(kind.__name__) is kind else None


def activated(logits: Tensor, activation: Activation) -> Tensor:
    """Scores of logits (n, labels), without the dimension of a single label.

    Raises:
        ArgumentError: the activation gives another shape.
    """
    scores = activation(logits)
    if scores.shape not in (logits.shape, logits.shape[:1]) or (scores.ndim == 1 and logits.shape[1] > 1):
        raise ArgumentError(
            f"activation_fn: gives a tensor of shape {list(scores.shape)} for logits of shape {list(logits.shape)}, "
            "expected the same. Correct it."
        )
    return scores[:, 0] if scores.ndim > 1 and scores.shape[1] == 1 else scores


def given_activation(given: Activation | str) -> Activation:
    """What a caller names or passes.

    Raises:
        ArgumentError: neither a name of ours nor a function.
    """
    name = given.rpartition(".")[2] if isinstance(given, str) else None
    if name is not None and name in ACTIVATIONS:
        return ACTIVATIONS[name]()
    if isinstance(given, str) or not callable(given):
        raise ArgumentError(
            f"activation_fn: {given!r:.80}, expected one of {', '.join(ACTIVATIONS)}, or a function from a tensor "
            "(n, labels) to one. Correct it."
        )
    return given
