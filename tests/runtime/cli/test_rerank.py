"""Mirrors runtime/airvec/cli/rerank.py."""

import json

import pytest

from tests.folders import pair_logits, reranker

DOCUMENTS = ["a", "f", "d", "f"]
IDENTITY = "torch.nn.modules.linear.Identity"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return reranker(tmp_path_factory.mktemp("cli") / "ranker", sbert_ce_default_activation_function=IDENTITY)


@pytest.fixture
def documents(tmp_path):
    file = tmp_path / "documents.txt"
    file.write_text("\n".join(DOCUMENTS) + "\n")
    return file


def test_json_lines_hold_rank_score_line_and_text(run, model, documents):
    seen = run("rerank", "c", "--documents", documents, "--model", model, "--format", "jsonl")
    assert (seen.code, seen.err) == (0, "")
    found = [json.loads(line) for line in seen.out.splitlines()]
    assert [(one["rank"], one["line"], one["text"]) for one in found] == [
        (1, 2, "f"), (2, 4, "f"), (3, 3, "d"), (4, 1, "a")
    ]  # fmt: skip
    assert found[0]["score"] == pytest.approx(pair_logits("c", "f")[0], rel=1e-5)


@pytest.mark.parametrize("others", [{}, {"AIRVEC_MODEL": "no-such-model"}])
def test_the_environment_names_the_reranker_where_the_command_line_does_not(run, model, documents, monkeypatch, others):
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRVEC_RERANKER", str(model))
    assert run("rerank", "c", "-d", documents) == run("rerank", "c", "-d", documents, "-m", model)


def test_a_model_that_the_environment_names_may_be_the_reranker(run, model, documents, monkeypatch):
    monkeypatch.setenv("AIRVEC_MODEL", str(model))
    assert run("rerank", "c", "-d", documents).code == 0


def test_the_table_shows_the_query_and_its_best_documents(run, model, documents):
    seen = run("rerank", "c", "-d", documents, "-m", model, "--top-k", 2)
    score = f"{pair_logits('c', 'f')[0]:7.3f}"
    assert [line.split("█")[0].rstrip() for line in seen.out.splitlines()[:1]] == ["c"]
    assert seen.out.count(score) == 2
    assert len(seen.out.splitlines()) == 3


def test_a_field_of_json_lines_from_standard_input(run, model):
    lines = '{"body": "a"}\n\n{"body": "b"}\n'
    arguments = ("rerank", "a", "-d", "-", "--field", "body", "-m", model, "--format", "jsonl", "-k", 1)
    assert json.loads(run(*arguments, stdin=lines).out)["line"] == 3


def test_blank_lines_are_no_documents_and_a_file_of_them_is_an_error(run, model):
    seen = run("rerank", "a", "-d", "-", "-m", model, "--format", "jsonl", stdin="\na\n \n\nb\n")
    assert sorted((one["line"], one["text"]) for one in map(json.loads, seen.out.splitlines())) == [(2, "a"), (5, "b")]
    for stdin in ("", "\n\n"):
        seen = run("rerank", "a", "-d", "-", "-m", model, stdin=stdin)
        assert (seen.code, seen.out) == (1, "")
        assert "standard input: no texts in it" in seen.err


def test_the_limit_of_a_pair_can_be_set(run, model, documents):
    seen = run("rerank", "c", "-d", documents, "-m", model, "--max-seq-length", 2)
    assert (seen.code, seen.out) == (1, "")
    assert "max_length: 2, but a pair has 3 special tokens" in seen.err


def test_a_model_must_be_named_and_be_a_reranker(run, words, documents):
    seen = run("rerank", "c", "-d", documents)
    assert seen.code == 2
    assert "--model" in seen.err
    seen = run("rerank", "c", "-d", documents, "-m", words)
    assert seen.code == 1
    assert "model_type is 'SentenceTransformer', expected 'CrossEncoder'" in seen.err
