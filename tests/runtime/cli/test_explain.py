"""Mirrors runtime/airvec/cli/explain.py."""

import json

import numpy as np
import pytest

from airvec import SparseVector
from airvec.cli.explain import explanation, word_shares
from tests.sparse_folders import inference_free, splade_of, table_of

QUERY, DOCUMENT = "a b c f", "c f j"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return inference_free(tmp_path_factory.mktemp("explain") / "sparse")


@pytest.fixture
def texts(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("late parcel from the shop\nyour parcel is here\nbroken screen\n")
    return file


def test_json_lines_hold_the_shared_words_and_add_up_to_the_score(run, model):
    seen = run("explain", QUERY, DOCUMENT, "--model", model, "--format", "jsonl")
    assert (seen.code, seen.err) == (0, "")
    found = [json.loads(line) for line in seen.out.splitlines()]
    products = table_of(QUERY) * splade_of(DOCUMENT)
    assert 1 < len(found) == np.count_nonzero(products) < np.count_nonzero(table_of(QUERY)) + 1
    assert sum(one["adds"] for one in found) == pytest.approx(products.sum(), rel=1e-5)
    assert [one["adds"] for one in found] == sorted((one["adds"] for one in found), reverse=True)
    for one in found:
        assert one["query"] * one["document"] == pytest.approx(one["adds"], rel=1e-5)


def test_the_table_shows_score_words_bars_and_what_is_left(run, model):
    seen = run("explain", QUERY, DOCUMENT, "-m", model, "--top-k", 1)
    score, head, best, rest = seen.out.splitlines()
    assert score.startswith(f"{table_of(QUERY) @ splade_of(DOCUMENT):.3f} from ")
    assert head.split() == ["word", "query", "document", "adds"]
    assert best.endswith("█" * 20)
    assert "more" in rest
    whole = run("explain", QUERY, DOCUMENT, "-m", model).out
    assert best in whole
    assert "more" not in whole


def test_the_environment_names_the_model_unless_bm25_is_asked_for(run, model, texts, monkeypatch):
    named, counted = run("explain", "c", "c f", "-m", model), run("explain", "late parcel", "a parcel", "--bm25", texts)
    monkeypatch.setenv("AIRVEC_MODEL", str(model))
    assert run("explain", "c", "c f") == named
    assert run("explain", "late parcel", "a parcel", "--bm25", texts) == counted
    assert (named.code, counted.code) == (0, 0)


def test_texts_without_a_word_in_common_have_the_score_zero():
    query, document = (SparseVector(np.array([i], np.int32), np.ones(1, np.float32), 3) for i in (0, 2))
    assert explanation(word_shares(query, document, list("xyz")), 1, 5) == "0.000 from 0 of the query's 1 words"


def test_the_words_of_bm25_are_those_of_the_file(run, texts):
    seen = run("explain", "late parcel", "your parcel is late", "--bm25", texts, "--format", "jsonl")
    found = {one["word"]: one for one in map(json.loads, seen.out.splitlines())}
    assert set(found) == {"late", "parcel"}
    assert found["late"]["document"] > found["parcel"]["document"] > 0  # the rarer word counts more
    assert found["late"]["query"] == 1


def test_blank_lines_are_no_texts_of_bm25_and_a_file_of_them_is_an_error(run, texts, tmp_path):
    (tmp_path / "gaps.txt").write_text("\n" + texts.read_text().replace("\n", "\n\n \n"))
    command = ("explain", "late parcel", "your parcel is late", "--bm25")
    assert run(*command, tmp_path / "gaps.txt") == run(*command, texts)  # blank texts would make words rarer
    (tmp_path / "gaps.txt").write_text("\n\n")
    seen = run(*command, tmp_path / "gaps.txt")
    assert (seen.code, seen.out) == (1, "")
    assert "gaps.txt: no texts in it" in seen.err


@pytest.mark.parametrize(("models", "given"), [((), "neither"), (("--model", "x", "--bm25", "y"), "both")])
def test_one_of_a_model_and_a_file_must_be_given(run, models, given):
    seen = run("explain", "a", "b", *models)
    assert seen.code == 1
    assert f"model: {given} of --model and --bm25 given, expected one. Give --model with the folder" in seen.err
