"""Mirrors runtime/airvec/compact_tokenizer.py: tokenizer.json is what counts, whatever lies beside it."""

import json
import shutil
from pathlib import Path

import pytest

from airvec import SentenceTransformer
from airvec.compact_tokenizer import SETTINGS, VOCABULARY, read_compact
from airvec.deploy.tokenizer import write_compact
from airvec.errors import ModelFolderError
from airvec.folder import DEFAULT_MODEL

NAMES = ("tokenizer.json", SETTINGS, VOCABULARY)


@pytest.fixture
def file(tmp_path):
    """A tokenizer.json with its compact files."""
    shutil.copy(Path(DEFAULT_MODEL, "tokenizer.json"), tmp_path)
    write_compact(tmp_path / "tokenizer.json")
    return tmp_path / "tokenizer.json"


def test_the_compact_files_are_what_is_opened(file, monkeypatch):
    shutil.copytree(DEFAULT_MODEL, file.parent, dirs_exist_ok=True, ignore=shutil.ignore_patterns("tokenizer*"))
    assert read_compact(file) is not None
    whole = SentenceTransformer().encode("A text of some words")
    monkeypatch.setattr("airvec.tokenizer.Backend", None)
    assert (SentenceTransformer(file.parent).encode("A text of some words") == whole).all()


@pytest.mark.parametrize("name", [SETTINGS, VOCABULARY])
def test_one_compact_file_alone_is_not_read(file, name):
    file.with_name(name).unlink()
    assert read_compact(file) is None


@pytest.mark.parametrize("name", ["tokenizer.json", VOCABULARY])
def test_a_change_of_one_byte_leaves_the_compact_files_unread(file, name):
    changed = bytearray(file.with_name(name).read_bytes())
    changed[len(changed) // 2] ^= 1
    file.with_name(name).write_bytes(changed)
    assert read_compact(file) is None


def test_a_changed_tokenizer_is_the_one_that_reads_texts(file):
    shutil.copytree(DEFAULT_MODEL, file.parent, dirs_exist_ok=True, ignore=shutil.ignore_patterns("tokenizer*"))
    known = SentenceTransformer(file.parent).tokenizer.get_vocab()
    settings = json.loads(file.read_text(encoding="utf-8"))
    vocabulary = settings["model"]["vocab"]
    vocabulary["cat"], vocabulary["dog"] = vocabulary["dog"], vocabulary["cat"]
    file.write_text(json.dumps(settings), encoding="utf-8")
    changed = SentenceTransformer(file.parent).tokenizer.get_vocab()
    assert (changed["cat"], changed["dog"]) == (known["dog"], known["cat"])


@pytest.mark.parametrize("text", ["{", "[]", '{"of": []'])
def test_damaged_settings_are_an_error_that_names_them(file, text):
    file.with_name(SETTINGS).write_text(text, encoding="utf-8")
    with pytest.raises(ModelFolderError, match=SETTINGS):
        read_compact(file)


def test_settings_of_another_shape_are_not_read(file):
    file.with_name(SETTINGS).write_text("{}", encoding="utf-8")
    assert read_compact(file) is None
