"""Mirrors runtime/airvec/cli/encode.py."""

import json

import numpy as np
import pytest

from airvec import SentenceTransformer
from tests.folders import rows_of

TEXTS = ["a b", "c", "d e f"]


@pytest.fixture(scope="module")
def expected(words) -> np.ndarray:
    return SentenceTransformer(str(words)).encode(TEXTS)


def embeddings(out: str) -> np.ndarray:
    return np.array([json.loads(line)["embedding"] for line in out.splitlines()], np.float32)


def test_a_pipe_gets_json_lines_that_bring_every_float_back(run, words, expected):
    seen = run("encode", *TEXTS, "--model", words)
    assert seen.code == 0
    assert seen.err == ""
    assert [json.loads(line)["text"] for line in seen.out.splitlines()] == TEXTS
    assert (embeddings(seen.out) == expected).all()


def test_a_table_shows_the_first_values(run, words):
    seen = run("encode", "a b", "c", "--format", "table", "--model", words)
    head, first, second = seen.out.splitlines()
    assert head.split() == ["text", "first", "4", "of", "4", "values"]
    values = rows_of("a", "b").mean(axis=0)
    assert first.split() == ["a", "b", *(f"{value:.4f}" for value in values)]
    assert second.startswith("c    ")
    assert run("encode", "a", "--format", "table").out.splitlines()[0].endswith("first 6 of 256 values")
    assert run("encode", "a", "--format", "table").out.endswith(" …\n")


@pytest.mark.parametrize("option", [[], ["--format", "npy"]])
def test_a_npy_file_holds_the_vectors(run, words, expected, tmp_path, option):
    out = tmp_path / "deep" / "vectors.npy"
    seen = run("encode", *TEXTS, "--model", words, "--out", out, *option)
    assert seen == (0, "", f"{out}: 3 x 4 float32\n")
    assert (np.load(out) == expected).all()
    assert [path.name for path in out.parent.iterdir()] == ["vectors.npy"]


def test_vectors_go_to_a_npy_file_as_they_come(run, words, tmp_path, monkeypatch):
    asked, encode = list[object](), SentenceTransformer.encode

    def encoded(self, *given, **named):
        asked.append(named["out"])
        return encode(self, *given, **named)

    monkeypatch.setattr(SentenceTransformer, "encode", encoded)
    for name, expected in (("x.npy", tmp_path / "x.npy"), ("x.bin", None)):
        assert run("encode", *TEXTS, "--model", words, "--out", tmp_path / name, "--format", "npy").code == 0
        assert asked.pop() == expected
    assert (np.load(tmp_path / "x.npy") == np.load(tmp_path / "x.bin")).all()


def test_a_jsonl_file_holds_what_a_pipe_gets(run, words, tmp_path):
    out = tmp_path / "vectors.jsonl"
    assert run("encode", *TEXTS, "é", "--model", words, "--out", out) == (0, "", "")
    assert out.read_text(encoding="utf-8") == run("encode", *TEXTS, "é", "--model", words).out
    other = tmp_path / "vectors"
    assert run("encode", *TEXTS, "é", "--model", words, "--out", other, "--format", "jsonl").code == 0
    assert other.read_bytes() == out.read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "npy"], "--format: 'npy' is binary and needs a file"),
        (["--format", "table", "--out", "x.npy"], "--format: 'table' is for the terminal"),
        (["--out", "vectors.csv"], "--out: 'vectors.csv', expected a name ending in .npy or .jsonl"),
        (["--out", "vectors"], "--out: 'vectors', expected a name ending in .npy or .jsonl"),
    ],
)
def test_a_format_that_does_not_fit_is_refused_before_any_work(run, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    seen = run("encode", "a", "--model", "./not-even-looked-for", *options)
    assert seen.code == 1
    assert message in seen.err
    assert not list(tmp_path.iterdir())


def test_options_reach_the_model(run, words):
    def encoded(*options: object) -> np.ndarray:
        return embeddings(run("encode", "a b c", "--model", words, "--threads", 1, "--no-progress", *options).out)

    model = SentenceTransformer(str(words))
    plain = model.encode(["a b c"])
    assert (encoded("--normalize") == model.encode(["a b c"], normalize_embeddings=True)).all()
    assert (encoded("--truncate-dim", 2) == plain[:, :2]).all()
    assert (encoded("--prompt", "d ") == model.encode(["a b c"], prompt="d ")).all()
    assert (encoded("--prompt-name", "query") == plain).all()
    assert (encoded("--max-seq-length", 3) == model.encode(["a"])).all()
    assert (encoded("--batch-size", 1) == plain).all()
    long = encoded("--max-seq-length", 4, "--on-truncate", "chunk")
    assert np.linalg.norm(long) == pytest.approx(1)
    seen = run("encode", "a b c", "--model", words, "--max-seq-length", 3, "--on-truncate", "error")
    assert seen.code == 1
    assert "5 tokens" in seen.err or "3" in seen.err


@pytest.mark.parametrize(("precision", "kind"), [("binary", "int8"), ("ubinary", "uint8")])
def test_bits_are_written_as_whole_numbers(run, words, tmp_path, precision, kind):
    seen = run("encode", "a", "b", "--precision", precision, "--model", words)
    assert all(isinstance(value, int) for line in seen.out.splitlines() for value in json.loads(line)["embedding"])
    run("encode", "a", "b", "--precision", precision, "--model", words, "--out", tmp_path / "bits.npy")
    assert np.load(tmp_path / "bits.npy").dtype == kind


def test_texts_from_standard_input_and_from_none(run, words, expected):
    assert (embeddings(run("encode", "--model", words, stdin="\n".join(TEXTS) + "\n").out) == expected).all()
    assert run("encode", "--model", words, stdin="") == (0, "", "")


def test_a_failure_leaves_the_old_file_and_nothing_else(run, words, tmp_path):
    out = tmp_path / "vectors.npy"
    out.write_bytes(b"old")
    texts = tmp_path / "texts.jsonl"
    texts.write_text('"a"\n3\n')
    assert run("encode", "--file", texts, "--out", out, "--model", words).code == 1
    assert out.read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"vectors.npy", "texts.jsonl"}


@pytest.mark.parametrize("precision", ["binary", "ubinary"])
def test_a_table_shows_whole_numbers_as_such(run, words, precision):
    seen = run("encode", "a", "b", "--precision", precision, "--format", "table", "--model", words)
    assert seen.code == 0
    assert "." not in seen.out
    assert all(-128 <= int(value) <= 255 for line in seen.out.splitlines()[1:] for value in line.split()[1:])
