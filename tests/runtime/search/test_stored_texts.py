"""Mirrors runtime/airvec/search/stored_texts.py."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airvec.errors import InputError, ModelFolderError, ModelNotFoundError
from airvec.search.stored_texts import StoredTexts

TEXTS = ["plain", "", "Größe 猫\u2028🙂", "a\nb\0c", ""]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_come_back_as_they_were(texts):
    stored = StoredTexts.of(texts)
    assert list(stored) == texts
    assert len(stored) == len(texts)
    assert [stored[row] for row in range(len(texts))] == texts


def test_texts_saved_and_opened_are_the_same_and_lie_on_disk(tmp_path):
    for name, texts in (("texts", TEXTS), ("ids", ["a"]), ("none", [])):
        StoredTexts.of(texts, name).save(tmp_path)
        opened = StoredTexts.load(tmp_path, name)
        assert list(opened) == texts
        assert opened.nbytes == sum(len(text.encode()) for text in texts) + 8 * (len(texts) + 1)
    assert isinstance(StoredTexts.load(tmp_path).data, np.memmap)


def test_half_of_a_surrogate_pair_is_refused():
    with pytest.raises(InputError, match=r"texts: item 1 holds '\\ud800'"):
        StoredTexts.of(["fine", "a\ud800"])


def test_damaged_files_are_named(tmp_path):
    StoredTexts.of(TEXTS).save(tmp_path)
    whole = {name: (tmp_path / name).read_bytes() for name in ("texts.npy", "texts_starts.npy")}
    for name, content in whole.items():
        for rest in (content[:-8], content[:30], b""):
            (tmp_path / name).write_bytes(rest)
            with pytest.raises(ModelFolderError, match=r"texts(_starts)?\.npy"):
                StoredTexts.load(tmp_path)
        (tmp_path / name).unlink()
        with pytest.raises(ModelNotFoundError, match=name):
            StoredTexts.load(tmp_path)
        (tmp_path / name).write_bytes(content)


@pytest.mark.parametrize("starts", [[], [0], [1, 5], [0, 6]])
def test_places_that_do_not_fit_the_bytes_are_refused(tmp_path, starts):
    StoredTexts.of(["plain"]).save(tmp_path)
    np.save(tmp_path / "texts_starts.npy", np.array(starts, np.int64))
    with pytest.raises(ModelFolderError, match=r"expected 5, the bytes of texts\.npy"):
        StoredTexts.load(tmp_path)


def test_bytes_that_are_no_text_are_an_error_when_they_are_read(tmp_path):
    StoredTexts.of(["good", "bad!"]).save(tmp_path)
    np.save(tmp_path / "texts.npy", np.frombuffer(b"good\xff\xff\xff\xff", np.uint8))
    opened = StoredTexts.load(tmp_path)
    assert opened[0] == "good"
    with pytest.raises(ModelFolderError, match="text 1 is no UTF-8"):
        opened[1]
