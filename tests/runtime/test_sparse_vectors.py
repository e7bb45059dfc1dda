"""Mirrors runtime/airvec/sparse_vectors.py; what engines take is in test_sparse_formats.py."""

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import airvec
from airvec import SparseVector, SparseVectors, csr
from airvec.errors import ArgumentError, MissingPackageError
from airvec.sparse_vectors import intersection

ROWS = SparseVectors.from_rows([{3: 2.0, 1: 0.5}, {}, {0: -1.0, 3: 1.0, 4: 4.0}], dim=5)
DENSE = [[0, 0.5, 0, 2, 0], [0, 0, 0, 0, 0], [-1, 0, 0, 1, 4]]
TABLES = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=7),
    elements=st.sampled_from([0.0, 0.0, 0.0, 1.0, -1.0, 0.25, 3.0]),
)


def parts(**changed):
    """The arguments of two rows, {0: 1, 2: 2} and {1: 3}, of 4 dimensions, some of them changed."""
    given = {
        "indices": np.array([0, 2, 1], np.int32),
        "values": np.array([1, 2, 3], np.float32),
        "indptr": np.array([0, 2, 3], np.int64),
        "dim": 4,
    }
    return given | changed


def same(one, other):
    assert one.dim == other.dim
    for name in ("indices", "values", "indptr"):
        assert getattr(one, name).dtype == getattr(other, name).dtype
        assert getattr(one, name).tolist() == getattr(other, name).tolist()


def test_the_public_names_are_these_classes():
    assert airvec.SparseVectors is SparseVectors
    assert airvec.SparseVector is SparseVector


def test_rows_given_in_any_order_are_sorted_and_zeros_are_left_out():
    assert ROWS.to_dense().tolist() == DENSE
    assert ROWS.indices.tolist() == [1, 3, 0, 3, 4]
    assert ROWS.indptr.tolist() == [0, 2, 2, 5]
    pairs = SparseVectors.from_rows([([3, 1, 2], [2.0, 0.5, 0.0]), ([], []), (np.array([4, 0, 3]), (4, -1, 1))], 5)
    same(pairs, ROWS)
    same(SparseVectors.from_rows(ROWS), ROWS)
    same(SparseVectors.from_rows(iter(ROWS), dim=5), ROWS)


@given(table=TABLES)
@settings(max_examples=60, deadline=None)
def test_every_way_in_and_out_keeps_the_numbers(table):
    rows = SparseVectors.from_dense(table)
    assert rows.to_dense().tolist() == table.tolist()
    assert rows.shape == table.shape
    same(SparseVectors.from_rows(rows.to_dict(), rows.dim), rows)
    same(SparseVectors.from_rows([(row.indices, row.values) for row in rows], rows.dim), rows)
    for kind in (scipy.sparse.csr_matrix, scipy.sparse.coo_array, scipy.sparse.csc_array):
        same(SparseVectors.from_scipy(kind(table)), rows)
    assert rows.to_scipy().toarray().tolist() == table.tolist()
    same(pickle.loads(pickle.dumps(rows)), rows)
    same(SparseVectors.concatenate([rows[:1], rows[1:]]), rows)


@given(table=TABLES, data=st.data())
@settings(max_examples=100, deadline=None)
def test_rows_are_picked_as_numpy_picks_them(table, data):
    rows, count = SparseVectors.from_dense(table), len(table)
    places = st.integers(-count, count - 1) if count else st.nothing()
    picks = [
        data.draw(st.slices(count)),
        np.array(data.draw(st.lists(places, max_size=9 if count else 0)), np.int64),
        data.draw(arrays(bool, count)),
        np.ones(count, bool).tolist(),
    ]
    for pick in picks:
        assert rows[pick].to_dense().tolist() == table[pick].tolist()
    for row in range(-count, count):
        assert rows[row].to_dense().tolist() == table[row].tolist()
        assert rows[np.int64(row)].indices.tolist() == np.flatnonzero(table[row]).tolist()
    assert [row.to_dense().tolist() for row in rows] == table.tolist()


@given(table=TABLES, k=st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_top_keeps_the_largest_magnitudes_with_their_signs(table, k):
    expected = np.zeros_like(table)
    for row, values in enumerate(table):
        kept = sorted(np.flatnonzero(values), key=lambda place: (-abs(values[place]), place))[:k]
        expected[row, kept] = values[kept]
    rows = SparseVectors.from_dense(table)
    same(rows.top(k), SparseVectors.from_dense(expected))
    for row, one in enumerate(rows):
        assert one.top(k).to_dense().tolist() == expected[row].tolist()


def test_top_of_equal_magnitudes_is_the_lower_index_whatever_the_sign():
    rows = SparseVectors.from_rows([{1: 2.0, 3: -3.0, 4: 3.0, 5: 1.0}, {0: -1.0, 2: 0.5}], 6)
    assert rows.top(1).to_dict() == [{3: -3.0}, {0: -1.0}]
    assert rows.top(2).to_dict() == [{3: -3.0, 4: 3.0}, {0: -1.0, 2: 0.5}]


def test_blocks_change_nothing(monkeypatch):
    table = np.random.default_rng(3).integers(-3, 4, (40, 30)).astype(np.float32)
    rows = SparseVectors.from_dense(table)
    top, wrong = rows.top(5), rows.indices.copy()
    wrong[rows.indptr[20] + 3] = wrong[rows.indptr[20] + 2]
    for size in (1, 2, 7, 100):
        monkeypatch.setattr(csr, "BLOCK", size)
        same(SparseVectors(rows.indices, rows.values, rows.indptr, rows.dim), rows)
        same(rows.top(5), top)
        with pytest.raises(ArgumentError, match="is followed by"):
            SparseVectors(wrong, rows.values, rows.indptr, rows.dim)


def test_one_row_is_a_vector_with_a_length():
    row = ROWS[2]
    assert isinstance(row, SparseVector)
    assert (len(row), row.shape, row.dim) == (5, (5,), 5)
    assert row.to_dense().tolist() == DENSE[2]
    assert row.to_scipy().toarray().tolist() == [DENSE[2]]
    same(row.as_rows(), ROWS[2:])
    assert (len(ROWS), ROWS.shape) == (3, (3, 5))
    assert ROWS.counts.tolist() == [2, 0, 3]


def test_a_slice_shares_its_memory_and_a_copy_of_rows_does_not():
    assert np.shares_memory(ROWS[1:].values, ROWS.values)
    assert not np.shares_memory(ROWS[[2]].values, ROWS.values)


def test_they_are_shown_in_short():
    assert repr(ROWS) == "SparseVectors(3 rows, dim=5, 1.7 entries a row)"
    assert repr(ROWS[0]) == "SparseVector({1: 0.5, 3: 2}, dim=5)"
    assert repr(SparseVectors.from_dense(np.ones((1, 9)))[0]) == "SparseVector({0: 1, 1: 1, 2: 1, 3: 1, …}, dim=9)"
    assert repr(SparseVectors.from_rows([], 5)) == "SparseVectors(0 rows, dim=5, 0.0 entries a row)"


def test_sparsity_is_the_mean_number_of_entries_and_the_share_of_zeros():
    stated = SparseVectors(**parts(values=np.array([1, 0, 3], np.float32)))
    assert stated.sparsity() == {"active_dims": 1.0, "sparsity_ratio": 0.75}
    assert ROWS[0].sparsity() == {"active_dims": 2.0, "sparsity_ratio": 0.6}
    for none in (SparseVectors.from_rows([], 5), SparseVectors.from_rows([{}], 0)):
        assert none.sparsity() == {"active_dims": 0.0, "sparsity_ratio": 1.0}


def test_an_intersection_is_the_products_above_zero():
    one, other = ROWS[0], SparseVectors.from_rows([{1: 4.0, 2: 9.0}, {}, {1: -1.0, 3: 0.5}], 5)
    assert intersection(one, other).to_dict() == [{1: 2.0}, {}, {3: 1.0}]
    assert intersection(one, other[2]).to_dict() == {3: 1.0}
    assert intersection(one, other[:0]).to_dict() == []
    assert intersection(ROWS[1], other).to_dict() == [{}, {}, {}]
    with pytest.raises(ArgumentError, match="dimensions 5 and 6"):
        intersection(one, SparseVectors.from_rows([{}], 6))
    with pytest.raises(ArgumentError, match="one: SparseVectors.*expected a SparseVector"):
        intersection(ROWS, one)


def test_an_index_given_twice_is_refused_with_its_row_and_no_advice_to_call_the_same_again():
    with pytest.raises(ArgumentError, match=r"row 1: index 2 stands there twice, expected once\. Add up") as found:
        SparseVectors.from_rows([{1: 1.0}, ([2, 1, 2], [1.0, 2.0, 3.0])], 4)
    assert "from_rows" not in str(found.value)
    with pytest.raises(ArgumentError, match=r"indices: 1 is followed by 1 in a row, .*stands there twice") as found:
        SparseVector(np.array([1, 1], np.int32), np.ones(2, np.float32), 4)
    assert "from_rows" not in str(found.value)


def test_numpy_makes_them_dense():
    for made in (np.asarray(ROWS), np.array(ROWS), np.asarray(list(ROWS)), np.stack(list(ROWS))):
        assert (made.dtype, made.tolist()) == (np.float32, DENSE)
    assert (np.asarray(ROWS[0]).tolist(), np.asarray(ROWS, np.float64).dtype) == (DENSE[0], np.float64)
    with pytest.raises(ValueError, match="only by a copy"):
        np.array(ROWS, copy=False)
    held = np.empty(2, object)
    held[:] = [ROWS[0], ROWS[1]]  # a table's column of objects, as pandas fills it
    assert isinstance(held[0], SparseVector)


def _doubled(rows):
    return SparseVectors(rows.indices, rows.values * 2, rows.indptr, rows.dim)


@pytest.mark.slow
def test_they_travel_between_processes():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        same(pool.submit(_doubled, ROWS[1:]).result(), _doubled(ROWS[1:]))
        assert pool.submit(len, ROWS[0]).result() == 5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"indices": np.array([0, 2, 1])}, r"indices: int64 \[3\], expected an array of int32"),
        ({"indices": [0, 2, 1]}, r"indices: \[0, 2, 1\], expected an array of int32.*from_rows"),
        ({"indices": None}, "indices: None"),
        ({"values": np.array([1.0, 2.0, 3.0])}, r"values: float64 \[3\]"),
        ({"values": np.ones((3, 1), np.float32)}, r"values: float32 \[3, 1\]"),
        ({"indptr": np.array([0, 2, 3], np.int32)}, r"indptr: int32 \[3\], expected an array of int64"),
        ({"indptr": np.zeros(0, np.int64)}, r"indptr: from \[\] to \[\] for 3 indices and 3 values"),
        ({"indptr": np.array([1, 2, 3])}, r"indptr: from \[1\] to \[3\]"),
        ({"indptr": np.array([0, 2])}, r"indptr: from \[0\] to \[2\] for 3 indices"),
        ({"indptr": np.array([0, 4, 3])}, "indptr: row 1 goes from 4 to 3"),
        ({"values": np.ones(2, np.float32)}, "3 indices and 2 values"),
        ({"indices": np.array([2, 0, 1], np.int32)}, "indices: 2 is followed by 0 in a row.*from_rows, which sorts"),
        ({"indices": np.array([2, 2, 1], np.int32)}, "indices: 2 is followed by 2"),
        ({"indices": np.array([0, 4, 1], np.int32)}, "indices: from 0 to 4, expected 0 to 3"),
        ({"indices": np.array([-1, 2, 1], np.int32)}, "indices: from -1 to 2"),
        ({"values": np.array([1, np.nan, 3], np.float32)}, "values: nan, expected finite"),
        ({"values": np.array([1, 2, -np.inf], np.float32)}, "values: -inf"),
        ({"dim": 4.0}, "dim: 4.0, expected a whole number"),
        ({"dim": -1}, "dim: -1"),
        ({"dim": 2**31 + 1}, "dim: 2147483649, expected 2147483648 at most"),
    ],
)
def test_arrays_that_are_no_sparse_rows_are_refused(changed, message):
    with pytest.raises(ArgumentError, match=message):
        SparseVectors(**parts(**changed))
    SparseVectors(**parts())


def test_one_vector_is_checked_too():
    with pytest.raises(ArgumentError, match="indices: 2 is followed by 1"):
        SparseVector(np.array([2, 1], np.int32), np.ones(2, np.float32), 4)
    with pytest.raises(ArgumentError, match="indices: None"):
        SparseVector(None, np.ones(2, np.float32), 4)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({5: 1.0}, "row 1: index 5, expected 0 to 4"),
        ({-1: 1.0}, "row 1: index -1"),
        ({2**31: 1.0}, "row 1: index 2147483648, expected 0 to 4"),
        ({2**32 + 1: 1.0}, "row 1: index 4294967297"),
        (([2**70], [1.0]), r"row 1: indices object \[1\]"),
        (([1, 1], [1.0, 2.0]), "row 1: index 1 stands there twice"),
        (([1.5], [1.0]), r"row 1: indices float64 \[1\]"),
        (([1, 2], [1.0]), r"row 1: indices int64 \[2\] and weights float64 \[1\], expected as many"),
        (({1}, {2}), "row 1: indices object"),
        (([1], ["a"]), "weights <U1"),
        (([1], [float("nan")]), "values: nan"),
        (([1], [1e39]), "values: inf"),
        ({"cat": 1.0}, "row 1: indices <U3"),
        ("cat", "row 1: 'cat', expected {index: weight}"),
        (SparseVectors.from_rows([{}], 4)[0], "row 1: 4 dimensions, expected 5"),
    ],
)
def test_rows_that_are_none_are_refused_with_their_place(row, message):
    with pytest.raises(ArgumentError, match=message):
        SparseVectors.from_rows([{}, row], dim=5)


def test_rows_need_a_number_of_dimensions():
    for rows in ([], [{1: 1.0}]):
        with pytest.raises(
            ArgumentError, match=f"dim: None, expected the number of dimensions of the {len(rows)} rows"
        ):
            SparseVectors.from_rows(rows)
    with pytest.raises(ArgumentError, match="row 1: 4 dimensions, expected 5"):
        SparseVectors.from_rows([ROWS[0], SparseVectors.from_rows([{}], 4)[0]])


@pytest.mark.parametrize(
    "array", [np.zeros(3), np.zeros((1, 2, 3)), np.zeros((1, 1), complex), [[1.0]], np.array([["a"]])]
)
def test_only_tables_of_numbers_become_sparse(array):
    with pytest.raises(ArgumentError, match=r"array: .*expected an array of numbers \[n, dim\]"):
        SparseVectors.from_dense(array)


def test_values_that_single_precision_does_not_hold_are_refused_or_vanish():
    with pytest.raises(ArgumentError, match="values: inf"):
        SparseVectors.from_dense(np.array([[1e39]]))
    with pytest.raises(ArgumentError, match="values: nan"):
        SparseVectors.from_dense(np.array([[np.nan]]))
    assert SparseVectors.from_dense(np.array([[1e-50, 1.0]])).to_dict() == [{1: 1.0}]


@pytest.mark.parametrize(
    "matrix", [np.zeros((1, 1)), None, scipy.sparse.coo_array(np.ones(3)), scipy.sparse.csr_array([[1j]])]
)
def test_only_matrices_of_scipy_are_read_as_such(matrix):
    with pytest.raises(ArgumentError, match=r"matrix: .*expected a scipy sparse matrix of numbers \[n, dim\]"):
        SparseVectors.from_scipy(matrix)


def test_a_scipy_matrix_stays_as_it_was_and_its_duplicates_are_added_up():
    matrix = scipy.sparse.csr_matrix((np.array([1.0, 2.0, 0.0]), np.array([2, 2, 0]), np.array([0, 3])), shape=(1, 4))
    assert SparseVectors.from_scipy(matrix).to_dict() == [{2: 3.0}]
    assert matrix.data.tolist() == [1.0, 2.0, 0.0]


def test_without_scipy_the_error_holds_the_pip_line(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for rows in (ROWS, ROWS[0]):
        with pytest.raises(MissingPackageError, match=r'to_scipy: needs .*pip install "airvec\[scipy\]"'):
            rows.to_scipy()


@pytest.mark.parametrize("rows", [3, -4, np.int64(3), [0, 3], slice(0, 3).stop])
def test_a_row_that_is_not_there_is_an_index_error(rows):
    with pytest.raises(IndexError):
        ROWS[rows]


@pytest.mark.parametrize("rows", [[[0, 1]], None, (0, None), True])
def test_only_rows_can_be_picked(rows):
    with pytest.raises((ArgumentError, IndexError)):
        ROWS[rows]


@pytest.mark.parametrize("k", [0, -1, 2.0, None])
def test_top_takes_one_or_more(k):
    with pytest.raises(ArgumentError, match=f"k: {k}"):
        ROWS.top(k)


def test_rows_of_several_widths_do_not_go_together():
    with pytest.raises(ArgumentError, match=r"parts: 2 of dimensions \[4, 5\]"):
        SparseVectors.concatenate([ROWS, SparseVectors.from_rows([], 4)])
    with pytest.raises(ArgumentError, match=r"parts: 0 of dimensions \[\]"):
        SparseVectors.concatenate([])
