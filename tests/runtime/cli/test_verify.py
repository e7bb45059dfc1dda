"""Mirrors runtime/airvec/cli/verify.py."""

import json
from pathlib import Path

import numpy as np
import pytest

from airvec import SentenceTransformer
from airvec.cli.verify import compare

TEXTS = ["a b", "c", "d e f", "g", "h i j"]


class Opened:
    """Writes a file when it is unpickled: what `verify` must never do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, (str(self.path), "w"))


@pytest.fixture
def index(words, tmp_path):
    """The texts of an index and a place for their vectors."""
    texts, vectors = tmp_path / "texts.txt", tmp_path / "vectors.npy"
    texts.write_text("\n".join(TEXTS) + "\n")
    return texts, vectors, SentenceTransformer(str(words)).encode(TEXTS)


@pytest.fixture
def verify(run, words, index):
    def verify(vectors: np.ndarray, *options: str):
        np.save(index[1], vectors)
        return run("verify", words, "--texts", index[0], "--vectors", index[1], *options)

    return verify


def test_the_same_vectors_are_valid(verify, index):
    seen = verify(index[2])
    assert (seen.code, seen.err) == (0, "")
    assert "texts                    5\n" in seen.out
    assert "max |Δ| on unit vectors  0.0e+00\n" in seen.out
    assert "cosine, smallest         1.000000\n" in seen.out
    assert "top-10 overlap           100.00 %\n" in seen.out
    assert seen.out.endswith("valid: keep the index\n")


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_length_and_float_type_of_the_stored_vectors_do_not_matter(verify, index, kind):
    assert verify((index[2] * 3).astype(kind)).code == 0


def test_other_vectors_are_not_valid(verify, index):
    seen = verify(index[2][::-1])
    assert seen.code == 1
    assert seen.err == ""
    assert seen.out.endswith("not valid: encode the texts again\n")


def test_the_answer_as_json(verify, index):
    moved = index[2].copy()
    moved[1] = [moved[1][1], -moved[1][0], moved[1][3], -moved[1][2]]  # at a right angle to what it was
    seen = verify(moved, "--format", "json")
    found = json.loads(seen.out)
    assert seen.code == 1
    assert found["min_cosine"] == pytest.approx(0, abs=1e-6)
    assert found["mean_cosine"] == pytest.approx(0.8)
    assert found["max_delta"] == pytest.approx(
        np.abs(moved[1] - index[2][1]).max() / np.linalg.norm(moved[1]), rel=1e-5
    )
    assert (found["texts"], found["valid"], found["overlap"]) == (5, False, 1.0)
    assert verify(moved, "--min-cosine", "-0.1").code == 0


def test_overlap_counts_the_neighbours_that_stay():
    """Twelve rows on a line of angles, in two orders of which the ten nearest differ by hand."""
    angles = np.linspace(0, 1, 12)
    old = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert compare(old, old).overlap == 1
    new = old.copy()
    new[[0, 11]] = old[[11, 0]]  # the ends change places: only rows between keep both or lose one
    nearest = [set(np.argsort(-rows @ rows[i], kind="stable")[:10]) for rows in (old, new) for i in range(12)]
    expected = np.mean([len(nearest[i] & nearest[i + 12]) / 10 for i in range(12)])
    assert compare(old, new).overlap == pytest.approx(expected)
    assert expected < 1


def test_a_text_without_a_vector_then_and_now_is_no_difference(run, tmp_path):
    (tmp_path / "texts.txt").write_text("a cat\n\nmore\n")
    vectors = SentenceTransformer().encode(["a cat", "", "more"])
    assert not vectors[1].any()
    np.save(tmp_path / "old.npy", vectors)
    default = SentenceTransformer()._folder.path
    arguments = ("verify", default, "--texts", tmp_path / "texts.txt", "--vectors", tmp_path / "old.npy")
    assert run(*arguments).code == 0
    np.save(tmp_path / "old.npy", np.where(vectors == 0, 1, vectors))
    assert run(*arguments).code == 1


def test_shortened_vectors_are_compared_with_shortened_ones(verify, index):
    seen = verify(index[2][:, :2])
    assert seen.code == 1
    assert "--vectors: 2 dimensions, but the model gives 4." in seen.err
    assert verify(index[2][:, :2], "--truncate-dim", "2").code == 0


def test_a_prompt_is_part_of_the_texts(run, words, index, tmp_path):
    np.save(index[1], index[2])
    seen = run("verify", words, "--texts", index[0], "--vectors", index[1], "--prompt-name", "poem")
    assert seen.code == 1
    assert "prompt_name: 'poem'" in seen.err


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.zeros((4, 4), np.float32), "shape [4, 4] of float32, expected float [5, dim]: a row a text"),
        (np.zeros(5, np.float32), "shape [5] of float32"),
        (np.zeros((5, 4), np.int8), "shape [5, 4] of int8"),
        (np.zeros((5, 4), np.complex64), "shape [5, 4] of complex64"),
        (np.array([[1.0] * 4, [np.nan] * 4, *[[1.0] * 4] * 3]), "row 1 holds a value that is no number"),
        (np.full((5, 4), np.inf), "row 0 holds a value that is no number"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(verify, vectors, message):
    seen = verify(vectors)
    assert seen.code == 1
    assert message in seen.err
    assert seen.err.count("\n") == 1


HUGE = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999, 999), }"


@pytest.mark.parametrize(
    "content", [b"", b"text", b"PK\x03\x04 half a zip", b"\x93NUMPY\x01\x00", HUGE.ljust(127) + b"\n"]
)
def test_what_is_no_npy_file_is_refused(run, words, index, content):
    index[1].write_bytes(content)
    seen = run("verify", words, "--texts", index[0], "--vectors", index[1])
    assert seen.code == 1
    assert "vectors.npy: not a .npy file (" in seen.err
    assert seen.err.count("\n") == 1


def test_an_archive_of_arrays_is_refused(run, words, index):
    np.savez(index[1].with_suffix(".npz"), vectors=index[2])
    seen = run("verify", words, "--texts", index[0], "--vectors", index[1].with_suffix(".npz"))
    assert seen.code == 1
    assert "vectors.npz: not a .npy file (" in seen.err


def test_a_pickle_is_refused_and_not_opened(verify, tmp_path):
    seen = verify(np.array([Opened(tmp_path / "opened")], dtype=object))
    assert seen.code == 1
    assert "Object arrays cannot be loaded" in seen.err
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize("missing", ["texts", "vectors"])
def test_a_file_that_does_not_exist_is_named(run, words, index, missing):
    np.save(index[1], index[2])
    files = {"texts": index[0], "vectors": index[1]} | {missing: index[0].with_name("nowhere")}
    seen = run("verify", words, "--texts", files["texts"], "--vectors", files["vectors"])
    assert seen.code == 1
    assert "nowhere: no such file." in seen.err


def test_no_texts_cannot_be_verified(run, words, tmp_path):
    (tmp_path / "texts.txt").write_text("\n")
    np.save(tmp_path / "old.npy", np.zeros((0, 4), np.float32))
    seen = run("verify", words, "--texts", tmp_path / "texts.txt", "--vectors", tmp_path / "old.npy")
    assert seen.code == 1
    assert "shape [0, 4] of float32, expected float [0, dim]" in seen.err
