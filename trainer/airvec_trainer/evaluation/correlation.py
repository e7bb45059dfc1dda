"""Do a reranker's scores rank pairs of texts as people do?

Knows nothing of how a model predicts.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.columns import numbers, pairs, same_lengths, varied
from airvec_trainer.evaluation.embedding import PREDICTS
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.metrics import pearson, spearman

__all__ = ["CECorrelationEvaluator", "CrossEncoderCorrelationEvaluator"]


class CrossEncoderCorrelationEvaluator(Evaluator):
    """Correlation of the score of a pair of texts with a given one. Gives `pearson` and `spearman`, the primary metric.

    Args:
        sentence_pairs: two texts each.
        scores: how alike they are, in any unit; larger is more alike.
        name: of the data.
        prompt_name: passed to `predict`.
        batch_size: passed to `predict`.
        show_progress_bar: passed to `predict`.
        write_csv: write `CrossEncoderCorrelationEvaluator_{name}_results.csv`.

    Raises:
        ArgumentError: not one score for each pair, no pair of texts, a score that is no finite number, or all
            scores are alike; later, a predicted one that is none.
    """

    asks = PREDICTS

    def __init__(
        self,
        sentence_pairs: Sequence[Sequence[str]],
        scores: Sequence[float],
        name: str = "",
        prompt_name: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        write_csv: bool = True,
    ) -> None:
        where = type(self).__name__
        same_lengths(where, {"pairs": sentence_pairs, "scores": scores})
        file = f"CrossEncoderCorrelationEvaluator{'_' + name if name else ''}_results.csv"
        super().__init__(name=name, csv_file=file, write_csv=write_csv)
        self.sentence_pairs = pairs(where, sentence_pairs)
        self.scores = varied(where, "scores", numbers(where, "scores", scores))
        self.prompt_name, self.batch_size, self.show_progress_bar = prompt_name, batch_size, show_progress_bar

    @classmethod
    def from_input_examples(cls, examples: Iterable[Any], name: str = "") -> "CrossEncoderCorrelationEvaluator":
        """From examples with two texts and a score as label."""
        kept = list(examples)
        return cls([entry.texts for entry in kept], [entry.label for entry in kept], name=name)

    def measure(self, model: Any) -> dict[str, float]:
        """Pearson's and Spearman's correlation."""
        found = np.asarray(
            model.predict(
                self.sentence_pairs,
                prompt_name=self.prompt_name,
                batch_size=self.batch_size,
                show_progress_bar=self.show_progress_bar,
                convert_to_numpy=True,
            )
        )
        wrong = np.argwhere(~np.isfinite(found))
        if len(wrong):
            raise ArgumentError(
                f"{type(self).__name__}: the score of pair {wrong[0][0]} is {found[tuple(wrong[0])]}, expected a "
                "finite number. Look at the model."
            )
        return {"pearson": pearson(self.scores, found), "spearman": spearman(self.scores, found)}

    def primary(self, metrics: Mapping[str, float]) -> str:
        """Spearman's."""
        return "spearman"

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """The two, under the names that the file has in sentence-transformers."""
        return {"Pearson_Correlation": metrics["pearson"], "Spearman_Correlation": metrics["spearman"]}


CECorrelationEvaluator = CrossEncoderCorrelationEvaluator  # its old name
