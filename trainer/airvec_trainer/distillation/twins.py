"""A model beside a model: the same settings, and modules of its own.

Knows nothing of what is changed in the copy.
"""

import copy
from collections import OrderedDict
from typing import TypeVar

from torch import nn

from airvec_trainer.model import Model

__all__ = ["twin_of"]

Twin = TypeVar("Twin", bound=Model)


def twin_of(model: Twin) -> Twin:
    """A copy whose modules, prompts and card can be changed without the model's; what it was opened from is shared."""
    twin = copy.copy(model)
    modules = OrderedDict((name, copy.deepcopy(module)) for name, module in model.named_children())
    nn.Module.__setattr__(twin, "_modules", modules)
    twin.prompts = dict(model.prompts)
    twin.model_card_data = copy.deepcopy(model.model_card_data)
    return twin
