"""Mirrors runtime/airvec/search/fusion.py: numbers worked out by hand."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.search.fusion import reciprocal_rank_fusion, weighted_fusion
from airvec.search.ranking import Ranking


def ranking(*queries: dict[int, float], width: int = 0) -> Ranking:
    """A ranking of row -> score dicts, best first; `width` places, the rest empty."""
    places = max(width, *map(len, queries))
    rows = np.full((len(queries), places), -1, np.int64)
    scores = np.full((len(queries), places), -np.inf, np.float32)
    for place, query in enumerate(queries):
        rows[place, : len(query)], scores[place, : len(query)] = list(query), list(query.values())
    return Ranking(rows, scores)


def test_a_row_scores_the_sum_of_one_over_sixty_plus_its_places():
    found = reciprocal_rank_fusion([ranking({7: 9.0, 2: 5.0}), ranking({2: 0.3, 5: 0.2, 7: 0.1})])
    assert found.rows.tolist() == [[2, 7, 5]]
    assert found.scores[0] == pytest.approx([1 / 62 + 1 / 61, 1 / 61 + 1 / 63, 1 / 62])
    assert (found.rows.dtype, found.scores.dtype) == (np.int64, np.float32)


def test_a_smaller_k_makes_the_first_places_count_more():
    lists = [ranking({1: 5.0, 2: 4.0, 3: 3.0, 0: 2.0}), ranking({4: 5.0, 5: 4.0, 6: 3.0, 0: 2.0})]
    assert reciprocal_rank_fusion(lists, top_k=1).rows.tolist() == [[0]]  # 2/64 is more than 1/61
    found = reciprocal_rank_fusion(lists, top_k=3, k=1)
    assert found.rows.tolist() == [[1, 4, 0]]
    assert found.scores[0] == pytest.approx([1 / 2, 1 / 2, 2 / 5])


def test_equal_sums_come_in_the_order_of_rows():
    assert reciprocal_rank_fusion([ranking({9: 1.0}), ranking({4: 1.0}), ranking({6: 1.0})]).rows.tolist() == [
        [4, 6, 9]
    ]


def test_empty_places_give_nothing_and_queries_are_fused_one_by_one():
    found = reciprocal_rank_fusion([ranking({1: 1.0}, {}, width=2), ranking({3: 1.0, 1: 0.5}, {0: 1.0})], top_k=5)
    assert found.rows.tolist() == [[1, 3], [0, -1]]
    assert found.scores[1].tolist() == pytest.approx([1 / 61, -np.inf])


def test_only_the_best_are_kept():
    assert reciprocal_rank_fusion([ranking({5: 2.0, 3: 1.0})], top_k=1).rows.tolist() == [[5]]


def test_weighted_scores_are_scaled_from_zero_to_one_a_query_and_added():
    # First: 10, 6, 2 -> 1, 0.5, 0; second: 0.9, 0.4 -> 1, 0. Row 3 is in one list only.
    lists = [ranking({0: 10.0, 1: 6.0, 2: 2.0}), ranking({1: 0.9, 3: 0.4})]
    found = weighted_fusion(lists, [0.7, 0.3])
    assert found.rows.tolist() == [[0, 1, 2, 3]]
    assert found.scores[0] == pytest.approx([0.7, 0.65, 0.0, 0.0])


def test_negative_scores_are_scaled_as_well():
    found = weighted_fusion([ranking({4: -1.0, 2: -2.0, 7: -5.0})], [2.0])
    assert found.scores[0] == pytest.approx([2.0, 1.5, 0.0])


def test_scores_that_are_all_equal_count_as_one():
    found = weighted_fusion([ranking({4: 3.0, 8: 3.0}), ranking({8: 0.1})], [0.5, 0.25])
    assert found.rows.tolist() == [[8, 4]]
    assert found.scores[0] == pytest.approx([0.75, 0.5])


def test_a_weight_of_zero_adds_rows_without_score():
    found = weighted_fusion([ranking({1: 2.0, 3: 1.0}), ranking({0: 5.0})], [1, 0])
    assert found.rows.tolist() == [[1, 0, 3]]


def test_no_queries_and_no_results_fuse_to_none():
    none = Ranking(np.zeros((0, 3), np.int64), np.zeros((0, 3), np.float32))
    empty = Ranking(np.zeros((2, 0), np.int64), np.zeros((2, 0), np.float32))
    for lists in ([none, none], [empty, empty]):
        for found in (reciprocal_rank_fusion(lists), weighted_fusion(lists, [1, 1])):
            assert found.rows.size == 0
            assert len(found.rows) == len(lists[0].rows)


def test_inputs_are_left_as_they_were():
    one = ranking({4: 3.0, 8: 1.0}, {2: 1.0})
    before = one.rows.copy(), one.scores.copy()
    weighted_fusion([one, one], [1, 2])
    reciprocal_rank_fusion([one, one])
    assert (one.rows == before[0]).all()
    assert (one.scores == before[1]).all()


@pytest.mark.parametrize("weights", [[1.0], [1, 1, 1], [-1, 2], [0, 0], [np.nan, 1], [np.inf, 1], ["1", 1]])
def test_weights_that_do_not_fit_are_refused(weights):
    with pytest.raises(ArgumentError, match="weights"):
        weighted_fusion([ranking({1: 1.0}), ranking({2: 1.0})], weights)


def test_rankings_of_other_queries_none_and_numbers_below_one_are_refused():
    with pytest.raises(ArgumentError, match=r"of \[1, 2\] queries"):
        reciprocal_rank_fusion([ranking({1: 1.0}), ranking({1: 1.0}, {2: 1.0})])
    with pytest.raises(ArgumentError, match=r"of \[\] queries"):
        reciprocal_rank_fusion([])
    for arguments in ({"k": 0}, {"top_k": 0}, {"k": 1.5}):
        with pytest.raises(ArgumentError, match="whole number"):
            reciprocal_rank_fusion([ranking({1: 1.0})], **arguments)
