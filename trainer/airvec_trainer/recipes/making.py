"""Names and tables of a recipe → losses, modules, training arguments and evaluators.

The rooms are the packages themselves: a name is looked up among the public names of `airvec_trainer.losses`,
`airvec_trainer.losses.rerank`, `airvec_trainer.evaluation` and `airvec_trainer.modules`.
Knows nothing of files and of training.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from torch import cuda

from airvec.errors import ArgumentError
from airvec_trainer.recipes.checking import check_keys, check_values, parameters

__all__ = ["arguments_class", "card_class", "class_of", "loss_from", "make_arguments", "model_class", "trainer_class"]

CLASSES = {
    "dense": "SentenceTransformer",
    "sparse": "SparseEncoder",
    "rerank": "CrossEncoder",
}
Table = Mapping[str, Any]


def model_class(kind: str) -> Any:
    """The class of a model of this kind."""
    return getattr(import_module("airvec_trainer"), CLASSES[kind])


def trainer_class(kind: str) -> Any:
    """The class of its trainer."""
    return getattr(import_module("airvec_trainer"), f"{CLASSES[kind]}Trainer")


def arguments_class(kind: str) -> Any:
    """The class of its training arguments."""
    return getattr(import_module("airvec_trainer"), f"{CLASSES[kind]}TrainingArguments")


def card_class(kind: str) -> Any:
    """The class of what its card says."""
    return getattr(import_module("airvec_trainer"), f"{CLASSES[kind]}ModelCardData")


def class_of(room: str, name: object, place: str, fits: Callable[[Any], bool] = inspect.isclass) -> Any:
    """A public class of a package; `fits` says which of its names are meant.

    Raises:
        ArgumentError: there is none of this name; the message has those that are there.
    """
    found = import_module(room)
    names = [one for one in found.__all__ if fits(getattr(found, one))]
    if name not in names:
        near = get_close_matches(str(name), names, 1)
        told = f". Did you mean {near[0]!r}? Expected" if near else ", expected"
        raise ArgumentError(
            f"{place}: {name!r}{told} one of {', '.join(sorted(names))}.{'' if near else ' Take one of these.'}"
        )
    return getattr(found, str(name))


@dataclass(frozen=True)
class NamedGuide:
    """Stands for a guide model while a loss is only looked at."""

    name: str

    def encode(self, texts: Sequence[str]) -> Any:
        """What a guide has and this one has not.

        Raises:
            ArgumentError: always.
        """
        raise ArgumentError(f"guide: {self.name!r} was asked for {len(texts)} texts before it was loaded. Load it.")


def loss_from(table: Table, kind: str, place: str, *, load: bool = True) -> Any:
    """The loss that a table says: `name`, and its fields; a table with a name among them is made, too.

    Args:
        table: of the recipe.
        kind: of the model.
        place: where the table stands.
        load: whether a guide is loaded; else a `NamedGuide` is in its place.

    Raises:
        ArgumentError: an unknown name or field, or a value that a field does not take.
    """
    room = "airvec_trainer.losses.rerank" if kind == "rerank" else "airvec_trainer.losses"
    found = class_of(room, table.get("name"), f"{place}.name", is_dataclass)
    given = {key: value for key, value in table.items() if key != "name"}
    check_keys(given, parameters(found), place)
    made = {key: _field(value, key, found, kind, f"{place}.{key}", load) for key, value in given.items()}
    check_values(found, made, place)
    return found(**made)


def make_arguments(table: Table, kind: str, place: str) -> Any:
    """Training arguments from a table.

    Raises:
        ArgumentError: an unknown key, a wrong type, or values that do not go together.
    """
    found = arguments_class(kind)
    check_values(found, table, place, leave=("local_rank",))
    # Pinning memory without a GPU does nothing but warn.
    default = {"report_to": "none", "dataloader_pin_memory": cuda.is_available()}
    try:
        return found(**{**default, **table, "disable_tqdm": True})
    except (ValueError, TypeError) as error:
        raise ArgumentError(f"{place}: {dict(table)} cannot be used: {error}") from error


def _field(value: Any, key: str, loss: Any, kind: str, place: str, load: bool) -> Any:
    """What stands in a recipe for a value that TOML cannot write: a name, or a table with one."""
    if isinstance(value, dict) and "name" in value:
        return loss_from(value, kind, place, load=load)
    if not isinstance(value, str):
        return value
    if key == "similarity_fct":
        return _function("airvec_trainer.similarity", value, place)
    if key in ("activation_fn", "loss_fct", "cos_score_transformation"):
        return _torch_module(value, place)
    if key == "guide":
        return model_class("dense")(value) if load else NamedGuide(value)
    return _distance(value, loss, place) if key == "distance_metric" and value.isupper() else value


def _function(room: str, name: str, place: str) -> Callable[..., Any]:
    found = import_module(room)
    names = [one for one in found.__all__ if inspect.isfunction(getattr(found, one))]
    if name not in names:
        raise ArgumentError(f"{place}: {name!r}, expected one of {', '.join(names)}. Take one of these.")
    return getattr(found, name)


def _torch_module(name: str, place: str) -> Any:
    """An activation or a loss function of torch.nn, by its class's name."""
    from torch import nn

    found = getattr(nn, name, None)
    if not inspect.isclass(found) or not issubclass(found, nn.Module):
        raise ArgumentError(f"{place}: {name!r}, expected a class of torch.nn such as Sigmoid. Change the name.")
    return found()


def _distance(name: str, loss: Any, place: str) -> Any:
    """COSINE, EUCLIDEAN or MANHATTAN of the enumeration that stands beside the loss."""
    beside = vars(import_module(loss.__module__)).values()
    holders = [one for one in beside if inspect.isclass(one) and "Distance" in one.__name__ and hasattr(one, name)]
    if not holders:
        raise ArgumentError(f"{place}: {name!r}, expected COSINE, EUCLIDEAN or MANHATTAN. Take one of these.")
    return getattr(holders[0], name)
