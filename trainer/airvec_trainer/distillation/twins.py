"""A model beside a model: the same settings, and modules of its own; for models in torch alone.

Knows nothing of what is changed in the copy.
"""

import copy
from collections import OrderedDict
from typing import Any, TypeVar

from torch import nn

from airvec.errors import ArgumentError
from airvec.model import Model as RuntimeModel
from airvec_trainer.model import Model

__all__ = ["check_in_torch", "twin_of"]

Twin = TypeVar("Twin", bound=Model)


def twin_of(model: Twin) -> Twin:
    """A copy whose modules, prompts and card can be changed without the model's; what it was opened from is shared."""
    twin = copy.copy(model)
    modules = OrderedDict((name, copy.deepcopy(module)) for name, module in model.named_children())
    nn.Module.__setattr__(twin, "_modules", modules)
    twin.prompts = dict(model.prompts)
    twin.model_card_data = copy.deepcopy(model.model_card_data)
    return twin


def check_in_torch(name: str, model: Any, kind: type[Model] = Model) -> None:
    """Refuse what has no weights to change.

    Args:
        name: what messages call the model.
        model: what was given.
        kind: the class that it is to be of.

    Raises:
        ArgumentError: a graph that the runtime opened, a name, or a model of another library or kind.
    """
    if isinstance(model, kind):
        return
    found = f"airvec.{type(model).__name__}" if isinstance(model, RuntimeModel) else type(model).__name__
    wanted = "model" if kind is Model else kind.__name__
    opener = "SentenceTransformer" if kind is Model else kind.__name__
    raise ArgumentError(
        f"{name}: {found}, expected a {wanted} of airvec_trainer, in torch. Open the checkpoint with "
        f"airvec_trainer.{opener}."
    )
