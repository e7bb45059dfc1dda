"""Mirrors runtime/airvec/sparse_file.py, through `SparseVectors.save` and `load`."""

import numpy as np
import pytest
import scipy.sparse

from airvec import SparseVectors
from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from tests.runtime.test_sparse_vectors import DENSE, ROWS, same


def test_files_come_back_the_same_and_scipy_reads_them(tmp_path):
    for rows in (ROWS, ROWS[:0], SparseVectors.from_rows([{}, {}], 0)):
        rows.save(tmp_path / "rows.bin")
        same(SparseVectors.load(str(tmp_path / "rows.bin")), rows)
    ROWS.save(tmp_path / "rows.npz")
    assert scipy.sparse.load_npz(tmp_path / "rows.npz").toarray().tolist() == DENSE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.bin", "rows.npz"]


def test_a_file_of_something_else_is_refused(tmp_path):
    file = tmp_path / "rows.npz"
    good = {"indices": ROWS.indices, "indptr": ROWS.indptr, "data": ROWS.values, "shape": [3, 5], "format": "csr"}
    for changed, message in (
        ({"format": "csc"}, "format: 'csc', expected 'csr'. Convert the matrix"),
        ({"format": 3}, "format: 3, expected 'csr'"),
        ({"shape": [4, 5]}, r"shape: \[4, 5\] for 3 rows, expected \[3, dim\]"),
        ({"shape": 3}, "shape: 3 for 3 rows"),
        ({"data": ROWS.values.astype(str)}, "data: <U.*, expected numbers"),
        ({"indices": ROWS.indices.astype(float)}, "indices: float64, expected whole numbers"),
        ({"indptr": ROWS.indptr.astype(float)}, "indptr: float64, expected whole numbers"),
        ({"indices": ROWS.indices + np.int64(2**32)}, "indices: from 4294967296 to"),
        ({"indptr": np.array([], np.int64), "shape": [-1, 5]}, "for 5 indices and 5 values, expected 0"),
        ({"shape": [3, 4]}, "indices: from 0 to 4, expected 0 to 3"),
        ({"shape": [3, 5, 1]}, r"shape: \[3, 5, 1\] for 3 rows"),
        ({"shape": ["a", "b"]}, r"shape: \['a', 'b'\] for 3 rows"),
        ({"data": ROWS.values * np.nan}, "values: nan, expected finite"),
        ({"indices": ROWS.indices[::-1]}, "is followed by"),
        ({"indptr": ROWS.indptr[:-1], "shape": [2, 5]}, "for 5 indices and 5 values"),
    ):
        np.savez(file, **{**good, **changed})
        with pytest.raises(ModelFolderError, match=f"rows.npz: no sparse vectors: .*{message}.*Write it again"):
            SparseVectors.load(file)
    with pytest.raises(ModelNotFoundError, match=r"none.npz: no such file"):
        SparseVectors.load(tmp_path / "none.npz")


def test_a_file_that_scipy_wrote_is_read_in_our_types(tmp_path):
    table = scipy.sparse.csr_matrix(np.array(DENSE, np.float64))
    assert (table.indptr.dtype, table.data.dtype) == (np.int32, np.float64)
    for count, matrix in enumerate((table, table.astype(np.float32), (2 * table).astype(np.int64), table[:0])):
        scipy.sparse.save_npz(tmp_path / "theirs.npz", matrix)
        same(SparseVectors.load(tmp_path / "theirs.npz"), SparseVectors.from_scipy(matrix))
        SparseVectors.load(tmp_path / "theirs.npz").save(tmp_path / f"{count}.npz")
        assert (scipy.sparse.load_npz(tmp_path / f"{count}.npz") != matrix.astype(np.float32)).nnz == 0


def test_a_matrix_of_another_format_that_scipy_wrote_is_refused_by_its_format(tmp_path):
    scipy.sparse.save_npz(tmp_path / "theirs.npz", scipy.sparse.csc_matrix(np.eye(3)))
    with pytest.raises(ModelFolderError, match=r"theirs.npz: no sparse vectors: format: 'csc', .*tocsr\(\)"):
        SparseVectors.load(tmp_path / "theirs.npz")


def test_a_folder_is_no_file_of_vectors_to_write_or_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (".", "/", str(tmp_path)):
        with pytest.raises(ArgumentError, match=f"path: '{path}' is a folder, expected the name of a file"):
            ROWS.save(path)
        with pytest.raises(ModelNotFoundError, match=f"'{path}': no such file but a folder"):
            SparseVectors.load(path)
    assert not list(tmp_path.iterdir())
