"""Mirrors runtime/airvec/batching.py."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airvec.batching import BATCH_COST, Tokens, join, pad, plan
from airvec.errors import ArgumentError


def tokens_of(*texts: list[int]) -> Tokens:
    """Texts given by their token ids; the type of each token is its id modulo 2."""
    ids = np.array([token for text in texts for token in text], np.int32)
    return Tokens(ids, ids % 2, np.cumsum([0, *map(len, texts)]))


def texts_in(tokens: Tokens) -> list[list[int]]:
    """The inverse of `tokens_of`."""
    return [tokens.ids[start:end].tolist() for start, end in zip(tokens.offsets, tokens.offsets[1:], strict=False)]


lengths = st.lists(st.integers(0, 700), max_size=60).map(lambda found: np.array(found, np.int64))


@given(lengths, st.integers(1, 2000), st.none() | st.integers(1, 9))
def test_a_plan_holds_every_text_once_and_keeps_to_its_budget(found, budget, rows):
    batches = plan(found, budget, rows)
    assert sorted(np.concatenate([np.zeros(0, int), *batches]).tolist()) == list(range(len(found)))
    for batch in batches:
        assert len(batch) == 1 or found[batch].max() * len(batch) <= budget
        assert rows is None or len(batch) <= rows


def test_a_plan_takes_the_longest_first_and_keeps_the_order_of_equals():
    batches = plan(np.array([3, 9, 3, 9, 1]), budget=18)
    assert [batch.tolist() for batch in batches] == [[1, 3], [0, 2, 4]]


def costs(batches, lengths):
    return sum(BATCH_COST + len(batch) * int(lengths[batch].max()) for batch in batches)


def test_a_batch_ends_early_where_padding_would_cost_more_than_another_batch():
    lengths = np.array([40, 40, 5, 5, 5, 5])
    assert [batch.tolist() for batch in plan(lengths)] == [[0, 1], [2, 3, 4, 5]]  # saves 4 × 35 tokens of padding
    assert [batch.tolist() for batch in plan(lengths, batch_cost=None)] == [[0, 1, 2, 3, 4, 5]]
    near = np.array([40, 40, 38, 38])
    assert [batch.tolist() for batch in plan(near)] == [[0, 1, 2, 3]]  # 4 tokens of padding against a batch more


def test_a_plan_costs_less_than_one_of_full_batches():
    lengths = np.random.default_rng(0).geometric(0.05, 300)
    assert costs(plan(lengths), lengths) < 0.97 * costs(plan(lengths, batch_cost=None), lengths)


@pytest.mark.parametrize("size", [0, -1, 1.5, "32", True])
def test_a_batch_size_that_is_no_size_is_refused(size):
    with pytest.raises(ArgumentError, match=f"batch_size: {size!r}"):
        plan(np.array([1]), max_rows=size)


def test_texts_are_taken_in_any_order_with_their_types():
    tokens = tokens_of([1, 2], [], [3, 4, 5], [6])
    taken = tokens.take(np.array([2, 1, 0]))
    assert texts_in(taken) == [[3, 4, 5], [], [1, 2]]
    assert taken.type_ids.tolist() == [1, 0, 1, 1, 0]


def test_dropping_tokens_may_empty_a_text():
    tokens = tokens_of([1, 2], [3], [4, 5])
    assert texts_in(tokens.where(np.array([False, True, False, True, True]))) == [[2], [], [4, 5]]
    assert tokens.positions().tolist() == [0, 1, 0, 0, 1]


def test_parts_join_in_order_and_no_parts_are_no_texts():
    assert texts_in(join([tokens_of([1], [2, 3]), tokens_of(), tokens_of([], [4])])) == [[1], [2, 3], [], [4]]
    assert len(join([])) == 0


@pytest.mark.parametrize(
    ("side", "ids", "mask"),
    [
        ("right", [[1, 2, 3], [4, 9, 9]], [[1, 1, 1], [1, 0, 0]]),
        ("left", [[1, 2, 3], [9, 9, 4]], [[1, 1, 1], [0, 0, 1]]),
    ],
)
def test_padding_fills_up_on_the_side_that_was_asked_for(side, ids, mask):
    batch = pad(tokens_of([1, 2, 3], [4]), pad_id=9, side=side)
    assert (batch.input_ids.tolist(), batch.attention_mask.tolist()) == (ids, mask)
    assert batch.token_type_ids[0].tolist() == [1, 0, 1]
    assert all(array.dtype == np.int64 for array in (batch.input_ids, batch.attention_mask, batch.token_type_ids))


@given(st.lists(st.lists(st.integers(1, 99), max_size=7), min_size=1, max_size=9), st.sampled_from(["left", "right"]))
def test_what_the_mask_leaves_is_what_went_in(texts, side):
    batch = pad(tokens_of(*texts), 0, side)
    found = [row[keep > 0].tolist() for row, keep in zip(batch.input_ids, batch.attention_mask, strict=True)]
    assert found == texts


def test_a_batch_without_tokens_is_one_masked_column():
    batch = pad(tokens_of([], []), 9, "right")
    assert (batch.input_ids.tolist(), batch.attention_mask.tolist()) == ([[9], [9]], [[0], [0]])
