"""Evaluators of sparse encoders on tables of embeddings: the dense ones' metrics, and how sparse the embeddings are."""

import csv

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.sparse_vectors import SparseVectors
from airvec_trainer import evaluation
from tests.trainer.evaluation.stand_in import Card, TableModel

TABLE = {
    "x": [1.0, 0.0, 0.0, 0.0], "a": [2.0, 0.0, 0.0, 0.0], "b": [3.0, 4.0, 0.0, 0.0], "c": [0.0, 1.0, 2.0, 3.0],
}  # fmt: skip
MEASURES = ["cosine", "dot", "euclidean", "manhattan"]
PAIRS = {"sentences1": ["x"] * 3, "sentences2": ["a", "b", "c"]}
ASKED = {"similarity_fn_names": MEASURES, "name": "dev"}
SIDES = {"source_sentences": ["x", "a"], "target_sentences": ["b", "c"], "name": "dev"}


class SparseTable(TableModel):
    """The table as sparse vectors."""

    def encode(self, texts, **given):
        return SparseVectors.from_dense(super().encode(texts, **given).astype(np.float32))

    def sparsity(self):
        """What sparse encoders have."""


CASES = {
    "EmbeddingSimilarityEvaluator": PAIRS | ASKED | {"scores": [3, 2, 1]},
    "BinaryClassificationEvaluator": PAIRS | ASKED | {"labels": [1, 1, 0]},
    "TripletEvaluator": {"anchors": ["x", "x"], "positives": ["a", "b"], "negatives": ["c", "c"]} | ASKED,
    "MSEEvaluator": SIDES | {"teacher_model": TableModel(TABLE)},
    "TranslationEvaluator": SIDES,
}


@pytest.mark.parametrize("name", CASES)
def test_the_metrics_are_those_of_dense_embeddings_and_the_sparsity(tmp_path, name):
    dense, sparse = getattr(evaluation, name)(**CASES[name]), getattr(evaluation, f"Sparse{name}")(**CASES[name])
    expected = dense(TableModel(TABLE))
    found = sparse(SparseTable(TABLE), str(tmp_path))
    assert list(found)[: len(expected)] == list(expected)
    assert [found[key] for key in expected] == pytest.approx(list(expected.values()), abs=1e-6)
    assert sparse.primary_metric == dense.primary_metric
    rest = list(found)[len(expected) :]
    parts = ["anchor_", "positive_", "negative_"] if name == "TripletEvaluator" else [""]
    assert rest == [f"dev_{part}{key}" for part in parts for key in ("active_dims", "sparsity_ratio")]
    with (tmp_path / dense.csv_file).open(newline="") as file:
        head, row = csv.reader(file)
    assert [f"dev_{key}" for key in head[-len(rest) :]] == rest
    assert [float(value) for value in row[-len(rest) :]] == [found[key] for key in rest]


def test_the_active_dimensions_are_the_mean_of_all_texts_that_were_encoded():
    found = evaluation.SparseEmbeddingSimilarityEvaluator(**PAIRS, scores=[3, 2, 1])(SparseTable(TABLE))
    assert found["active_dims"] == pytest.approx((1 + 1 + 1 + 1 + 2 + 3) / 6)
    assert found["sparsity_ratio"] == pytest.approx(1 - 9 / 6 / 4)
    once = evaluation.SparseBinaryClassificationEvaluator(**PAIRS, labels=[1, 1, 0])(SparseTable(TABLE))
    assert once["active_dims"] == pytest.approx((1 + 1 + 2 + 3) / 4)  # x is encoded once
    triplets = evaluation.SparseTripletEvaluator(["x"], ["b"], ["c"])(SparseTable(TABLE))
    assert [triplets[f"{part}_active_dims"] for part in ("anchor", "positive", "negative")] == [1, 2, 3]


def test_max_active_dims_reach_the_model_and_the_card():
    model = SparseTable(TABLE)
    model.model_card_data = Card()
    measure = evaluation.SparseTripletEvaluator(["x"], ["b"], ["c"], max_active_dims=2)
    measure(model)
    assert {given["max_active_dims"] for _, _, given in model.calls} == {2}
    assert measure.get_config_dict() == {"max_active_dims": 2}
    ((stored, metrics, _, _),) = model.model_card_data.stored
    assert stored is measure
    assert "anchor_active_dims" in metrics


def test_the_teacher_is_cut_as_the_student_is():
    teacher = SparseTable(TABLE)
    evaluation.SparseMSEEvaluator(["x"], ["b"], teacher, max_active_dims=3)
    assert teacher.calls[0][2]["max_active_dims"] == 3


def test_descriptions_are_the_references():
    made = {name: getattr(evaluation, f"Sparse{name}")(**given).description for name, given in CASES.items()}
    assert list(made.values()) == [
        "Semantic Similarity", "Sparse Binary Classification", "Sparse Triplet", "Knowledge Distillation",
        "Sparse Translation",
    ]  # fmt: skip


def test_what_cannot_be_measured_is_refused_when_made():
    with pytest.raises(ArgumentError, match="2 labels"):
        evaluation.SparseBinaryClassificationEvaluator(**PAIRS, labels=[1, 0])
