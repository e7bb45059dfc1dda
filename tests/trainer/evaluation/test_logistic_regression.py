"""Logistic regression by L-BFGS: scikit-learn's optimum, found without it."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Theirs

from airvec.errors import AirvecWarning
from airvec_trainer.evaluation.logistic_regression import fit_logistic_regression, minimise


def clouds(labels, seed=0, rows=30, dim=12):
    """Overlapping clouds of points, so that the optimum is finite and not at 100 %."""
    random = np.random.default_rng(seed)
    y = np.arange(rows) % labels
    return random.normal(size=(rows, dim)) + random.normal(size=(labels, dim))[y] * 0.5, y


@pytest.mark.parametrize("labels", [2, 3, 7])
def test_the_optimum_is_scikit_learns(labels):
    x, y = clouds(labels)
    ours = fit_logistic_regression(x, y, tolerance=1e-9)
    theirs = Theirs(tol=1e-12, max_iter=10_000).fit(x, y)
    if labels == 2:  # theirs has one column: the second label against the first
        assert np.abs((ours.weights[:, 1] - ours.weights[:, 0]) - theirs.coef_[0]).max() < 1e-5
        assert ours.biases[1] - ours.biases[0] == pytest.approx(theirs.intercept_[0], abs=1e-5)
    else:
        assert np.abs(ours.weights.T - theirs.coef_).max() < 1e-5
    fresh = np.random.default_rng(1).normal(size=(200, x.shape[1]))
    assert (ours.predict(fresh) == theirs.predict(fresh)).all()
    assert len(set(ours.predict(fresh))) == labels


def test_a_fit_that_is_cut_short_says_so():
    x, y = clouds(3)
    with pytest.warns(AirvecWarning, match=r"stopped at a gradient of .*, expected 1.0e-09 or less"):
        fit_logistic_regression(x, y, tolerance=1e-9, max_iterations=3)


def test_a_point_that_is_the_minimum_is_left_alone():
    point, slope = minimise(lambda x: (float((x**2).sum()), 2 * x), np.zeros(3), 1e-9, 10)
    assert point.tolist() == [0, 0, 0]
    assert slope == 0


def test_a_function_that_no_step_lowers_ends_the_search():
    """Its stated gradient is wrong, as rounding makes one at the end."""
    point, slope = minimise(lambda x: (float(np.abs(x).sum()), np.ones(1)), np.zeros(1), 1e-9, 10)
    assert point.tolist() == [0]
    assert slope == 1


def test_curved_valleys_are_followed_to_their_end():
    scales = np.array([1.0, 100.0, 10_000.0])
    point, slope = minimise(
        lambda x: (float((scales * (x - 1) ** 2).sum()), 2 * scales * (x - 1)), np.zeros(3), 1e-8, 100
    )
    assert slope <= 1e-8
    assert point == pytest.approx([1, 1, 1], abs=1e-8)
