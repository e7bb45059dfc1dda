"""`[[evaluation]]`: every evaluator whose data fit into files is made from them, with the labels as numbers."""

import json

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec_trainer import evaluation
from airvec_trainer.recipes.evaluators import make_evaluators, read_evaluated
from airvec_trainer.recipes.sections import EvaluationSection
from tests.trainer.evaluation.stand_in import TableModel

ROWS = [("x", "a", "b", 1), ("y", "b", "a", 0), ("x", "b", "a", 1), ("y", "a", "b", 0)]
TABLE = {"x": [1.0, 0.0], "a": [1.0, 0.1], "b": [0.0, 1.0], "y": [0.1, 1.0]}
PAIR = {"sentences1": "left", "sentences2": "right"}


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.tsv"
    lines = ["left\tright\tother\tlabel", *("\t".join(map(str, row)) for row in ROWS)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def only(**given):
    sections = [EvaluationSection(**given)]
    (made,) = make_evaluators(sections, read_evaluated(sections, {}))
    return made


@pytest.mark.parametrize(
    ("name", "columns", "metrics"),
    [
        ("EmbeddingSimilarityEvaluator", {**PAIR, "scores": "label"}, {"spearman_cosine", "pearson_cosine"}),
        ("BinaryClassificationEvaluator", {**PAIR, "labels": "label"}, {"cosine_ap", "cosine_mcc"}),
        ("TripletEvaluator", {"anchors": "left", "positives": "right", "negatives": "other"}, {"cosine_accuracy"}),
        ("TranslationEvaluator", {"source_sentences": "left", "target_sentences": "right"}, {"mean_accuracy"}),
        ("SparseBinaryClassificationEvaluator", {**PAIR, "labels": "label"}, {"active_dims"}),
    ],
)
def test_evaluators_of_encoders(rows, name, columns, metrics):
    made = only(evaluator=name, file=rows, columns=columns, settings={"batch_size": 4})
    assert type(made) is getattr(evaluation, name)
    model = TableModel(TABLE)
    model.sparsity = None  # sparse models are known by it
    assert metrics <= made(model).keys()


@pytest.mark.parametrize(
    ("name", "label", "metric"),
    [
        ("CrossEncoderClassificationEvaluator", "labels", "average_precision"),
        ("CrossEncoderCorrelationEvaluator", "scores", "spearman"),
    ],
)
def test_evaluators_of_rerankers_take_two_columns_as_pairs(rows, name, label, metric):
    made = only(evaluator=name, file=rows, columns={"sentence_pairs": ["left", "right"], label: "label"})
    model = TableModel({}, scores=np.float32([4, 1, 3, 2]))
    model.num_labels = 1
    assert made(model)[metric] > 0.8
    assert model.calls[0][1][0] == ["x", "a"]


def test_labels_in_words_become_classes(tmp_path):
    path = tmp_path / "nli.tsv"
    path.write_text("left\tright\tlabel\nx\ta\tyes\nx\tb\tno\n", encoding="utf-8")
    made = only(
        evaluator="BinaryClassificationEvaluator",
        file=str(path),
        columns={**PAIR, "labels": "label"},
        values={"labels": {"yes": 1, "no": 0}},
    )
    assert made.labels == [1, 0]


@pytest.mark.parametrize("name", ["RerankingEvaluator", "CrossEncoderRerankingEvaluator"])
def test_evaluators_of_reranking_take_rows_of_a_jsonl_file(tmp_path, name):
    path = tmp_path / "rerank.jsonl"
    samples = [{"query": "x", "positive": ["a"], "negative": ["b"]}, {"query": "y", "positive": ["b"], "negative": "a"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in samples), encoding="utf-8")
    made = only(evaluator=name, file=str(path), settings={"at_k": 2, "name": "dev"})
    model = TableModel(TABLE)
    right = [["x", "a"], ["y", "b"]]
    model.predict = lambda pairs, **_: np.float32([list(pair) in right for pair in pairs])
    assert made(model)["dev_ndcg@2"] == pytest.approx(1.0)


def test_what_a_sample_lacks_is_left_out(tmp_path):
    path = tmp_path / "rerank.jsonl"
    rows = [
        {"query": "x", "positive": ["a"], "documents": ["b", "a"]},
        {"query": "y", "positive": ["b"], "negative": ["a"]},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(ArgumentError, match="negative|documents"):  # the evaluator's own words for a mix
        only(evaluator="RerankingEvaluator", file=str(path))


def test_labels_that_are_not_0_or_1_are_told_before_training(rows):
    with pytest.raises(ArgumentError, match="row 0: 2, expected 0 or 1"):
        only(
            evaluator="BinaryClassificationEvaluator",
            file=rows,
            columns={**PAIR, "labels": "label"},
            values={"labels": {"1": 2, "0": 0}},
        )


def test_a_teacher_cannot_be_named_in_a_recipe(rows):
    with pytest.raises(ArgumentError, match="teacher_model 'somewhere', expected a model that encodes"):
        only(
            evaluator="MSEEvaluator",
            file=rows,
            columns={"source_sentences": "left", "target_sentences": "right"},
            settings={"teacher_model": "somewhere"},
        )
