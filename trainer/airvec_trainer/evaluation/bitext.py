"""Is the translation of a sentence its nearest neighbour? As MTEB asks it.

Knows nothing of how a model encodes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from airvec.errors import ArgumentError
from airvec.modules.normalize import unit
from airvec_trainer.evaluation.columns import same_lengths, texts
from airvec_trainer.evaluation.dense_embedding import dense_rows
from airvec_trainer.evaluation.embedding import ENCODES, EncodeOptions
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.label_agreement import label_agreement

__all__ = ["BitextEvaluator"]

AT_ONCE = 1024  # rows whose similarities are in memory


class BitextEvaluator(Evaluator):
    """For each first sentence the nearest second one by cosine: is it the one of its own row?

    Gives `f1` (primary), `precision`, `recall` and `accuracy`, where each second sentence is a label, as in mteb: a
    sentence that is the nearest of many lowers its own precision, so F1 is below accuracy. Two rows with one text
    count against each other.

    Args:
        sentences1: in one language.
        sentences2: the translation of each.
        name: of the data.
        options: how texts are encoded; None = as the model does, 32 at once.

    Raises:
        ArgumentError: columns of different lengths, or no sentences.
    """

    asks = ENCODES

    def __init__(
        self,
        sentences1: Sequence[str],
        sentences2: Sequence[str],
        name: str = "",
        options: EncodeOptions | None = None,
    ) -> None:
        where = type(self).__name__
        same_lengths(where, {"first sentences": sentences1, "second sentences": sentences2})
        super().__init__(name=name, csv_file=f"bitext_evaluation{'_' + name if name else ''}_results.csv")
        self.sentences1 = texts(where, "sentences1", sentences1)
        self.sentences2 = texts(where, "sentences2", sentences2)
        if not self.sentences1:
            raise ArgumentError(f"{where}: {len(self.sentences1)} pairs, expected some. Give sentences.")
        self.options = options or EncodeOptions()

    def measure(self, model: Any) -> dict[str, float]:
        """Agreement of the nearest row with the own one."""
        where = type(self).__name__
        first = unit(dense_rows(where, model, self.sentences1, self.options))
        second = unit(dense_rows(where, model, self.sentences2, self.options))
        parts = [(first[start : start + AT_ONCE] @ second.T).argmax(axis=1) for start in range(0, len(first), AT_ONCE)]
        found = label_agreement(np.arange(len(first)), np.concatenate(parts))
        return {
            "f1": found["f1_weighted"],
            "precision": found["precision_weighted"],
            "recall": found["recall_weighted"],
            "accuracy": found["accuracy"],
        }

    def primary(self, metrics: Mapping[str, float]) -> str:
        """F1."""
        return "f1"
