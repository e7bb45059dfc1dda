"""Mirrors runtime/airvec/cli/search.py."""

import json

import pytest

from airvec.cli.search import results_table

CORPUS = ["a b", "c", "d e", "a"]


@pytest.fixture
def corpus(tmp_path):
    file = tmp_path / "corpus.txt"
    file.write_text("\n".join(CORPUS) + "\n")
    return file


def test_json_lines_hold_rank_score_line_and_text(run, words, corpus):
    seen = run("search", "a", "c", "--corpus", corpus, "--top-k", 2, "--format", "jsonl", "--model", words)
    assert (seen.code, seen.err) == (0, "")
    found = [json.loads(line) for line in seen.out.splitlines()]
    assert [(one["query"], one["rank"]) for one in found] == [("a", 1), ("a", 2), ("c", 1), ("c", 2)]
    assert (found[0]["text"], found[0]["line"], found[0]["score"]) == ("a", 4, 1.0)
    assert (found[2]["text"], found[2]["line"], found[2]["score"]) == ("c", 2, 1.0)
    assert found[0]["score"] >= found[1]["score"]


def test_the_table_shows_each_query_and_its_results(run, words, corpus):
    seen = run("search", "a", "c", "--corpus", corpus, "--top-k", 1, "--model", words)
    assert seen.out == f"a\n    1.000 {'█' * 10} a\nc\n    1.000 {'█' * 10} c\n"


def test_fewer_texts_than_asked_for(run, words, corpus):
    assert len(run("search", "a", "--corpus", corpus, "-k", 50, "--model", words).out.splitlines()) == 5


@pytest.mark.parametrize("by", ["meaning", "words", "both"])
@pytest.mark.parametrize("stdin", ["", "\n \n"])
def test_no_texts_are_an_error(run, words, by, stdin):
    seen = run("search", "a", "--corpus", "-", "--by", by, "--model", words, stdin=stdin)
    assert (seen.code, seen.out) == (1, "")
    assert "standard input: no texts in it, expected one a line, or JSONL. Give a file that has some." in seen.err


@pytest.mark.parametrize("by", ["meaning", "words", "both"])
def test_blank_lines_are_no_results_and_count_as_lines(run, words, tmp_path, by):
    (tmp_path / "corpus.txt").write_text("\nc\n\n  \na b\n\n")
    seen = run("search", "a c", "-c", tmp_path / "corpus.txt", "--by", by, "--format", "jsonl", "--model", words)
    assert sorted((one["line"], one["text"]) for one in map(json.loads, seen.out.splitlines())) == [
        (2, "c"),
        (5, "a b"),
    ]


def test_a_field_of_json_lines_from_standard_input(run, words):
    lines = '{"body": "a"}\n{"body": "b"}\n'
    arguments = ("search", "b", "--corpus", "-", "--field", "body", "-k", 1, "--format", "jsonl", "--model", words)
    assert json.loads(run(*arguments, stdin=lines).out)["line"] == 2


def test_bars_are_full_at_one_or_at_the_best_score():
    results = [(50.0, 0, "far above one"), (25.0, 1, "half of it"), (-3.0, 2, "below\nzero")]
    _, first, second, third = results_table("q", results).splitlines()
    assert [line.count("█") for line in (first, second, third)] == [10, 5, 0]
    assert third.endswith("below zero")
    assert results_table("q", [(0.5, 0, "half")]).count("█") == 5


def test_a_result_names_its_line_where_blank_ones_lie_between(run, words, tmp_path):
    (tmp_path / "corpus.jsonl").write_text('"c"\n\n\n"a b"\n')
    seen = run("search", "a b", "--corpus", tmp_path / "corpus.jsonl", "--format", "jsonl", "--model", words)
    assert [json.loads(line)["line"] for line in seen.out.splitlines()] == [4, 1]


def test_by_words_finds_texts_that_have_them_and_opens_no_model(run, tmp_path, corpus):
    seen = run("search", "b", "--corpus", corpus, "--by", "words", "--format", "jsonl", "--model", tmp_path / "none")
    assert [json.loads(line)["text"] for line in seen.out.splitlines()] == ["a b"]
    assert run("search", "nowhere", "--corpus", corpus, "--by", "words") == (0, "nowhere\n", "")


def test_by_both_fuses_words_and_meaning_and_the_best_fills_its_bar(run, words, corpus):
    seen = run("search", "a", "--corpus", corpus, "--by", "both", "--format", "jsonl", "--model", words)
    found = [json.loads(line) for line in seen.out.splitlines()]
    assert found[0] == {"query": "a", "rank": 1, "score": round(2 / 61, 6), "line": 4, "text": "a"}
    assert len(found) == 4
    assert run("search", "a", "--corpus", corpus, "--by", "both", "--model", words).out.splitlines()[1].count("█") == 10
