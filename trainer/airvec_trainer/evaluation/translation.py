"""Is each text's translation the most similar one of all?

Knows nothing of how a model encodes.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from airvec.similarity import cos_sim
from airvec_trainer.evaluation.columns import same_lengths, some, texts
from airvec_trainer.evaluation.embedding import ENCODES, Ask, Embeddings, EncodeOptions, embed
from airvec_trainer.evaluation.evaluator import Evaluator

__all__ = ["TranslationEvaluator"]

ROWS = 1024  # compared with all others at once
SHOWN = 5  # of the most similar texts to a wrong one


class TranslationEvaluator(Evaluator):
    """Share of texts whose most similar text in the other language, by cosine, is their translation.

    Gives `src2trg_accuracy`, `trg2src_accuracy`, and `mean_accuracy`, their mean and the primary metric. Among equally
    similar texts the first one counts; a text that stands there twice is right in both places.

    Args:
        source_sentences: texts of one language.
        target_sentences: their translations.
        show_progress_bar: passed to `encode`.
        batch_size: passed to `encode`.
        name: of the data.
        print_wrong_matches: print each source text whose translation is not found, and the texts before it.
        write_csv: write `translation_evaluation_{name}_results.csv`.
        truncate_dim: passed to `encode`.
        max_active_dims: passed to `encode` of sparse models.

    Raises:
        ArgumentError: columns of different lengths or none, or no texts.
    """

    asks = ENCODES

    def __init__(
        self,
        source_sentences: Sequence[str],
        target_sentences: Sequence[str],
        show_progress_bar: bool | None = False,
        batch_size: int = 16,
        name: str = "",
        print_wrong_matches: bool = False,
        write_csv: bool = True,
        truncate_dim: int | None = None,
        *,
        max_active_dims: int | None = None,
    ) -> None:
        where = type(self).__name__
        same_lengths(where, {"source sentences": source_sentences, "target sentences": target_sentences})
        file = f"translation_evaluation{'_' + name if name else ''}_results.csv"
        super().__init__(name=name, csv_file=file, write_csv=write_csv)
        self.source_sentences = some(where, "sentences", texts(where, "source_sentences", source_sentences))
        self.target_sentences = texts(where, "target_sentences", target_sentences)
        self.print_wrong_matches, self.truncate_dim = print_wrong_matches, truncate_dim
        self.options = EncodeOptions(
            batch_size, show_progress_bar, truncate_dim=truncate_dim, max_active_dims=max_active_dims
        )

    def measure(self, model: Any, ask: Ask = embed) -> dict[str, float]:
        """Both directions' accuracy, and the mean."""
        sources = ask(model, self.source_sentences, options=self.options)
        targets = ask(model, self.target_sentences, options=self.options)
        best_target, best_source = most_similar(sources, targets)
        there = [self.target_sentences[best] == own for best, own in _beside(best_target, self.target_sentences)]
        back = [self.source_sentences[best] == own for best, own in _beside(best_source, self.source_sentences)]
        if self.print_wrong_matches:
            for row in np.flatnonzero(~np.array(there)):
                sys.stdout.write(self._wrong(int(row), cos_sim(sources[[row]], targets)[0]))
        forth_share, back_share = float(np.mean(there)), float(np.mean(back))
        return {
            "src2trg_accuracy": forth_share,
            "trg2src_accuracy": back_share,
            "mean_accuracy": (forth_share + back_share) / 2,
        }

    def primary(self, metrics: Mapping[str, float]) -> str:
        """The mean of both directions."""
        return "mean_accuracy"

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Both directions, `src2trg` and `trg2src`."""
        return {name: metrics[f"{name}_accuracy"] for name in ("src2trg", "trg2src")}

    def get_config_dict(self) -> dict[str, Any]:
        """Where embeddings are cut."""
        return self.options.changed()

    def _wrong(self, row: int, scores: npt.NDArray[np.float32]) -> str:
        """Source `row`, its translation, and the targets that are most similar to it."""
        lines = [f"source {row}: {self.source_sentences[row]}"]
        lines += [f"  wanted {scores[row]:.4f} target {row}: {self.target_sentences[row]}"]
        best = np.argsort(-scores, kind="stable")[:SHOWN]
        lines += [f"  found  {scores[one]:.4f} target {one}: {self.target_sentences[one]}" for one in best]
        return "\n".join(lines) + "\n"


def most_similar(first: Embeddings, second: Embeddings) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The most similar row of the other side, by cosine, for each row of both: (n,) and (m,); of equals the first.

    >>> forth, back = most_similar(np.eye(2), np.array([[0, 1.0], [2, 1], [0, 3]]))
    >>> forth.tolist(), back.tolist()
    ([1, 0], [1, 0, 1])
    """
    forth: list[npt.NDArray[np.intp]] = []
    back, highest = np.zeros(len(second), np.intp), np.full(len(second), -np.inf, np.float32)
    for start in range(0, len(first), ROWS):
        scores = cos_sim(first[start : start + ROWS], second)
        forth.append(scores.argmax(axis=1))
        best = scores.argmax(axis=0)
        found = scores[best, np.arange(len(second))]
        better = found > highest
        back[better], highest[better] = best[better] + start, found[better]
    return np.concatenate(forth), back


def _beside(best: npt.NDArray[np.intp], own: list[str]) -> list[tuple[int, str]]:
    return list(zip(best.tolist(), own, strict=True))
