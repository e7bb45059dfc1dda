"""A head → arrays and settings that JSON holds, and back: no pickle, and nothing but these kinds is read.

Knows nothing of files.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from airvec.arrays import Array
from airvec.errors import ArgumentError
from airvec.heads.averaged import Averaged
from airvec.heads.linear import Linear
from airvec.heads.neighbors import Neighbors
from airvec.heads.perceptron import Perceptron
from airvec.heads.prepared import Normalize, Prepared, Standardize, Step
from airvec.heads.protocol import Head
from airvec.heads.prototypes import Prototypes
from airvec.heads.voting import Voting


class Packed(NamedTuple):
    """A head's settings, for JSON, and its arrays by name."""

    settings: dict[str, Any]
    arrays: dict[str, Array]


def packed(head: Head) -> Packed:
    """The settings and arrays that `unpacked` makes the same head of.

    Raises:
        ArgumentError: a head of another kind, which has no form on disk.
    """
    if isinstance(head, Prepared):
        return _packed_with_steps(head)
    if isinstance(head, Averaged):
        return _packed_several(head)
    return _packed_alone(head)


def _packed_alone(head: Head) -> Packed:
    if isinstance(head, Linear):
        settings = {"type": "linear", "link": head.link, "multi_label": head.multi_label}
        return Packed(settings, {"weights": head.weights, "bias": head.bias})
    if isinstance(head, Neighbors):
        settings = {
            "type": "neighbors", "labels": head.labels, "count": head.count, "metric": head.metric,
            "weighting": head.weighting,
        }  # fmt: skip
        return Packed(settings, {"vectors": head.vectors, "targets": head.targets})
    if isinstance(head, Perceptron):
        settings = {
            "type": "perceptron", "layers": len(head.weights), "activation": head.activation,
            "multi_label": head.multi_label,
        }  # fmt: skip
        layers = {f"weights_{place}": weights for place, weights in enumerate(head.weights)}
        return Packed(settings, layers | {f"bias_{place}": bias for place, bias in enumerate(head.biases)})
    if isinstance(head, Voting):
        return Packed({"type": "voting"}, {"weights": head.weights, "bias": head.bias})
    if isinstance(head, Prototypes):
        return Packed({"type": "prototypes", "temperature": head.temperature}, {"vectors": head.vectors})
    raise ArgumentError(f"head: {type(head).__name__}, expected one of airvec.heads. Only those are saved.")


def unpacked(settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Head:
    """The head that these settings and arrays describe.

    Raises:
        ArgumentError: no such kind of head, a setting or an array is missing, or they do not fit together.
    """
    try:
        return _steps_and_head(settings, arrays)
    except KeyError as error:
        raise ArgumentError(f"head: no {error}, found {', '.join([*settings, *arrays])}. Write it again.") from error
    except (TypeError, ValueError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise ArgumentError(f"head: {dict(settings)!r:.200} cannot be read ({error}). Write it again.") from error


def _packed_with_steps(prepared: Prepared) -> Packed:
    inner = packed(prepared.head)
    steps: list[dict[str, str]] = []
    arrays = dict(inner.arrays)
    for place, step in enumerate(prepared.steps):
        if isinstance(step, Normalize):
            steps.append({"type": "normalize", "norm": step.norm})
            continue
        steps.append({"type": "standardize"})
        arrays |= {f"mean_{place}": step.mean, f"scale_{place}": step.scale}
    return Packed(inner.settings | {"steps": steps}, arrays)


def _packed_several(averaged: Averaged) -> Packed:
    """Arrays of head 0 are called `0_weights`, and so on."""
    each = [packed(head) for head in averaged.heads]
    arrays = {f"{place}_{name}": array for place, one in enumerate(each) for name, array in one.arrays.items()}
    return Packed({"type": "averaged", "heads": [one.settings for one in each]}, arrays)


def _steps_and_head(settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Head:
    head = _head(settings, arrays)
    steps = tuple(_step(place, step, arrays) for place, step in enumerate(settings.get("steps", ())))
    return Prepared(steps, head) if steps else head


def _step(place: int, step: Mapping[str, Any], arrays: Mapping[str, Array]) -> Step:
    if step["type"] == "normalize":
        return Normalize(step["norm"])
    if step["type"] == "standardize":
        return Standardize(arrays[f"mean_{place}"], arrays[f"scale_{place}"])
    raise ArgumentError(f"steps: type {step['type']!r}, expected normalize or standardize. Upgrade airvec.")


def _head(settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Head:
    kind = settings["type"]
    if kind == "linear":
        return Linear(arrays["weights"], arrays["bias"], settings["link"], bool(settings["multi_label"]))
    if kind == "neighbors":
        return Neighbors(
            arrays["vectors"], np.asarray(arrays["targets"]), settings["labels"], settings["count"],
            settings["metric"], settings["weighting"],
        )  # fmt: skip
    if kind == "perceptron":
        layers = range(settings["layers"])
        return Perceptron(
            tuple(arrays[f"weights_{place}"] for place in layers), tuple(arrays[f"bias_{place}"] for place in layers),
            settings["activation"], bool(settings["multi_label"]),
        )  # fmt: skip
    if kind == "voting":
        return Voting(arrays["weights"], arrays["bias"])
    if kind == "averaged":
        return Averaged(tuple(_one_of(place, one, arrays) for place, one in enumerate(settings["heads"])))
    if kind == "prototypes":
        return Prototypes(arrays["vectors"], settings["temperature"])
    raise ArgumentError(
        f"head: type {kind!r}, expected linear, voting, neighbors, perceptron, prototypes or averaged. Upgrade airvec, "
        "or write it again."
    )


def _one_of(place: int, settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Head:
    start = f"{place}_"
    own = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
    return _steps_and_head(settings, own)
