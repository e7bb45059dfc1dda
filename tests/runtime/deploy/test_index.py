"""Mirrors runtime/airvec/deploy/index.py."""

import errno
import shutil
import subprocess

import pytest

from airvec.deploy.index import pack_index
from airvec.errors import AirvecWarning, ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.search import BM25, Retriever
from tests.runtime.search.fakes import LetterModel, SparseLetterModel, random_texts

TEXTS = random_texts(40)


@pytest.fixture
def saved(tmp_path):
    """An index of all three stages."""
    retriever = Retriever(LetterModel(), sparse=SparseLetterModel(), bm25=True)
    retriever.index({f"id{number}": text for number, text in enumerate(TEXTS)})
    retriever.save(tmp_path / "saved")
    return tmp_path / "saved"


def found(folder):
    retriever = Retriever.load(folder, dense=LetterModel(), sparse=SparseLetterModel())
    return retriever.search(["a b c", "j"], top_k=5, return_documents=True)


def bytes_of(folder):
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_packed_index_is_the_same_bytes_and_says_which_models_it_needs(saved, tmp_path):
    packed = pack_index(saved, tmp_path / "package" / "index")
    assert (packed.documents, packed.stages, packed.models) == (40, ("bm25", "sparse", "dense"), ("dense", "sparse"))
    assert bytes_of(packed.path) == bytes_of(saved)
    assert packed.bytes == sum(map(len, bytes_of(saved).values()))
    assert found(packed.path) == found(saved)


def test_an_index_of_words_needs_no_model(tmp_path):
    words = Retriever(bm25=True)
    words.index(TEXTS)
    words.save(tmp_path / "saved")
    assert pack_index(tmp_path / "saved", tmp_path / "index").models == ()


def test_a_model_that_encodes_otherwise_is_told_before_anything_is_deployed(saved, tmp_path):
    with pytest.warns(AirvecWarning, match="encodes otherwise"):
        pack_index(saved, tmp_path / "index", dense=LetterModel("jihgfedcba"))
    with pytest.raises(ArgumentError, match="gives 3 dimensions, the index has 10"):
        pack_index(saved, tmp_path / "index", dense=LetterModel("abc"))


def test_a_packed_index_is_searched_on_a_read_only_file_system(saved, tmp_path):
    packed, place = pack_index(saved, tmp_path / "index"), tmp_path / "mounted"
    expected = found(saved)
    place.mkdir()
    mounted = subprocess.run(["mount", "--bind", packed.path, place], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"this user may not mount folders: {mounted.stderr.decode().strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
        with pytest.raises(OSError, match="Read-only") as refused:
            (place / "new").write_text("")
        assert refused.value.errno == errno.EROFS
        assert found(place) == expected
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def test_a_packed_index_is_searched_where_nothing_may_be_written(saved, tmp_path):
    packed, expected = pack_index(saved, tmp_path / "index"), found(saved)
    for path in [packed.path, *packed.path.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert found(packed.path) == expected
        assert not any(path.stat().st_mode & 0o222 for path in packed.path.rglob("*"))
    finally:
        for path in [packed.path, *packed.path.rglob("*")]:
            path.chmod(0o755)


@pytest.mark.parametrize("name", ["dense/codes.npy", "sparse/weights.npy", "bm25/bm25.json", "texts.npy"])
def test_a_damaged_or_incomplete_index_is_an_error_and_leaves_nothing(saved, tmp_path, name):
    whole = (saved / name).read_bytes()
    (saved / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelFolderError):
        pack_index(saved, tmp_path / "index")
    (saved / name).unlink()
    with pytest.raises(ModelNotFoundError):
        pack_index(saved, tmp_path / "index")
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def test_a_failure_leaves_the_index_that_was_there(saved, tmp_path, monkeypatch):
    pack_index(saved, tmp_path / "index")
    before = bytes_of(tmp_path / "index")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "texts.npy")

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(OSError, match="No space left"):
        pack_index(saved, tmp_path / "index")
    assert bytes_of(tmp_path / "index") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index", "saved"]


def test_what_is_no_index_and_what_would_be_overwritten_is_refused(saved, tmp_path):
    with pytest.raises(ModelNotFoundError, match="no retriever.json in it|is no index"):
        pack_index(tmp_path, tmp_path / "index")
    for place in (saved, saved / "inside"):
        with pytest.raises(ArgumentError, match="lie in one another"):
            pack_index(saved, place)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    with pytest.raises(ArgumentError, match="Give another path, or empty it"):
        pack_index(saved, tmp_path / "other")


def test_words_split_by_a_function_cannot_be_packed(tmp_path):
    words = Retriever(bm25=BM25(split=str.split))
    words.index(TEXTS)
    words.save(tmp_path / "saved")
    with pytest.raises(ArgumentError, match="were split by a function, which no package can hold"):
        pack_index(tmp_path / "saved", tmp_path / "index")
