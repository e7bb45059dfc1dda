"""Rows and queries that are evaluated are never trained on, in whatever data set they stand."""

import json

import pytest
from datasets import Dataset

from airvec.errors import ArgumentError
from airvec.search.beir import RetrievalTask
from airvec_trainer.recipes.apart import check_apart, held_out_rows, texts_of_rows
from airvec_trainer.recipes.reading import read_recipe
from airvec_trainer.recipes.rows import parts_of_data
from airvec_trainer.recipes.running import plan
from airvec_trainer.recipes.sections import DataSection
from tests.trainer.recipes.in_stages import ASKED, TOLD, written

PAIR = {"anchor": ["A  red fox", "rain"], "positive": ["an animal", "weather"]}


def refused(rows, evaluated):
    with pytest.raises(ArgumentError) as caught:
        check_apart({"mine": Dataset.from_dict(rows)}, [], {"the place": evaluated})
    return str(caught.value)


@pytest.mark.parametrize(
    "rows",
    [
        {"anchor": ["x", "rain"], "positive": ["y", "weather"]},
        {"sentence1": ["WEATHER"], "sentence2": ["rain "]},  # other columns, order, case and spaces
        {"anchor": ["rain"], "positive": ["weather"], "negative": ["snow"]},  # a triplet of the pair
        {"query": ["rain"], "documents": [["snow", "weather"]]},
        {"sentence1": ["rain"], "sentence2": ["weather"], "label": [0.0]},
    ],
)
def test_a_row_that_is_evaluated_is_not_trained_on(rows):
    told = refused(rows, PAIR)
    assert told.startswith(f"[[data]] mine: 1 of {len(next(iter(rows.values())))} rows to train on are evaluated by ")
    assert "the place, such as row" in told
    assert "'rain | " in told or "weather'" in told


def test_a_pair_of_an_evaluated_triplet_is_not_trained_on():
    triplet = {"anchors": ["rain"], "positives": ["weather"], "negatives": ["snow"]}
    assert "'rain | weather'" in refused({"anchor": ["rain"], "positive": ["weather"]}, triplet)


def test_a_query_whose_documents_are_reranked_is_not_trained_on_with_others():
    evaluated = {"query": ["Rain"], "positive": [["weather"]], "negative": [["snow"]]}
    told = refused({"query": ["rain"], "passage": ["umbrellas"]}, evaluated)
    assert "1 texts of column 'query' are queries that are evaluated" in told


@pytest.mark.parametrize(
    "rows",
    [
        {"anchor": ["rain"], "positive": ["an animal"]},  # each text of them, but not the pair
        {"text": ["rain", "weather"]},  # sentences alone
        {"anchor": ["rain"], "positive": ["rain"]},
        {"label": [1, 2]},
    ],
)
def test_texts_alone_give_no_pair_away(rows):
    check_apart({"mine": Dataset.from_dict(rows)}, [], {"the place": {**PAIR, "scores": [1.0, 2.0]}})


def test_a_sentence_that_is_evaluated_alone_is_not_trained_on_alone():
    assert "'rain'" in refused({"text": ["rain"], "label": [1]}, {"sentences": ["Rain"], "labels": [0]})


def test_queries_of_tasks_are_looked_for_in_all_columns():
    task = RetrievalTask({"d": "weather"}, {"q": "Rain"}, {"q": {"d": 1}})
    with pytest.raises(ArgumentError, match="mine: 1 texts of column 'positive' are queries"):
        check_apart({"mine": Dataset.from_dict({"anchor": ["x"], "positive": ["rain"]})}, [task])


def test_without_repeats_the_last_rows_are_held_out():
    rows = texts_of_rows({"a": [str(number) for number in range(50)]})
    assert held_out_rows(rows, 7) == list(range(43, 50))
    assert held_out_rows(rows, 0) == []


def test_rows_without_texts_are_no_repeats():
    assert held_out_rows(texts_of_rows({"ids": [[1], [1], [1]]}), 1) == [2]


@pytest.fixture
def repeats(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"anchor": f"q{number % 5}", "positive": f"a{number % 5}", "label": number} for number in range(20)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.parametrize("held_out", [1, 5, 0.5])
def test_rows_that_repeat_one_another_are_on_one_side(repeats, held_out):
    train, out = parts_of_data(DataSection(file=repeats, held_out=held_out))
    wanted = held_out if held_out >= 1 else 10
    assert wanted <= len(out) < wanted + 4
    assert len(train) + len(out) == 20
    assert not set(train["anchor"]) & set(out["anchor"])
    assert out["label"][-1] == 19


def test_repeats_are_found_before_their_texts_are_augmented(repeats):
    drop = {"name": "Replacement", "column": "anchor", "synonyms": {"q4": ["x", "y", "z"]}, "share": 1.0}
    train, out = parts_of_data(DataSection(file=repeats, held_out=1, augment=[drop]))
    assert set(out["positive"]) == {"a4"}
    assert "a4" not in train["positive"]


def test_nothing_but_repeats_leaves_nothing_to_train_on(repeats):
    with pytest.raises(ArgumentError, match=r"data: 4 of 4 rows held out.*rows that repeat one another go together"):
        parts_of_data(DataSection(file=repeats, held_out=1, where={"anchor": "q1"}))


def test_one_stage_is_not_trained_on_what_another_holds_out(tmp_path):
    other = 'name = "leak"\n\n[[stages.data]]\nname = "all"\nfile = "pairs.tsv"\n'
    path = written(tmp_path, ('"right"}\n', '"right"}\nheld_out = 6\n'), ('name = "task"\ndata = ["task"]\n', other))
    with pytest.raises(ArgumentError, match=r"\[\[data\]\] all: 6 of 40 rows .* by what \[\[data\]\] pairs holds out"):
        plan(read_recipe(path))


def test_a_file_is_not_both_trained_on_and_evaluated(recipe):
    with pytest.raises(ArgumentError, match=r"data: 20 of 20 rows to train on are evaluated by \[\[evaluation\]\] 0"):
        plan(read_recipe(recipe(('file = "dev.tsv"', 'file = "pairs.tsv"'))))


def test_a_file_of_a_recipe_in_stages_is_not_both_trained_on_and_evaluated(tmp_path):
    rows = [f"{ASKED[row].upper()} again\t{TOLD[row]} again\t{row}" for row in range(3)]
    more = (
        '\n[[evaluation]]\nevaluator = "EmbeddingSimilarityEvaluator"\nname = "sts"\nfile = "dev.tsv"\n'
        'columns = {sentences1 = "left", sentences2 = "right", scores = "score"}\n'
    )
    path = written(tmp_path, more=more)
    (tmp_path / "dev.tsv").write_text("\n".join(["left\tright\tscore", *rows]) + "\n")
    with pytest.raises(ArgumentError, match=r"\[\[data\]\] pairs: 3 of 40 rows .* by \[\[evaluation\]\] 1, such as"):
        plan(read_recipe(path))
