"""Step 2: own positives out, and some ranks of the rest."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from airvec.search.ranking import Ranking
from airvec_trainer.mining.by_rank import among, window, without

LEAST = -np.inf


def test_positives_are_found_by_query():
    rows = np.array([[5, 2, -1], [2, 5, 0]])
    found = among(rows, np.array([0, 0, 1]), np.array([2, 9, 5]))
    assert found.tolist() == [[False, True, False], [False, True, False]]


def test_a_place_of_nobody_is_no_positive():
    assert among(np.array([[-1], [-1]]), np.array([0, 1]), np.array([3, 3])).tolist() == [[False], [False]]


@given(st.integers(0, 10_000))
def test_it_is_what_a_loop_over_queries_finds(seed):
    random = np.random.default_rng(seed)
    rows = random.integers(-1, 6, (4, 5))
    owners = np.sort(random.integers(0, 4, 6))
    positives = random.integers(0, 9, 6)
    expected = [
        [row in positives[owners == query].tolist() for row in some] for query, some in enumerate(rows.tolist())
    ]
    assert among(rows, owners, positives).tolist() == expected


def test_ranks_are_counted_by_score_among_what_is_left():
    ranking = Ranking(np.array([[1, 2, 3, 4]]), np.float32([[0.9, 0.2, 0.5, 0.7]]))
    left = without(ranking, np.array([[True, False, False, False]]))
    assert left.rows.tolist() == [[1, 2, 3, 4]]
    found = window(left, 1, 4)
    assert found.rows.tolist() == [[3, 2, 1]]
    np.testing.assert_array_equal(found.scores, np.float32([[0.5, 0.2, LEAST]]))


def test_equal_scores_keep_their_order():
    assert window(Ranking(np.array([[4, 3, 9]]), np.float32([[1, 1, 1]])), 0, 2).rows.tolist() == [[4, 3]]
