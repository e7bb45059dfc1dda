"""Mirrors runtime/airvec/deploy/tokenizer.py: the compact files give the ids of tokenizer.json, or are not written."""

import json
import random
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from airvec.compact_tokenizer import SETTINGS, VOCABULARY, read_compact
from airvec.deploy.tokenizer import write_compact
from airvec.errors import ModelFolderError
from airvec.folder import DEFAULT_MODEL
from tests.conftest import ROOT
from tests.folders import word_tokenizer, write_json

VOCAB = {"[PAD]": 0, "[UNK]": 1, "a": 2, "##b": 3, "é": 4}


@pytest.fixture
def file(tmp_path):
    """The tokenizer.json of the default model, alone in a folder."""
    return Path(shutil.copy(Path(DEFAULT_MODEL, "tokenizer.json"), tmp_path))


def texts():
    """Prose, code, special tokens by name, and characters from all of Unicode."""
    found = [line for page in ROOT.glob("docs/*.md") for line in page.read_text(encoding="utf-8").splitlines()]
    chosen = random.Random(0)
    points = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    found += ["".join(map(chr, chosen.choices(points, k=40))) for _ in range(500)]
    found += ["".join(map(chr, chosen.choices(range(0x20, 0x3000), k=40))) for _ in range(1500)]
    specials = ("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "[unused7]", " ", "word", "Ünïcödé")
    return [*found, *("".join(chosen.choices(specials, k=9)) for _ in range(200)), "", " ", "\n", "x" * 150]


def read(of: str, checkpoint):
    """A tokenizer.json: that of the default model, or of all-MiniLM-L6-v2 with its special tokens."""
    return Path(DEFAULT_MODEL if of == "default model" else checkpoint, "tokenizer.json")


@pytest.mark.parametrize("of", ["default model", "all-MiniLM-L6-v2"])
def test_the_compact_files_give_the_same_tokenizer_and_the_same_ids(of, checkpoint, tmp_path):
    file = Path(shutil.copy(read(of, checkpoint), tmp_path))
    assert [path.name for path in write_compact(file)] == [SETTINGS, VOCABULARY]
    compact, whole = read_compact(file), Tokenizer.from_file(str(file))
    assert compact.to_str() == whole.to_str()
    for special in (True, False):
        ours, theirs = (one.encode_batch(texts(), add_special_tokens=special) for one in (compact, whole))
        assert [encoding.ids for encoding in ours] == [encoding.ids for encoding in theirs]
        assert [encoding.offsets for encoding in ours] == [encoding.offsets for encoding in theirs]


def test_the_compact_files_are_half_as_long_and_nothing_else_is_left(file):
    write_compact(file)
    assert {path.name for path in file.parent.iterdir()} == {file.name, SETTINGS, VOCABULARY}
    assert sum(path.stat().st_size for path in file.parent.iterdir()) < 1.6 * file.stat().st_size


@pytest.mark.parametrize(
    "change",
    [
        {"vocab": {"[PAD]": 0, "[UNK]": 1, "a": 3}},  # a gap
        {"vocab": VOCAB | {"a ": 5}},  # lines end with what they hold
        {"vocab": VOCAB | {"a\nb": 5}},
        {"vocab": VOCAB | {"a\x85b": 5, "": 6}},
        {"vocab": {"[UNK]": 0, "a": 1}},  # [PAD] is added behind the vocabulary
        {"type": "WordLevel"},
    ],
)
def test_what_lines_cannot_hold_is_left_to_tokenizer_json(change, tmp_path):
    assert len(write_compact(small(tmp_path / "sound.json", {}))) == 2
    (tmp_path / SETTINGS).unlink()
    (tmp_path / VOCABULARY).unlink()
    assert write_compact(small(tmp_path / "tokenizer.json", change)) == ()
    assert {path.name for path in tmp_path.iterdir()} == {"sound.json", "tokenizer.json"}


def test_a_tokenizer_of_another_kind_is_left_as_it_is(tmp_path):
    word_tokenizer().save(str(tmp_path / "tokenizer.json"))
    assert write_compact(tmp_path / "tokenizer.json") == ()
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]


def test_a_compact_tokenizer_that_would_differ_is_not_kept(file, monkeypatch):
    other = Tokenizer.from_file(str(file))
    other.enable_truncation(7)
    monkeypatch.setattr("airvec.deploy.tokenizer.read_compact", lambda _: other)
    assert write_compact(file) == ()
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_file_that_is_no_tokenizer_is_an_error_and_leaves_nothing(tmp_path):
    small(tmp_path / "tokenizer.json", {"max_input_chars_per_word": "many"})
    with pytest.raises(ModelFolderError, match=r"tokenizer\.json: not a tokenizer"):
        write_compact(tmp_path / "tokenizer.json")
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]


def small(path, change):
    """A tokenizer.json of five tokens."""
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    model = {
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
        "vocab": VOCAB,
    }  # fmt: skip
    added = [{"id": number, "content": token} | special for number, token in enumerate(("[PAD]", "[UNK]"))]
    rest = dict.fromkeys(("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"))
    write_json(path, {"version": "1.0", "added_tokens": added, "model": model | change} | rest)
    json.loads(path.read_text(encoding="utf-8"))
    return path
