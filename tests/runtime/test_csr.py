"""Mirrors runtime/airvec/csr.py; what checks refuse is shown through the class, in test_sparse_vectors.py."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airvec import csr
from airvec.sparse_vectors import SparseVectors


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(0, 5), max_size=12), entries=st.integers(1, 9))
def test_blocks_hold_every_row_once_and_no_more_entries_than_asked(counts, entries):
    indptr, next_row = csr.row_starts(counts), 0
    for first, last in csr.blocks(indptr, entries):
        assert first == next_row < last
        assert sum(counts[first:last]) <= entries or last == first + 1
        assert last == len(counts) or sum(counts[first : last + 1]) > entries, "a block could have been larger"
        next_row = last
    assert next_row == len(counts)


@pytest.mark.parametrize("block", [1, 5, 1000])
def test_by_dimension_is_the_transposed_table(monkeypatch, block):
    monkeypatch.setattr(csr, "BLOCK", block)
    table = np.random.default_rng(2).integers(-1, 2, (30, 17)).astype(np.float32)
    rows = SparseVectors.from_dense(table)
    owners, values, offsets = csr.by_dimension(rows.indices, rows.values, rows.indptr, rows.dim)
    expected = SparseVectors.from_dense(table.T)
    assert (owners.dtype, values.dtype, offsets.dtype) == (np.int32, np.float32, np.int64)
    assert owners.tolist() == expected.indices.tolist()
    assert values.tolist() == expected.values.tolist()
    assert offsets.tolist() == expected.indptr.tolist()


def test_by_dimension_takes_a_few_blocks_beside_its_result(monkeypatch):
    monkeypatch.setattr(csr, "BLOCK", 20_000)
    rows = SparseVectors.from_dense(np.ones((5_000, 100), np.float32))
    tracemalloc.start()
    owners, values, _ = csr.by_dimension(rows.indices, rows.values, rows.indptr, rows.dim)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < owners.nbytes + values.nbytes + 60 * csr.BLOCK
