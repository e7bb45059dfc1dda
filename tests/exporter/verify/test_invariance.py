"""Mirrors exporter/airvec_exporter/verify/invariance.py."""

from typing import Any

import numpy as np
import pytest

from airvec.folder import RERANKER
from airvec_exporter.verify.answers import Trial
from airvec_exporter.verify.invariance import COUNT, LONGEST, batch_moves, sample


class Scorer:
    """Gives a pair the score 1, and `nudge` more for each neighbour whose first text is among `loud`."""

    def __init__(self, nudge: float, loud: str) -> None:
        self.nudge, self.loud = nudge, loud

    def predict(self, pairs: list[tuple[str, str]], **_: Any) -> np.ndarray:
        loud = [pair[0] in self.loud for pair in pairs]
        return np.array([1 + self.nudge * (sum(loud) - one) for one in loud])


def trial(names: str) -> Trial:
    inputs = [(name, "x") for name in names]
    return Trial("tiny", RERANKER, None, inputs, (3,) * len(names), "", np.ones((len(names), 1), np.float32))


@pytest.mark.parametrize("loud", ["a", "f", "h"])
def test_what_one_neighbour_moves_is_found_wherever_it_is(loud: str):
    rows, moves = batch_moves(trial("abcdefgh"), Scorer(0.25, loud))
    assert rows == list(range(8))
    assert moves.tolist() == [0 if name == loud else 0.25 for name in "abcdefgh"]


def test_the_largest_of_all_groups_counts():
    _, moves = batch_moves(trial("abcdefgh"), Scorer(0.25, "abcdefgh"))
    assert moves.tolist() == [7 * 0.25] * 8


def test_what_ignores_its_neighbours_does_not_move():
    assert batch_moves(trial("abc"), Scorer(0, "abc"))[1].max() == 0


def test_the_sample_is_of_short_texts_spread_by_length():
    counts = tuple(range(1000, 0, -1))
    rows = sample(counts)
    lengths = [counts[row] for row in rows]
    assert len(rows) == len(set(rows)) == COUNT
    assert (lengths[0], lengths[-1]) == (1, LONGEST)
    assert max(np.diff(lengths)) <= 11
    assert max(counts[row] for row in sample(counts, 50)) == 50


def test_two_long_texts_are_better_than_none():
    assert sample((500, 300, 400)) == [1, 2]
    assert sample((500, 3)) == [1, 0]
