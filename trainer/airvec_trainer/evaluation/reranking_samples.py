"""What an evaluator of reranking is given and what it gives: samples, checked, and means of three metrics.

Knows nothing of models.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np

from airvec.checks import whole_number
from airvec.errors import ArgumentError

__all__ = ["Scores", "columns", "depth", "gains", "listed", "means", "texts_of"]

logger = logging.getLogger(__name__)

Scores: TypeAlias = tuple[float, float, float]  # reciprocal rank, NDCG, average precision
Sample: TypeAlias = Mapping[str, Any]


def listed(where: str, samples: Any) -> list[Sample]:
    """Samples as a list, also from a dict, whose values are taken.

    Raises:
        ArgumentError: not several, or one without a query.
    """
    given: Any = cast("Mapping[Any, Any]", samples).values() if isinstance(samples, Mapping) else samples
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ArgumentError(f"{where}: samples {given!r:.60}, expected dicts with a query each. Pass a list.")
    found = list(cast("Iterable[Any]", given))
    for row, sample in enumerate(found):
        if not isinstance(sample, Mapping) or not isinstance(cast("Sample", sample).get("query"), str):
            raise ArgumentError(f"{where}: samples, row {row}: {sample!r:.80}, expected a dict with a text 'query'.")
    if not found:
        raise ArgumentError(f"{where}: {len(found)} samples, expected one at least. Give some.")
    return cast("list[Sample]", found)


def texts_of(where: str, row: int, sample: Sample, key: str) -> list[str]:
    """The texts under a key; one text is a list of one.

    Raises:
        ArgumentError: nothing is there, or something else.
    """
    given = sample.get(key)
    several = isinstance(given, Iterable) and not isinstance(given, str)
    found: list[Any] = list(cast("Iterable[Any]", given)) if several else [given]
    if not all(isinstance(text, str) for text in found):
        raise ArgumentError(
            f"{where}: samples, row {row}: {key} {given!r:.60}, expected a text or several. The sample has "
            f"{', '.join(map(str, sample))}."
        )
    return found


def depth(where: str, at_k: Any, mrr_at_k: Any) -> int:
    """Places that count; `mrr_at_k` is the old name, and wins.

    Raises:
        ArgumentError: no whole number above 0.
    """
    if mrr_at_k is not None:
        logger.warning("%s: mrr_at_k is the old name of at_k; at_k=%r does the same.", where, mrr_at_k)
    return whole_number(f"{where}: at_k", at_k if mrr_at_k is None else mrr_at_k)


def means(found: Sequence[Scores], at_k: int, in_front: str = "") -> dict[str, float]:
    """The means over samples, as metrics: `map`, `mrr@k`, `ndcg@k`."""
    ranks, gained, precision = (float(mean) for mean in np.mean(np.asarray(found, dtype=np.float64), axis=0).tolist())
    return {f"{in_front}map": precision, f"{in_front}mrr@{at_k}": ranks, f"{in_front}ndcg@{at_k}": gained}


def columns(metrics: Mapping[str, float], at_k: int) -> dict[str, float]:
    """The columns of the CSV file: `MAP`, `MRR@k`, `NDCG@k`."""
    return {title: metrics[title.lower()] for title in ("MAP", f"MRR@{at_k}", f"NDCG@{at_k}")}


def gains(metrics: Mapping[str, float]) -> dict[str, Any]:
    """For a model card: each metric with what it gained over the ranking before, where that is known.

    >>> gains({"map": 0.75, "base_map": 0.5})
    {'map': '0.7500 (+0.2500)'}
    """
    if "base_map" not in metrics:
        return {key: float(value) for key, value in metrics.items()}
    mine = {key: value for key, value in metrics.items() if not key.startswith("base_")}
    return {key: f"{value:.4f} ({value - metrics[f'base_{key}']:+.4f})" for key, value in mine.items()}
