"""Mirrors runtime/airvec/cli/similarity.py."""

import json

import numpy as np
import pytest

from tests.folders import rows_of
from tests.golden import reference

TEXTS = ["a b", "c", "a"]
VECTORS = [rows_of(*text.split()).mean(axis=0) for text in TEXTS]


@pytest.mark.parametrize("function", list(reference.SCORES))
def test_json_lines_hold_each_pair_once(run, words, function):
    seen = run("similarity", *TEXTS, "--format", "jsonl", "--function", function, "--model", words)
    assert (seen.code, seen.err) == (0, "")
    found = [json.loads(line) for line in seen.out.splitlines()]
    assert [(one["text1"], one["text2"]) for one in found] == [("a b", "c"), ("a b", "a"), ("c", "a")]
    scores = reference.table(reference.SCORES[function], VECTORS, VECTORS)
    expected = [scores[0][1], scores[0][2], scores[1][2]]
    np.testing.assert_allclose([one["score"] for one in found], expected, atol=1e-5)


def test_the_table_is_a_square_with_the_texts_on_its_left(run, words):
    seen = run("similarity", *TEXTS, "--model", words)
    head, *rows = seen.out.splitlines()
    scores = reference.table(reference.cosine, VECTORS, VECTORS)
    assert head.split() == ["1", "2", "3"]
    for number, (row, text, values) in enumerate(zip(rows, TEXTS, scores, strict=True), 1):
        assert row.split() == [str(number), *text.split(), *(f"{value:.3f}" for value in values)]


def test_texts_come_from_a_file_too_and_long_ones_are_cut_in_the_table(run, words, tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("a " * 40 + "\nb\n")
    rows = run("similarity", "--file", file, "--model", words).out.splitlines()
    assert len({len(row) for row in rows}) == 1
    assert "a a…" in rows[1] or "a …" in rows[1]


@pytest.mark.parametrize("texts", [[""], ["a"]])
def test_one_text_has_nothing_to_compare(run, texts):
    seen = run("similarity", *texts)
    assert seen.code == 1
    assert "texts: 1 given, expected at least 2" in seen.err


def test_scores_are_shaded_where_colour_is_wanted(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = run("similarity", "a cat", "a cat").out
    assert "\033[32m  1.000\033[0m" in out
