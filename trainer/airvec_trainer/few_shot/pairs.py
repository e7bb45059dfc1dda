"""Labelled texts → pairs with the score 1 (one label) or 0 (two), in the order in which SetFit makes them.

Knows nothing of data sets, losses and models.
"""

from collections.abc import Sequence
from itertools import chain, cycle, islice, zip_longest
from typing import Any

import numpy as np

from airvec.errors import ArgumentError

Pair = tuple[int, int]


def contrastive_pairs(
    labels: Sequence[Any], *, num_iterations: int | None = None, strategy: str = "oversampling", max_pairs: int = -1
) -> list[tuple[int, int, float]]:
    """Pairs of places and their score, those of one label and of two in turns.

    A text is paired with itself, too, as in SetFit. Where more pairs are wanted than there are, they come again.

    Args:
        labels: of each text: a value, or a row of 0 and 1 where it may have several; texts that share one are alike.
        num_iterations: pairs of each kind for each text; None = by the strategy.
        strategy: `"oversampling"`, `"undersampling"` or `"unique"`.
        max_pairs: different pairs at most; -1 = all.

    Raises:
        ArgumentError: there are no pairs of two labels.

    >>> contrastive_pairs(["a", "b"], strategy="unique")
    [(0, 0, 1.0), (0, 1, 0.0), (1, 1, 1.0)]
    """
    same, different = _both_kinds(labels, max_pairs)
    if num_iterations is not None:
        wanted = [num_iterations * len(labels)] * 2
    elif strategy == "unique":
        wanted = [len(same), len(different)]
    else:
        wanted = [(min if strategy == "undersampling" else max)(len(same), len(different))] * 2
    if wanted[1] and not different:
        raise ArgumentError(
            f"label: {len(labels)} rows, of which every two share a label, expected two labels or more. Add examples "
            "of another, or give num_epochs=0, which fits the head alone."
        )
    alike = ((*pair, 1.0) for pair in islice(cycle(same), wanted[0]))
    unlike = ((*pair, 0.0) for pair in islice(cycle(different), wanted[1]))
    return [pair for pair in chain.from_iterable(zip_longest(alike, unlike)) if pair is not None]


def _both_kinds(labels: Sequence[Any], max_pairs: int) -> tuple[list[Pair], list[Pair]]:
    """All pairs, each once, in SetFit's shuffled order: those that share a label, and the others."""
    first, second = np.triu_indices(len(labels))
    # The seed is SetFit's own, whatever the training's: the order of a seed's numbers is part of its results.
    order = np.random.RandomState(seed=42).permutation(len(first))  # its generator is the old one
    first, second = first[order], second[order]
    shared = _shared(labels, first, second)
    most = None if max_pairs == -1 else max_pairs // 2
    kinds = [np.stack([first[kind], second[kind]], axis=1)[:most].tolist() for kind in (shared, ~shared)]
    return [(left, right) for left, right in kinds[0]], [(left, right) for left, right in kinds[1]]


def _shared(labels: Sequence[Any], first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Whether the two of each pair share a label: bool (pairs,)."""
    rows = np.asarray(labels)
    if rows.ndim == 2:
        return (rows[first].astype(bool) & rows[second].astype(bool)).any(axis=1)
    places = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    numbers = np.array([places[label] for label in labels])
    return numbers[first] == numbers[second]
