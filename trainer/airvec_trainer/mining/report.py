"""`MiningReport`: what was mined and what was dropped, in numbers and as a table.

Knows nothing of models and texts.
"""

from dataclasses import dataclass

import numpy as np

from airvec.arrays import Floats

__all__ = ["MiningReport", "Summary", "summary"]

NOT_ENOUGH = ("range_max", "range_min", "absolute_margin", "relative_margin", "max_score", "min_score")
ROW = "{:<6} {:>14} {:>14} {:>14}"


@dataclass(frozen=True)
class Summary:
    """Some scores in nine numbers; of none, count is 0 and the rest NaN.

    `median` is the lower of two in the middle, as torch has it, and `q50` the mean of both; `std` divides by count - 1.
    """

    count: int
    mean: float
    median: float
    std: float
    min: float
    q25: float
    q50: float
    q75: float
    max: float


def summary(scores: Floats) -> Summary:
    """The nine numbers of scores (n,).

    >>> summary(np.float32([1, 2, 3, 5]))
    Summary(count=4, mean=2.75, median=2.0, std=1.707825127659933, min=1.0, q25=1.75, q50=2.5, q75=3.5, max=5.0)
    """
    if not len(scores):
        return Summary(0, *[float("nan")] * 8)
    values = scores.astype(np.float64)
    median = float(np.sort(values)[(len(values) - 1) // 2])
    std = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    low, middle, high = (float(number) for number in np.quantile(values, [0.25, 0.5, 0.75]))
    return Summary(
        len(values), float(values.mean()), median, std, float(values.min()), low, middle, high, float(values.max())
    )


@dataclass(frozen=True)
class MiningReport:
    """What a mining found.

    Attributes:
        queries: different queries.
        documents: different documents that were searched.
        range_max: best candidates of a query that were looked at.
        rows: of the data set that was made.
        missing: rows that it lacks because too few negatives were left.
        positive: the scores of the positives.
        negative: the scores of the negatives, counted once for each positive that they stand with.
        difference: how much higher the positive's score is.
        candidates: pairs of a query with a retrieved document that is none of its positives.
        dropped: how many of them each filter dropped, in the order of the filters; one dropped is not counted again.
        settings: the value of each of these filters.
        above_positive: candidates that score higher than their query's lowest positive, dropped or not.
        same_text: candidates whose text is a positive's, but for case and spaces.
        same_text_kept: such negatives in the result. Nothing but a filter by score drops them.
        likely_false_negatives: candidates that a margin dropped, or that have the same text; each counted once.
        notes: what was decided on the way, a line each.
    """

    queries: int
    documents: int
    range_max: int
    rows: int
    missing: int
    positive: Summary
    negative: Summary
    difference: Summary
    candidates: int
    dropped: dict[str, int]
    settings: dict[str, float]
    above_positive: int
    same_text: int
    same_text_kept: int
    likely_false_negatives: int
    notes: tuple[str, ...] = ()

    def table(self) -> str:
        """The statistics of scores, in the reference's rows."""
        three = (self.positive, self.negative, self.difference)
        lines = [ROW.format("Metric", "Positive", "Negative", "Difference")]
        lines.append(ROW.format("Count", f"{self.positive.count:,}", f"{self.negative.count:,}", ""))
        rows = {"25%": "q25", "50%": "q50", "75%": "q75"}
        for title in ("mean", "median", "std", "min", "25%", "50%", "75%", "max"):
            values = [f"{getattr(one, rows.get(title, title)):.4f}" for one in three]
            lines.append(ROW.format(title.capitalize(), *values))
        return "\n".join(lines)

    def text(self) -> str:
        """All of it, to be printed."""
        return "\n".join([*self.notes, self.table(), *self._filters(), *self._doubts(), *self._shortage()])

    def _filters(self) -> list[str]:
        return [
            f"Dropped {count:,} of {self.candidates:,} candidates ({_share(count, self.candidates)}) "
            f"by {name}={self.settings[name]}."
            for name, count in self.dropped.items()
            if count
        ]

    def _doubts(self) -> list[str]:
        share = _share(self.likely_false_negatives, self.candidates)
        lines = [f"Likely false negatives among the candidates: {self.likely_false_negatives:,} ({share})."]
        if self.same_text:
            lines.append(f"{self.same_text:,} candidates have a positive's text but for case and spaces.")
        if self.above_positive:
            lines.append(f"{self.above_positive:,} candidates score higher than their query's lowest positive.")
        if self.same_text_kept:
            lines.append(f"{self.same_text_kept:,} negatives have a positive's text but for case and spaces.")
        return lines

    def _shortage(self) -> list[str]:
        if self.missing <= 0:
            return []
        set_ones = [name for name in NOT_ENOUGH if name == "range_max" or name in self.settings]
        named = " and ".join(filter(None, [", ".join(set_ones[:-1]), set_ones[-1]]))
        share = _share(self.missing, self.missing + self.rows)
        return [f"Too few negatives for {self.missing:,} rows ({share}). Change {named} to find more."]


def _share(part: int, whole: int) -> str:
    return f"{part / max(1, whole):.2%}"
