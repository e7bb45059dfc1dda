"""k-means on points whose clusters are known."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from airvec_trainer.evaluation.clustering_metrics import v_measure
from airvec_trainer.evaluation.kmeans import _means, kmeans


def clouds(clusters, rows, spread, seed=0):
    random = np.random.default_rng(seed)
    centres = random.normal(size=(clusters, 8)) * 10
    labels = np.arange(rows) % clusters
    return (centres[labels] + spread * random.normal(size=(rows, 8))).astype(np.float32), labels


def test_clouds_far_apart_are_found():
    points, labels = clouds(6, 120, spread=0.1)
    assert v_measure(labels, kmeans(points, np.ones(120), 6, seed=1)) == 1.0


def test_a_seed_gives_the_same_clusters_again():
    points, _ = clouds(6, 120, spread=5.0)
    assert (kmeans(points, np.ones(120), 6, seed=3) == kmeans(points, np.ones(120), 6, seed=3)).all()


def inertia(points, owners):
    return sum(((points[owners == one] - points[owners == one].mean(axis=0)) ** 2).sum() for one in set(owners))


def test_clusters_are_as_tight_as_scikit_learns():
    points, _ = clouds(8, 400, spread=6.0)
    ours = np.mean([inertia(points, kmeans(points, np.ones(400), 8, seed)) for seed in range(10)])
    theirs = np.mean([KMeans(8, n_init=1, random_state=seed).fit(points).inertia_ for seed in range(10)])
    assert ours == pytest.approx(theirs, rel=0.02)


def test_a_weight_counts_as_the_row_repeated():
    points, times, owners = clouds(3, 30, spread=2.0)[0], np.arange(30) % 4, np.arange(30) % 3
    weighted = _means(points, times.astype(np.float64), owners, np.zeros((30, 3), np.float32), 3)
    for cluster in range(3):
        repeated = np.repeat(points[owners == cluster], times[owners == cluster], axis=0)
        assert weighted[cluster] == pytest.approx(repeated.mean(axis=0), abs=1e-5)


def test_an_empty_cluster_gets_the_point_that_is_farthest_from_its_own_centre():
    points, owners = np.float32([[0], [1], [7]]), np.array([0, 0, 0])
    distances = np.float32([[4, 0], [1, 0], [25, 0]])
    assert _means(points, np.ones(3), owners, distances, 2).tolist() == [[pytest.approx(8 / 3)], [7.0]]


def test_as_many_clusters_as_points_and_points_that_are_equal():
    points = np.float32([[0, 0], [1, 0], [5, 5]])
    assert sorted(kmeans(points, np.ones(3), 3, seed=0)) == [0, 1, 2]
    equal = kmeans(np.ones((4, 2), np.float32), np.ones(4), 2, seed=0)
    assert set(equal) <= {0, 1}
