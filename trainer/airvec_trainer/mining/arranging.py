"""Step 5, arrange: queries, positives and mined negatives as the columns of a data set.

One function a format. A place that holds no negative has the score -inf.
Knows nothing of how negatives were mined.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from airvec.arrays import Floats
from airvec.search.ranking import Ranking
from airvec_trainer.mining.pairs import Pairs

__all__ = ["ARRANGEMENTS", "Arranged", "Mined"]

Columns: TypeAlias = dict[str, list[Any]]


@dataclass(frozen=True)
class Mined:
    """What the steps before found.

    Attributes:
        pairs: p of them.
        positive_scores: float32 (p,).
        negatives: (n, count), of each query.
        unfilled: negatives a query that were asked for besides, and that no document can be.
    """

    pairs: Pairs
    positive_scores: Floats
    negatives: Ranking
    unfilled: int = 0

    def by_pair(self) -> Ranking:
        """The negatives of each pair's query, (p, count)."""
        owners = self.pairs.owners
        return Ranking(self.negatives.rows[owners], self.negatives.scores[owners])

    def queries(self, places: Any) -> list[str]:
        """The query of each of these pairs."""
        return [self.pairs.queries[owner] for owner in self.pairs.owners[places]]

    def positives(self, places: Any) -> list[str]:
        """The positive of each of these pairs."""
        return self.documents(self.pairs.positives[places])

    def documents(self, rows: Any) -> list[str]:
        """Texts of documents."""
        return [self.pairs.documents[row] for row in rows]


@dataclass(frozen=True)
class Arranged:
    """Columns of texts, labels and scores, and what statistics are made of.

    Attributes:
        columns: by name, all of one length.
        negative_scores: float32 (s,), one for each pair of a positive with a negative.
        differences: float32 (s,), how much higher the positive's score is.
        possible: rows, had all negatives been found.
    """

    columns: Columns
    negative_scores: Floats
    differences: Floats
    possible: int


def triplets(mined: Mined, scores: bool) -> Arranged:
    """A row a negative: query, positive, `negative`; with scores `scores` = [of the positive, of the negative]."""
    found = mined.by_pair()
    kept = np.isfinite(found.scores)
    pairs, places = np.nonzero(kept)
    columns: Columns = dict(zip(mined.pairs.names, (mined.queries(pairs), mined.positives(pairs)), strict=True))
    columns["negative"] = mined.documents(found.rows[pairs, places])
    negative = found.scores[pairs, places]
    if scores:
        columns["scores"] = np.stack([mined.positive_scores[pairs], negative], axis=1).tolist()
    return Arranged(columns, negative, mined.positive_scores[pairs] - negative, kept.size + len(kept) * mined.unfilled)


def tuples(mined: Mined, scores: bool) -> Arranged:
    """A row a pair that has all its negatives: query, positive, `negative_1` …; `scores` in that order."""
    found = mined.by_pair()
    pairs = np.flatnonzero(np.isfinite(found.scores).all(axis=1))
    columns: Columns = dict(zip(mined.pairs.names, (mined.queries(pairs), mined.positives(pairs)), strict=True))
    for place, rows in enumerate(found.rows[pairs].T, 1):
        columns[f"negative_{place}"] = mined.documents(rows)
    positive, negative = mined.positive_scores[pairs, None], found.scores[pairs]
    if scores:
        columns["scores"] = np.hstack([positive, negative]).tolist()
    return Arranged(columns, negative.ravel(), (positive - negative).ravel(), len(found.rows))


def labeled_pairs(mined: Mined, scores: bool) -> Arranged:
    """A row a text: query, text, `label` 1 or 0, or its `score`; a query's positives first, then its negatives."""
    queries, texts, labels, values = [], [], [], []
    ends = np.searchsorted(mined.pairs.owners, np.arange(1, len(mined.pairs.queries) + 1))
    for query, (start, end) in enumerate(zip(mined.pairs.starts, ends, strict=True)):
        kept = np.isfinite(mined.negatives.scores[query])
        found = mined.documents([*mined.pairs.positives[start:end], *mined.negatives.rows[query][kept]])
        queries += [mined.pairs.queries[query]] * len(found)
        texts += found
        labels += [1] * int(end - start) + [0] * int(kept.sum())
        values += [*mined.positive_scores[start:end].tolist(), *mined.negatives.scores[query][kept].tolist()]
    columns: Columns = dict(zip(mined.pairs.names, (queries, texts), strict=True))
    columns |= {"score": values} if scores else {"label": labels}
    statistics = triplets(mined, scores)
    possible = mined.negatives.rows.size + len(mined.pairs.queries) * mined.unfilled + mined.pairs.rows
    return Arranged(columns, statistics.negative_scores, statistics.differences, possible)


def labeled_lists(mined: Mined, scores: bool) -> Arranged:
    """A row a pair that has negatives: query, [positive, negatives …], `labels` [1, 0 …], or their `scores`."""
    found = mined.by_pair()
    kept = np.isfinite(found.scores)
    pairs = np.flatnonzero(kept.any(axis=1))
    firsts = mined.positives(pairs)
    texts = [[first, *mined.documents(found.rows[pair][kept[pair]])] for first, pair in zip(firsts, pairs, strict=True)]
    columns: Columns = dict(zip(mined.pairs.names, (mined.queries(pairs), texts), strict=True))
    if scores:
        columns["scores"] = [
            [float(mined.positive_scores[pair]), *found.scores[pair][kept[pair]].tolist()] for pair in pairs
        ]
    else:
        columns["labels"] = [[1] + [0] * int(kept[pair].sum()) for pair in pairs]
    statistics = triplets(mined, scores)
    return Arranged(columns, statistics.negative_scores, statistics.differences, len(found.rows))


ARRANGEMENTS: dict[str, Callable[[Mined, bool], Arranged]] = {
    "triplet": triplets,
    "n-tuple": tuples,
    "labeled-pair": labeled_pairs,
    "labeled-list": labeled_lists,
}
