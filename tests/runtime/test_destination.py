"""Mirrors runtime/airvec/destination.py, and `out=` of SentenceTransformer."""

import errno
from tempfile import TemporaryFile

import numpy as np
import pytest

from airvec import SentenceTransformer, destination
from airvec.destination import filled
from airvec.errors import ArgumentError
from airvec.precision import PRECISIONS, quantize_embeddings
from tests.folders import word_model

ROWS = np.random.default_rng(5).normal(size=(700, 12)).astype(np.float32)
WIDTHS = {"binary": 2, "ubinary": 2}


def give(add):
    """The rows in parts of several sizes, one of them empty."""
    for part in np.split(ROWS, [300, 300, 301]):
        add(part)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return SentenceTransformer(word_model(tmp_path_factory.mktemp("dense")), threads=2)


@pytest.fixture
def small_parts(monkeypatch):
    """Parts and blocks of few rows, as if there were many."""
    monkeypatch.setattr(destination, "ROWS_AT_ONCE", 64)
    monkeypatch.setattr("airvec.model.TEXTS_AT_ONCE", 50)


TEXTS = [" ".join("abcdefghij"[: number % 9]) for number in range(230)]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", ["new", "array", "strided", "map", "path"])
def test_every_kind_of_destination_gets_the_same_rows(tmp_path, small_parts, precision, kind):
    expected = quantize_embeddings(ROWS, precision)
    shape, dtype, path = expected.shape, expected.dtype, tmp_path / "rows.npy"
    out = {
        "new": lambda: None,
        "array": lambda: np.zeros(shape, dtype),
        "strided": lambda: np.zeros((shape[0], shape[1] + 3), dtype)[:, : shape[1]],
        "map": lambda: np.lib.format.open_memmap(path, "w+", dtype, shape),
        "path": lambda: str(path),
    }[kind]()
    found = filled(out, *ROWS.shape, precision, give)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == dtype
    if kind in ("array", "strided", "map"):
        assert found is out
    if kind == "path":
        assert isinstance(found, np.memmap)
        assert not found.flags.writeable
        np.testing.assert_array_equal(np.load(path), expected)
    assert {file.name for file in tmp_path.iterdir()} <= {"rows.npy"}


def test_a_part_with_all_rows_is_the_result_and_not_copied():
    rows = ROWS.copy()
    assert filled(None, *rows.shape, "float32", lambda add: add(rows)) is rows
    for view in (rows[:, :5], rows[:].reshape(rows.shape)):  # the rows of a larger array, or of somebody else's
        found = filled(None, *view.shape, "float32", lambda add, view=view: add(view))
        assert found.flags.owndata
        np.testing.assert_array_equal(found, view)
    assert filled(None, 0, 7, "float32", lambda _: None).shape == (0, 7)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_no_rows_make_an_empty_array_and_an_empty_file(tmp_path, precision):
    for out in (None, tmp_path / "none.npy"):
        found = filled(out, 0, 12, precision, lambda add: None)
        assert found.shape == (0, WIDTHS.get(precision, 12))
    assert np.load(tmp_path / "none.npy").dtype == found.dtype


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_file_is_written_whole_or_not_at_all(tmp_path, small_parts, error, precision):
    path = tmp_path / "rows.npy"
    np.save(path, np.arange(3))

    def stop(add):
        add(ROWS[:300])
        raise error

    with pytest.raises(type(error)):
        filled(path, *ROWS.shape, precision, stop)
    assert [file.name for file in tmp_path.iterdir()] == ["rows.npy"]
    np.testing.assert_array_equal(np.load(path), np.arange(3))


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("rows.bin", r"'rows.bin', expected an array or a path that ends in .npy"),
        ([1.0], "out: list, expected a NumPy array or the path"),
        (np.zeros((700, 11), np.float32), r"float32 \[700, 11\], expected float32 \[700, 12\].*open_memmap"),
        (np.zeros((700, 12)), r"float64 \[700, 12\], expected float32 \[700, 12\]"),
        (np.zeros(8400, np.float32), r"float32 \[8400\], expected float32 \[700, 12\]"),
    ],
)
def test_what_cannot_be_written_to_is_named_before_any_row_is_made(out, message):
    with pytest.raises(ArgumentError, match=message):
        filled(out, 700, 12, "float32", lambda add: pytest.fail("made rows"))


def test_a_read_only_array_and_a_folder_are_named(tmp_path):
    np.save(tmp_path / "old.npy", ROWS)
    with pytest.raises(ArgumentError, match=r"a read-only array \[700, 12\].*mode 'r\+'"):
        filled(np.load(tmp_path / "old.npy", mmap_mode="r"), *ROWS.shape, "float32", give)
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(ArgumentError, match="is a folder"):
        filled(tmp_path / "folder.npy", *ROWS.shape, "float32", give)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"normalize_embeddings": True, "truncate_dim": 3},
        {"on_truncate": "chunk"},
        {"prompt": "a ", "batch_size": 3},
    ],
    ids=str,
)
def test_a_model_writes_what_it_would_return(tmp_path, small_parts, model, precision, settings):
    expected = model.encode(TEXTS, precision=precision, **settings)
    found = model.encode(TEXTS, precision=precision, out=tmp_path / "rows.npy", **settings)
    np.testing.assert_array_equal(found, expected)
    array = np.empty_like(expected)
    assert model.encode_document(TEXTS, precision=precision, out=array, **settings) is array
    np.testing.assert_array_equal(model.encode_query(TEXTS, precision=precision, out=array, **settings), expected)


def test_no_texts_make_an_empty_file(tmp_path, model):
    assert model.encode([], out=tmp_path / "rows.npy").shape == (0, 4)
    assert np.load(tmp_path / "rows.npy").shape == (0, 4)


@pytest.mark.parametrize(
    ("inputs", "settings", "problem"),
    [
        ("a", {}, "inputs: a single text"),
        (["a"], {"output_value": "token_embeddings"}, "output_value: 'token_embeddings'"),
        (["a"], {"output_value": None}, "output_value: None"),
        (["a"], {"convert_to_numpy": False}, "convert_to_numpy: False"),
        (["a"], {"convert_to_tensor": True}, "convert_to_tensor: True"),
    ],
)
def test_what_is_no_array_of_rows_cannot_be_written(model, inputs, settings, problem):
    with pytest.raises(ArgumentError, match=f"{problem}, but out takes the rows of one array"):
        model.encode(inputs, out=np.empty((1, 4), np.float32), **settings)


def test_a_text_that_cannot_be_read_leaves_no_file(tmp_path, model):
    with pytest.raises(ValueError, match="surrogate"):
        model.encode(["a"] * 60 + ["\ud800"], out=tmp_path / "rows.npy")
    assert list(tmp_path.iterdir()) == []


def test_rows_that_wait_lie_beside_the_file(tmp_path, small_parts, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked: list[object] = []

    def kept(**given):
        asked.append(given["dir"])
        return TemporaryFile(**given)

    monkeypatch.setattr("tempfile.TemporaryFile", kept)
    filled("rows.npy", *ROWS.shape, "int8", give)
    filled(np.lib.format.open_memmap("mapped.npy", "w+", np.int8, ROWS.shape), *ROWS.shape, "int8", give)
    filled(np.zeros(ROWS.shape, np.int8), *ROWS.shape, "int8", give)
    assert asked == [str(tmp_path.resolve()), str(tmp_path.resolve()), None]


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "rows.npy").symlink_to(tmp_path / "disk" / "rows.npy")
    filled(tmp_path / "rows.npy", *ROWS.shape, "float32", give)
    assert (tmp_path / "rows.npy").is_symlink()
    np.testing.assert_array_equal(np.load(tmp_path / "disk" / "rows.npy"), ROWS)


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_value_that_is_no_number_is_told_by_its_row(tmp_path, small_parts, kind):
    rows = ROWS.copy()
    rows[600, 3] = np.nan

    def give_parts(add):
        for part in np.split(rows, [300]):
            add(part)

    with pytest.raises(ArgumentError, match="embeddings: row 600 holds a value that is no number"):
        filled(tmp_path / "rows.npy" if kind == "file" else None, *rows.shape, "int8", give_parts)
    assert list(tmp_path.iterdir()) == []


def test_rows_that_share_memory_are_refused():
    out = np.broadcast_to(np.zeros(ROWS.shape[1], np.float32), ROWS.shape)
    with pytest.raises(ArgumentError, match=r"out: strides \[0, 4\], expected rows of their own"):
        filled(out, *ROWS.shape, "float32", give)
