"""A training is worth more than its card: what goes wrong with the card while a model trains is a warning.

Knows nothing of what a card says and of how it is written.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airvec.errors import AirvecWarning
from airvec_trainer.card.rendering import generate_model_card

__all__ = ["only_warned", "try_card"]


@contextmanager
def only_warned(what: str) -> Iterator[None]:
    """Within it, an error is a warning that says so, with its reason."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # data sets, modules and templates raise what they like
        warnings.warn(
            f"model card: {what} ({type(error).__name__}: {error}). The training goes on. Look at "
            "model.model_card_data.",
            AirvecWarning,
            stacklevel=3,
        )


def try_card(model: Any, folder: Path) -> None:
    """Write `folder/README.md`; where the card cannot be made, warn and write none.

    Args:
        model: with its `model_card_data`.
        folder: where; it is there.

    Raises:
        OSError: the disk refuses.
    """
    text = None
    with only_warned(f"no README.md in {folder.name}"):
        text = generate_model_card(model)
    if text is not None:
        (folder / "README.md").write_text(text, encoding="utf-8")
