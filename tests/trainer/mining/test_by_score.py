"""Step 3: margins against the lowest positive, and bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airvec.search.ranking import Ranking
from airvec_trainer.mining import MiningSettings
from airvec_trainer.mining.by_score import filtered, lowest, too_high

SCORES = np.float32([[1.0, 0.75, 0.5, 0.25, -np.inf]])


def left(positive=1.0, scores=SCORES, **given):
    found = filtered(Ranking(np.arange(5)[None], scores), np.float32([positive]), MiningSettings(**given))
    kept = np.isfinite(found.ranking.scores[0])
    return found.ranking.rows[0][kept].tolist(), {name: int(mask.sum()) for name, mask in found.dropped.items()}


def test_the_lowest_positive_counts():
    assert lowest(np.float32([0.5, 0.25, 0.75, -1.0]), np.array([0, 2, 3])).tolist() == [0.25, 0.75, -1.0]


def test_an_absolute_margin_keeps_what_is_exactly_that_far():
    assert left(absolute_margin=0.25) == ([1, 2, 3], {"absolute_margin": 1})
    assert left(absolute_margin=0.0) == ([0, 1, 2, 3], {"absolute_margin": 0})


def test_a_relative_margin_is_a_part_of_the_positive():
    assert left(relative_margin=0.5) == ([2, 3], {"relative_margin": 2})
    assert left(positive=0.5, relative_margin=0.5) == ([3], {"relative_margin": 3})


def test_a_relative_margin_of_a_negative_positive_lowers_the_bound():
    # -1 - |-1| * 0.5 = -1.5, where p * (1 - 0.5) would have let -0.5 pass.
    scores = np.float32([-0.5, -1.25, -1.5, -2.0])
    assert too_high(scores, np.float32(-1), "relative_margin", 0.5).tolist() == [True, True, False, False]


def test_bounds_keep_what_is_equal():
    assert left(max_score=0.75, min_score=0.5) == ([1, 2], {"max_score": 1, "min_score": 1})


def test_what_one_filter_drops_the_next_does_not_count():
    assert left(absolute_margin=0.5, max_score=0.75) == ([2, 3], {"absolute_margin": 2, "max_score": 0})


def test_without_a_filter_nothing_happens():
    assert left() == ([0, 1, 2, 3], {})


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=5, max_size=5), st.floats(-1, 1, width=32), st.floats(0, 1, width=32)
)
def test_a_wider_margin_never_keeps_more(scores, positive, margin):
    given = np.float32([scores])
    for name in ("absolute_margin", "relative_margin"):
        narrow, _ = left(positive, given, **{name: margin / 2})
        wide, _ = left(positive, given, **{name: margin})
        assert set(wide) <= set(narrow)


@pytest.mark.parametrize("name", ["absolute_margin", "relative_margin", "max_score", "min_score"])
def test_scores_stay_float32(name):
    found = filtered(Ranking(np.arange(5)[None], SCORES), np.float32([1.0]), MiningSettings(**{name: 0.3}))
    assert found.ranking.scores.dtype == np.float32
