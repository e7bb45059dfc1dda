"""ClusteringEvaluator on a table of embeddings."""

import random

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.clustering import ClusteringEvaluator, ClusteringProtocol
from airvec_trainer.evaluation.embedding import EncodeOptions
from tests.trainer.evaluation.stand_in import TableModel

TEXTS = [f"t{number}" for number in range(9)]
LABELS = ["a", "b", "c"] * 3


def model(angles):
    return TableModel({text: [np.cos(angle), np.sin(angle)] for text, angle in zip(TEXTS, angles, strict=True)})


def test_clusters_that_follow_the_labels_give_one(tmp_path):
    measure = ClusteringEvaluator(TEXTS, LABELS, "dev", ClusteringProtocol(experiments=2, sample_size=100))
    found = measure(model([number % 3 for number in range(9)]), tmp_path)
    assert found == {"dev_v_measure": pytest.approx(1.0), "dev_v_measure_std": pytest.approx(0.0)}
    assert measure.primary_metric == "dev_v_measure"
    head = (tmp_path / "clustering_evaluation_dev_results.csv").read_text().splitlines()[0]
    assert head == "epoch,steps,v_measure,v_measure_std"
    assert measure.get_config_dict() == {"experiments": 2, "sample_size": 100}


def test_clusters_across_the_labels_give_little():
    measure = ClusteringEvaluator(TEXTS, LABELS)
    assert measure(model([number // 3 for number in range(9)]))["v_measure"] < 0.01


def test_rows_are_drawn_with_replacement_as_mteb_draws_them():
    measure = ClusteringEvaluator(TEXTS, LABELS, protocol=ClusteringProtocol(experiments=2, sample_size=20))
    generator = random.Random(42)
    for times in measure.drawn():
        expected = generator.choices(range(9), k=20)
        assert times.tolist() == [expected.count(row) for row in range(9)]


def test_options_are_passed_to_the_model():
    asked = model(range(9))
    protocol = ClusteringProtocol(experiments=1, sample_size=50)
    ClusteringEvaluator(TEXTS, LABELS, protocol=protocol, options=EncodeOptions(prompt_name="p"))(asked)
    ((_, texts, given),) = asked.calls
    assert texts == TEXTS
    assert given["prompt_name"] == "p"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClusteringEvaluator(TEXTS, LABELS[:2]), "9 sentences, 2 labels"),
        (lambda: ClusteringEvaluator(TEXTS, ["a"] * 9), r"labels \['a'\], expected at least two"),
        (
            lambda: ClusteringEvaluator(TEXTS, [1, "a", None] * 3),
            "labels of kinds NoneType, int, str, expected",
        ),
        (lambda: ClusteringEvaluator(TEXTS, [["a"]] * 9), "labels of kinds list, expected one kind"),
        (lambda: ClusteringProtocol(sample_size=1), "sample_size: 1, expected a whole number of at least 2"),
    ],
)
def test_what_cannot_be_measured_is_told(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
