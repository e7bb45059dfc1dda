"""What a model is, as a number: its weights, graphs, tokenizer and settings in one digest.

A model that was trained further, or whose prompts or limits were changed, has another, so that nothing that the old
one said is taken for what the new one would say.
Knows nothing of what models say and of where that is kept.
"""

import hashlib
import json
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from airvec.errors import ArgumentError
from airvec.identity import SETTINGS, add_folder
from airvec.model import Model as RuntimeModel

__all__ = ["can_be_told", "model_digest"]


def can_be_told(model: Any) -> bool:
    """Whether `model_digest` reads this model: it has a folder, or can be saved to one."""
    return isinstance(model, RuntimeModel) or hasattr(model, "save_pretrained")


def model_digest(model: Any) -> str:
    """SHA-256, in hexadecimal, of all that decides a model's answers.

    Args:
        model: a runtime's model, whose folder is read; or one that can be saved (`save_pretrained`), as the trainer's
            and sentence-transformers' can.

    Raises:
        ArgumentError: a model whose weights cannot be told.
    """
    digest = hashlib.sha256()
    if isinstance(model, RuntimeModel):
        add_folder(digest, model.folder)
        digest.update(repr(model.opened_as).encode())
    elif can_be_told(model):
        with TemporaryDirectory(prefix="airvec-") as scratch:
            folder = Path(scratch) / "model"
            save = _merged(model).save_pretrained
            save(
                str(folder),
                **({"create_model_card": False} if "create_model_card" in signature(save).parameters else {}),
            )
            add_folder(digest, folder)
    else:
        raise ArgumentError(
            f"model: {type(model).__name__} has neither a folder nor save_pretrained, so its weights cannot be told, "
            "expected a model of airvec or airvec_trainer. Leave cache_folder out, or give such a model."
        )
    settings = {name: getattr(model, name, None) for name in SETTINGS}
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()


def _merged(model: Any) -> Any:
    """A model with adapters saves these alone, whose numbers say nothing without the weights below."""
    from torch import nn  # only models that are in torch anyway come here

    from airvec_trainer.adapters import has_adapters, with_adapters_merged

    return with_adapters_merged(model) if isinstance(model, nn.Module) and has_adapters(model) else model
