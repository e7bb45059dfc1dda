"""V-measure is scikit-learn's, with weights too."""

import numpy as np
import pytest
from sklearn.metrics import v_measure_score

from airvec_trainer.evaluation.clustering_metrics import v_measure


@pytest.mark.parametrize("seed", range(5))
def test_it_is_scikit_learns(seed):
    random = np.random.default_rng(seed)
    labels, noise = random.integers(0, 7, 200), random.integers(0, 9, 200)
    clusters = np.where(random.random(200) < 0.6, labels, noise)
    assert v_measure(labels, clusters) == pytest.approx(v_measure_score(labels, clusters), abs=1e-12)
    times = random.integers(0, 4, 200)
    expected = v_measure_score(np.repeat(labels, times), np.repeat(clusters, times))
    assert v_measure(labels, clusters, times) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "clusters"), [([0, 0, 0], [0, 0, 0]), ([0, 0, 0], [0, 1, 2]), ([0, 1, 2], [0, 0, 0]), ([3, 5], [1, 0])]
)
def test_the_ends_are_scikit_learns(labels, clusters):
    assert v_measure(labels, clusters) == pytest.approx(v_measure_score(labels, clusters), abs=1e-12)
