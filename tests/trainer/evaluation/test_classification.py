"""ClassificationEvaluator on a table of embeddings."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.evaluation.classification import ClassificationEvaluator, ClassificationProtocol
from airvec_trainer.evaluation.embedding import EncodeOptions
from tests.trainer.evaluation.stand_in import TableModel

TRAIN = [f"t{number}" for number in range(12)]
LABELS = ["b", "a"] * 6
SIDES = {"a": 1.0, "b": -1.0}


def model():
    """A label is a side; of the texts asked for, `w` lies on the wrong one."""
    known = {text: [SIDES[LABELS[row]] + row / 100, 0.1] for row, text in enumerate(TRAIN)}
    return TableModel(known | {"x": [0.9, 0.0], "y": [-0.9, 0.0], "z": [0.8, 0.0], "w": [0.7, 0.0]})


def evaluator(**given):
    return ClassificationEvaluator(TRAIN, LABELS, ["x", "y", "z", "w"], ["a", "b", "a", "b"], "dev", **given)


def test_labels_are_found_by_the_side(tmp_path):
    measure = evaluator(protocol=ClassificationProtocol(experiments=3, samples_per_label=2))
    found = measure(model(), tmp_path)
    assert found["dev_accuracy"] == 0.75
    assert found["dev_accuracy_std"] == 0
    assert found["dev_f1"] == pytest.approx((0.8 + 2 / 3) / 2)  # a: 2 of 3 and 2 of 2; b: 1 of 1 and 1 of 2
    assert found["dev_ap"] == pytest.approx(0.5 * 1.0 + 0.5 * 0.5)  # b is the second label
    assert measure.primary_metric == "dev_accuracy"
    head, row = (tmp_path / "classification_evaluation_dev_results.csv").read_text().splitlines()
    assert head.startswith("epoch,steps,accuracy,f1,")
    assert row.startswith("-1,-1,0.75,")
    assert measure.get_config_dict() == {"experiments": 3, "samples_per_label": 2}
    assert evaluator().get_config_dict() == {}


def test_each_experiment_draws_as_many_rows_of_each_label():
    for rows in evaluator(protocol=ClassificationProtocol(experiments=4, samples_per_label=3)).drawn():
        assert sorted(LABELS[row] for row in rows) == ["a"] * 3 + ["b"] * 3


def test_rows_are_drawn_as_mteb_draws_them():
    """Golden: mteb 2.26.24's AbsTaskClassification._undersample_data, seed 42, two of each of these labels."""
    drawn = evaluator(protocol=ClassificationProtocol(experiments=2, samples_per_label=2)).drawn()
    assert drawn == [[10, 9, 0, 5], [3, 7, 10, 4]]


def test_only_rows_that_are_drawn_are_encoded_and_options_are_passed():
    asked = model()
    options = EncodeOptions(batch_size=7, prompt_name="classification", truncate_dim=1)
    evaluator(protocol=ClassificationProtocol(experiments=1, samples_per_label=1), options=options)(asked)
    (_, trained, given), (_, labelled, _) = asked.calls
    assert len(trained) == 2
    assert labelled == ["x", "y", "z", "w"]
    assert (given["batch_size"], given["prompt_name"], given["truncate_dim"]) == (7, "classification", 1)


@pytest.mark.parametrize("precision", ["binary", "ubinary"])
def test_packed_bits_are_unpacked(precision):
    shift = 128 if precision == "binary" else 0
    codes = {"a": np.array([0b10000000 - shift]), "b": np.array([0b01000000 - shift])}
    bits = {text: codes[label] for text, label in zip(TRAIN, LABELS, strict=True)}
    table = TableModel(bits | {"x": bits["t1"], "y": bits["t0"], "z": bits["t1"], "w": bits["t0"]})
    found = evaluator(options=EncodeOptions(precision=precision))(table)
    assert found["dev_accuracy"] == 1.0


class Sparse:
    def encode(self, texts, **given):
        return SparseVectors.from_dense(np.eye(len(texts), 30, dtype=np.float32))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClassificationEvaluator(["a"], ["x", "y"], ["b"], ["x"]), "1 texts to train on, 2 labels of them"),
        (lambda: ClassificationEvaluator(["a"], ["x"], ["b"], ["x"]), r"labels \['x'\] to train on, expected at least"),
        (lambda: ClassificationEvaluator(["a", "b"], ["x", "y"], [], []), "0 sentences to label, expected some"),
        (lambda: ClassificationEvaluator(["a", "b"], ["x", "y"], ["c"], ["z"]), "label 'z' to find is not among"),
        (lambda: ClassificationEvaluator(["a", "b"], ["x", 1], ["c"], ["x"]), "labels to train on of kinds int, str,"),
        (
            lambda: ClassificationEvaluator(["a", "b"], ["x", "y"], ["c", "d"], ["x", 1]),
            "labels of kinds int, str",
        ),
        (lambda: ClassificationProtocol(samples_per_label=0), "samples_per_label: 0, expected a whole number"),
        (lambda: evaluator()(Sparse()), "Sparse gives sparse embeddings of 30 dimensions, expected dense"),
    ],
)
def test_what_cannot_be_measured_is_told(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
