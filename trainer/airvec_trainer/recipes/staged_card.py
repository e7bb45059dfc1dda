"""The card of a model that was trained in stages: that of its last training, with what every stage gained.

Knows nothing of how cards are made.
"""

from pathlib import Path
from typing import Any

from airvec_trainer.card.data import begin_card
from airvec_trainer.recipes.stage_report import Repetition, gains_table

__all__ = ["with_stages"]

BEFORE = "\n## Citation"


def with_stages(model: Any, folder: Path, found: Repetition) -> Any:
    """The card's data of the model, whose text is complete.

    Args:
        model: after its last stage.
        folder: that it was saved to then, with its card.
        found: what the stages gained.
    """
    known = model.model_card_data
    card = begin_card(model.kind, folder)
    card.language, card.license, card.model_id = known.language, known.license, known.model_id
    section = f"\n## Training in Stages\n\n{gains_table([found])}\n"
    text = card.text or ""
    head, mark, tail = text.partition(BEFORE)
    card.text = f"{head.rstrip()}\n{section}{mark}{tail}"
    return card
