"""Mirrors trainer/airvec_trainer/sparse_tensors.py, by numbers that can be checked by hand."""

import pytest
import torch

from airvec.errors import ArgumentError
from airvec_trainer import sparse_tensors
from airvec_trainer.sparse_tensors import all_pairs, decode, intersection, largest, row_by_row, sparsity, tensor_of

ROWS = torch.tensor([[3.0, 0.0, -4.0, 0.5], [0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 2.0, 0.0]])
WORDS = ["a", "b", "c", "d"]


def words(places: list[int]) -> list[str]:
    return [WORDS[place] for place in places]


def test_the_largest_by_absolute_value_stay_with_their_sign():
    assert largest(ROWS, 2).tolist() == [[3.0, 0.0, -4.0, 0.0], [0.0] * 4, [0.0, 2.0, 2.0, 0.0]]
    assert largest(ROWS, None) is ROWS
    assert torch.equal(largest(ROWS, 99), ROWS)


@pytest.mark.parametrize("sparse", [False, True])
def test_sparsity_counts_what_is_not_zero(sparse: bool):
    found = sparsity(ROWS.to_sparse() if sparse else ROWS)
    assert found == {"active_dims": 2.0, "sparsity_ratio": 0.5}
    assert sparsity(ROWS[0]) == {"active_dims": 3.0, "sparsity_ratio": 0.25}


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (0,)])
def test_nothing_is_wholly_sparse(shape: tuple[int, ...]):
    assert sparsity(torch.zeros(shape)) == {"active_dims": 0.0, "sparsity_ratio": 1.0}


def test_an_intersection_keeps_products_above_zero():
    query = torch.tensor([2.0, 1.0, 1.0, -1.0])
    assert intersection(query, ROWS).to_dense().tolist() == [[6, 0, 0, 0], [0] * 4, [2, 2, 2, 0]]
    assert intersection(query.to_sparse(), ROWS[2].to_sparse()).to_dense().tolist() == [2, 2, 2, 0]


@pytest.mark.parametrize("pair", [(ROWS, ROWS), (ROWS[0], ROWS[:, :3])])
def test_an_intersection_of_other_shapes_is_refused(pair: tuple[torch.Tensor, torch.Tensor]):
    with pytest.raises(ArgumentError, match="intersection: embeddings of shapes"):
        intersection(*pair)


@pytest.mark.parametrize("sparse", [False, True])
def test_words_come_largest_first(sparse: bool):
    rows = ROWS.to_sparse() if sparse else ROWS
    assert decode(rows, words) == [[("a", 3.0), ("d", 0.5), ("c", -4.0)], [], [("b", 2.0), ("c", 2.0), ("a", 1.0)]]
    assert decode(rows[2], words, top_k=2) == [("b", 2.0), ("c", 2.0)]
    assert decode(torch.zeros(0, 4), words) == []


@pytest.mark.parametrize("name", sparse_tensors.ALL_PAIRS)
def test_coo_rows_are_compared_as_dense_ones_are(name: str):
    coo = ROWS.to_sparse()
    assert torch.allclose(all_pairs(name, coo, coo), all_pairs(name, ROWS, ROWS), atol=1e-6)
    assert torch.allclose(row_by_row(name, coo, coo.clone()), row_by_row(name, ROWS, ROWS), atol=1e-6)
    assert all_pairs(name, coo[0], coo).shape == (1, 3)


def test_dots_and_cosines_by_hand():
    first, last = ROWS[0].to_sparse(), ROWS[2].to_sparse()
    assert all_pairs("dot", first, last).tolist() == [[-5.0]]
    assert all_pairs("cosine", last, torch.tensor([2.0, 4, 4, 0]).to_sparse()).tolist() == [[1.0]]
    assert row_by_row("cosine", ROWS[1].to_sparse(), last).tolist() == [0.0]


def test_arrays_and_lists_of_rows_are_taken():
    for given in (ROWS.numpy(), ROWS.tolist(), list(ROWS), [row.to_sparse() for row in ROWS]):
        assert torch.equal(tensor_of(given).to_dense(), ROWS)
    with pytest.raises(ArgumentError, match="embeddings: str 'x', expected a tensor"):
        tensor_of("x")
