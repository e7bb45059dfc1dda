"""Active dimensions, sparsity ratio and FLOPS."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.evaluation.sparsity import Activity, flops

ROWS = np.float32([[0, 1, 0, 2], [3, 0, 0, -1], [0, 0, 0, 1]])


def test_dense_and_sparse_rows_are_as_active():
    for rows in (ROWS, SparseVectors.from_dense(ROWS)):
        found = Activity.of(rows)
        assert found.counts.tolist() == [1, 1, 0, 3]
        assert found.metrics("query_") == {
            "query_active_dims": pytest.approx(5 / 3),
            "query_sparsity_ratio": pytest.approx(1 - 5 / 12),
        }


def test_an_entry_of_0_is_not_active():
    vectors = SparseVectors(np.int32([0, 1]), np.float32([0, 5]), np.int64([0, 2]), 3)
    assert Activity.of(vectors).active_dims == 1


def test_parts_add_up_to_the_whole():
    whole = Activity.of(ROWS[:1]) + Activity.of(ROWS[1:])
    assert (whole.rows, whole.counts.tolist()) == (3, [1, 1, 0, 3])


def test_no_rows_are_all_sparse_and_cost_nothing():
    none = Activity.of(ROWS[:0])
    assert none.metrics() == {"active_dims": 0.0, "sparsity_ratio": 1.0}
    assert flops(none, Activity.of(ROWS)) == flops(Activity.of(ROWS), none) == 0.0


def test_flops_are_the_mean_number_of_shared_dimensions_of_all_pairs():
    other = np.float32([[1, 0, 0, 1], [0, 0, 1, 1]])
    shared = [np.count_nonzero(a * b) for a in ROWS for b in other]
    assert flops(Activity.of(ROWS), Activity.of(other)) == pytest.approx(np.mean(shared))


def test_other_dimensions_are_refused():
    with pytest.raises(ArgumentError, match="4 and 3 dimensions"):
        flops(Activity.of(ROWS), Activity.of(ROWS[:, :3]))
    with pytest.raises(ArgumentError, match="4 and 3 dimensions"):
        Activity.of(ROWS) + Activity.of(ROWS[:, :3])
