"""Mirrors runtime/airvec/search/nearest.py, against the loops of golden/reference.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from airvec.search import nearest as module
from airvec.search.nearest import nearest, top_k_rows
from tests.golden import reference

FEW_VALUES = st.sampled_from([-np.inf, -1.0, 0.0, 1.0, 3.0])  # so that many scores are equal
SIZES = st.integers(1, 9)


def parts(scores: np.ndarray, sizes: list[int]):
    """The scores in blocks, all in the same memory, as those of a search are."""
    buffer, start = np.empty(scores.shape, np.float32), 0
    for size in [*sizes, scores.shape[1]]:
        block = buffer[:, : scores[:, start : start + size].shape[1]]
        block[:] = scores[:, start : start + size]
        yield start, block
        start += block.shape[1]


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(1, 8)), elements=FEW_VALUES), SIZES)
def test_the_highest_scores_come_first_and_ties_by_place(scores, top_k):
    assert top_k_rows(scores, top_k).tolist() == [reference.nearest(row, top_k) for row in scores.tolist()]


def test_a_score_that_is_no_number_comes_last():
    scores = np.array([[np.nan, 1, 2, np.nan], [np.nan] * 4], np.float32)
    assert top_k_rows(scores, 3).tolist() == [[2, 1, 0], [0, 1, 2]]
    assert top_k_rows(scores, 9).tolist() == [[2, 1, 0, 3], [0, 1, 2, 3]]


@settings(max_examples=150, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(0, 4), st.integers(0, 30)), elements=FEW_VALUES),
    st.lists(st.integers(1, 6), max_size=12), SIZES, st.sampled_from([1, 2, 8, 10_000]),
)  # fmt: skip
def test_blocks_give_what_the_whole_gives(scores, sizes, top_k, many):
    module.MANY, kept = many, module.MANY
    try:
        found, rows = nearest(parts(scores, sizes), len(scores), top_k)
    finally:
        module.MANY = kept
    assert rows.tolist() == [reference.nearest(row, top_k) for row in scores.tolist()]
    assert found.tolist() == [sorted(row, reverse=True)[:top_k] for row in scores.tolist()]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("many", [1, 8])
def test_scores_that_rise_all_the_way_and_those_that_fall(monkeypatch, order, many):
    monkeypatch.setattr(module, "MANY", many)
    scores = np.arange(5000, dtype=np.float32)[None, ::order] * np.array([[1], [2], [-1]], np.float32)
    found, rows = nearest(parts(scores, [50] * 80), 3, 7)
    assert rows.tolist() == top_k_rows(scores, 7).tolist()
    assert found.tolist() == np.take_along_axis(scores, rows, axis=1).tolist()


def test_one_query_with_a_crowd_of_candidates_does_not_cost_the_others(monkeypatch):
    monkeypatch.setattr(module, "CROWD", 4)
    scores = np.random.default_rng(0).normal(size=(20, 3000)).astype(np.float32)
    scores[3, 600:] += 100
    _, rows = nearest(parts(scores, [500, 1000, 700]), 20, 2)
    assert rows.tolist() == top_k_rows(scores, 2).tolist()


def test_a_score_that_is_no_number_hides_no_later_ones():
    scores = np.array([[np.nan, np.nan, np.nan, 1, 2, np.nan, 3]], np.float32)
    _, rows = nearest(parts(scores, [3, 2, 2]), 1, 3)
    assert rows.tolist() == [[6, 4, 3]]


def test_no_blocks_give_no_results():
    found, rows = nearest(iter(()), 4, 3)
    assert (found.shape, rows.shape) == ((4, 0), (4, 0))
