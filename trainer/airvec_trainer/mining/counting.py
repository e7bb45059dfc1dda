"""What the steps of a mining found, counted for its report: likely false negatives above all.

Knows nothing of how the steps work.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from airvec.arrays import Array, Floats, Integers
from airvec.search.ranking import NOTHING, Ranking
from airvec_trainer.mining.arranging import Arranged, Mined
from airvec_trainer.mining.by_rank import among
from airvec_trainer.mining.by_score import Filtered
from airvec_trainer.mining.pairs import Pairs
from airvec_trainer.mining.report import MiningReport, summary
from airvec_trainer.mining.settings import NUMBERS, MiningSettings
from airvec_trainer.plain_text import plain_text

__all__ = ["Course", "counted", "plain_texts", "same_text"]

MARGINS = ("absolute_margin", "relative_margin")


@dataclass(frozen=True)
class Course:
    """What the steps gave, one after the other.

    Attributes:
        found: the candidates with the scores that filters see.
        own: bool (n, k), which of them are the query's positives.
        lowest: float32 (n,), the score of each query's lowest positive.
        filtered: what the filters left, and dropped.
        mined: the negatives of each query.
        arranged: the columns.
        notes: what was decided, a line each.
    """

    found: Ranking
    own: Array
    lowest: Floats
    filtered: Filtered
    mined: Mined
    arranged: Arranged
    notes: tuple[str, ...]


def counted(course: Course, settings: MiningSettings, range_max: int) -> MiningReport:
    """The report of a mining."""
    pairs, dropped, arranged = course.mined.pairs, course.filtered.dropped, course.arranged
    others = (course.found.rows != NOTHING) & ~course.own
    same = same_text(course.found.rows, pairs) & others
    doubtful = np.any([same, *(dropped[name] for name in MARGINS if name in dropped)], axis=0)
    rows = len(next(iter(arranged.columns.values())))
    return MiningReport(
        queries=len(pairs.queries),
        documents=len(pairs.documents),
        range_max=range_max,
        rows=rows,
        missing=max(0, arranged.possible - rows),
        positive=summary(course.mined.positive_scores),
        negative=summary(arranged.negative_scores),
        difference=summary(arranged.differences),
        candidates=int(others.sum()),
        dropped={name: int(mask.sum()) for name, mask in dropped.items()},
        settings={name: getattr(settings, name) for name in ("range_min", *NUMBERS) if getattr(settings, name)},
        above_positive=int(((course.found.scores > course.lowest[:, None]) & others).sum()),
        same_text=int(same.sum()),
        same_text_kept=_kept(course.mined, settings.output_format == "n-tuple"),
        likely_false_negatives=int(doubtful.sum()),
        notes=course.notes,
    )


def same_text(rows: Integers, pairs: Pairs) -> Array:
    """Which of each query's documents (n, k) have the text of one of its positives, but for case and spaces."""
    number = plain_texts(pairs.documents)
    return among(np.where(rows == NOTHING, NOTHING, number[rows]), pairs.owners, number[pairs.positives])


def plain_texts(texts: Sequence[str]) -> Integers:
    """A number for each text, the same for texts that differ by case and spaces alone: int64 (m,).

    >>> plain_texts(["A cat", "a dog", "a  CAT "]).tolist()
    [0, 1, 0]
    """
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(plain_text(text), len(numbers)) for text in texts], np.int64)


def _kept(mined: Mined, complete: bool) -> int:
    """Negatives of the result with a positive's text; `complete`: only rows that have all are in it."""
    pairs, found = mined.pairs, mined.negatives
    kept = np.isfinite(found.scores)
    kept &= kept.all(axis=1, keepdims=True) if complete else True
    other = ~among(found.rows, pairs.owners, pairs.positives)
    each = (kept & other & same_text(found.rows, pairs)).sum(axis=1)
    return int((each * pairs.counts).sum())
