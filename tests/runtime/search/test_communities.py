"""Mirrors runtime/airvec/search/communities.py, against the loops of golden/reference.py."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from airvec.errors import ArgumentError, MissingPackageError
from airvec.search import blocks, communities, community_detection
from tests.golden import reference

SIZES = st.integers(1, 9)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(0, 10), st.just(2)), elements=st.sampled_from([-1.0, 0.0, 1.0, 2.0])),
    st.sampled_from([0.5, 0.75, 0.92]), st.integers(1, 4), SIZES,
)  # fmt: skip
def test_communities_are_those_of_plain_loops(rows, threshold, smallest, batch):
    found = community_detection(rows, threshold, smallest, batch)
    rounded = [[round(value, 5) for value in row] for row in reference.table(reference.cosine, rows, rows)]
    expected = reference.communities(rounded, threshold, smallest)
    assert [(one[0], sorted(one)) for one in found] == [(one[0], sorted(one)) for one in expected]


def test_communities_by_hand():
    rows = [[1, 0], [1, 0.1], [1, -0.1], [0, 1], [0.1, 1], [-1, -1]]
    assert community_detection(np.array(rows), threshold=0.9, min_community_size=2) == [[0, 1, 2], [3, 4]]
    assert community_detection(rows, threshold=0.9, min_community_size=3) == [[0, 1, 2]]
    assert community_detection(rows, threshold=0.9, min_community_size=1)[-1] == [5]


def test_no_row_is_in_two_communities():
    angles = np.linspace(0, 1.5, 16)
    groups = community_detection(np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.95, 2, batch_size=5)
    members = [row for group in groups for row in group]
    assert len(groups) > 1
    assert len(members) == len(set(members))


@pytest.mark.parametrize("rows", [[], np.zeros((0, 3)), np.eye(3)])
def test_fewer_rows_than_the_smallest_community_give_none(rows):
    assert community_detection(rows, min_community_size=4) == []


@pytest.mark.parametrize("name", ["min_community_size", "batch_size"])
def test_communities_refuse_sizes_below_one(name):
    with pytest.raises(ArgumentError, match=f"{name}: 0, expected a whole number of at least 1"):
        community_detection(np.eye(3), **{name: 0})


def test_a_progress_bar_over_the_rows_needs_tqdm(monkeypatch, capsys):
    assert community_detection(np.eye(3), min_community_size=1, show_progress_bar=True) == [[0], [1], [2]]
    assert "Finding groups" in capsys.readouterr().err
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match="pip install"):
        community_detection(np.eye(3), min_community_size=1, show_progress_bar=True)


@pytest.mark.parametrize("seed", range(3))
def test_small_blocks_find_the_same_groups(monkeypatch, seed):
    draw = np.random.default_rng(seed)
    centres = np.repeat(draw.normal(size=(5, 12)), (30, 20, 9, 5, 1), axis=0)
    rows = draw.permutation(centres + 0.4 * draw.normal(size=centres.shape)).astype(np.float32)
    whole = community_detection(rows, 0.8, 3)
    for module, name, value in (
        (blocks, "SCORES_AT_ONCE", 200), (blocks, "FIRST_ROWS", 5),
        (communities, "CENTRES_AT_ONCE", 4), (communities, "MEMBERS_AT_ONCE", 40),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    assert len(whole) > 3
    assert community_detection(rows, 0.8, 3, batch_size=7) == whole


def test_rows_that_are_all_near_take_no_memory_for_all_their_neighbours():
    """Each of 8,000 rows is near to all: their numbers alone would take 512 MB."""
    rows = np.ones((8_000, 4), np.float32)
    tracemalloc.start()
    (group,) = community_detection(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert group == list(range(8_000))
    assert peak < 90e6
