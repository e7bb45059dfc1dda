"""`[model].layers`: told before the model is loaded where they are not there, and cut when it is.

Knows nothing of the rest of a recipe.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from airvec.errors import AirvecError, ArgumentError
from airvec.folder import read_folder
from airvec_trainer.distillation.layers import COUNT, places_of, with_fewer_layers
from airvec_trainer.recipes.sections import ModelSection

__all__ = ["check_layers", "with_layers"]

PLACE = "[model].layers"
Made = TypeVar("Made")


def check_layers(section: ModelSection) -> None:
    """Refuse layers that the model of a folder has not; of a name on the Hub that is told when it is loaded.

    Raises:
        ArgumentError: none, too many, or some that are not there.
    """
    layers = section.layers
    if layers is None or not Path(section.name).is_absolute():
        return
    count = _count(Path(section.name))
    if count is not None:
        _told(lambda: places_of(layers, count), section.name)


def with_layers(model: Any, layers: int | list[int]) -> Any:
    """The model with some of its layers: `with_fewer_layers`, whose messages name the recipe's key.

    Raises:
        ArgumentError: as there.
    """
    return _told(lambda: with_fewer_layers(model, layers), "the model")


def _told(act: Callable[[], Made], name: str) -> Made:
    try:
        return act()
    except ArgumentError as error:
        raise ArgumentError(f"{PLACE}, of {name}: {str(error).removeprefix('keep: ')}") from error


def _count(folder: Path) -> int | None:
    """How many layers the config of a model's body says; None where that cannot be told: loading it will."""
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(str(read_folder(folder).modules[0].path), local_files_only=True)
    except (AirvecError, OSError, ValueError):  # no body of transformers, or a damaged one
        return None
    return getattr(config, COUNT, None)
