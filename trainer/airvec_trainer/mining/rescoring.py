"""Scores of a cross-encoder in place of the retriever's, for candidates and for positives.

Knows nothing of how candidates were found, and of what the scores are used for.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from airvec.arrays import Floats
from airvec.errors import InputError
from airvec.progress import progress_bar
from airvec.search.ranking import NOTHING, Ranking
from airvec_trainer.mining.pairs import Pairs
from airvec_trainer.mining.settings import MiningSettings
from airvec_trainer.mining.vectors import processes

__all__ = ["rescored"]

PAIRS_AT_ONCE = 4096


def rescored(ranking: Ranking, pairs: Pairs, cross_encoder: Any, settings: MiningSettings) -> tuple[Ranking, Floats]:
    """The candidates (n, k) in their places, with new scores, and new scores of the p pairs, float32 (p,).

    Raises:
        InputError: the cross-encoder gives something else than a finite number a pair.
        ArgumentError: processes are wanted of one that has none.
    """
    owners, places = np.nonzero(ranking.rows != NOTHING)
    candidates = _texts(pairs, owners, ranking.rows[owners, places])
    asked = [*candidates, *_texts(pairs, pairs.owners, pairs.positives)]
    found: list[Floats] = [np.zeros(0, np.float32)]
    with (
        processes(cross_encoder, settings.use_multi_process) as pool,
        progress_bar(settings.show_progress_bar, len(asked), "Rescoring", "pair") as advance,
    ):
        for start in range(0, len(asked), PAIRS_AT_ONCE):
            part = asked[start : start + PAIRS_AT_ONCE]
            found.append(_predicted(cross_encoder, part, settings.batch_size, pool))
            advance(len(part))
    scores = np.concatenate(found)
    new = np.full(ranking.scores.shape, -np.inf, np.float32)
    new[owners, places] = scores[: len(candidates)]
    return Ranking(ranking.rows, new), scores[len(candidates) :]


def _texts(pairs: Pairs, queries: Sequence[int], documents: Sequence[int]) -> list[tuple[str, str]]:
    return [(pairs.queries[query], pairs.documents[row]) for query, row in zip(queries, documents, strict=True)]


def _predicted(cross_encoder: Any, asked: list[tuple[str, str]], batch_size: int | None, pool: Any) -> Floats:
    given = {"batch_size": batch_size, "show_progress_bar": False} | ({} if pool is None else {"pool": pool})
    scores = np.asarray(cross_encoder.predict(asked, **given), np.float32)
    if scores.shape != (len(asked),) or not np.isfinite(scores).all():
        raise InputError(
            f"cross_encoder: scores of shape {list(scores.shape)} for {len(asked)} pairs, "
            f"{int((~np.isfinite(scores)).sum())} of them not finite, expected a finite number each. Use a model with "
            "one label."
        )
    return scores
