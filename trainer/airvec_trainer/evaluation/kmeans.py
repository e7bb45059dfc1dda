"""k-means in NumPy: greedy k-means++ to begin with, then Lloyd's steps; rows may have weights.

Knows nothing of labels, models and texts.
"""

import numpy as np
import numpy.typing as npt

__all__ = ["kmeans"]

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
MAX_STEPS = 300
TOLERANCE = 1e-4  # of the mean variance of a dimension, as scikit-learn's


def kmeans(points: Floats, weights: npt.NDArray[np.float64], clusters: int, seed: int) -> Integers:
    """The cluster of each point.

    Args:
        points: float32 (n, dim).
        weights: (n,), how often each point counts; at least `clusters` are above 0.
        clusters: how many.
        seed: of the random numbers.

    Returns:
        int64 (n,): from 0 to clusters - 1.

    Source: Lloyd, 1982; Arthur and Vassilvitskii, 2007.

    >>> rows = np.float32([[0, 0], [0, 1], [9, 9], [9, 8]])
    >>> found = kmeans(rows, np.ones(4), 2, seed=1)
    >>> bool(found[0] == found[1] != found[2] == found[3])
    True
    """
    centres = _first_centres(points, weights, clusters, np.random.default_rng(seed))
    enough = TOLERANCE * float(points.var(axis=0).mean())
    owners = np.full(len(points), -1, dtype=np.int64)
    for _ in range(MAX_STEPS):
        distances = _distances(points, centres)  # (n, clusters)
        before, owners = owners, distances.argmin(axis=1)
        if np.array_equal(owners, before):
            break
        moved = _means(points, weights, owners, distances, clusters)
        shift, centres = float(((moved - centres) ** 2).sum()), moved
        if shift <= enough:
            owners = _distances(points, centres).argmin(axis=1)
            break
    return owners


def _distances(points: Floats, centres: Floats) -> Floats:
    """Squared distances (n, clusters)."""
    lengths = (points**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)
    return np.maximum(lengths - 2 * (points @ centres.T), 0)


def _first_centres(
    points: Floats, weights: npt.NDArray[np.float64], clusters: int, random: np.random.Generator
) -> Floats:
    """Points far from one another: of a few drawn by their distance, each time the one that helps most."""
    trials = 2 + int(np.log(clusters))
    chosen = [int(random.choice(len(points), p=weights / weights.sum()))]
    nearest = _distances(points, points[chosen])[:, 0]
    for _ in range(1, clusters):
        chances = weights * nearest
        total = chances.sum()
        # All that is left lies on a centre: any point will do.
        share = chances / total if total > 0 else weights / weights.sum()
        drawn = random.choice(len(points), size=trials, p=share)
        candidates = np.minimum(nearest[:, None], _distances(points, points[drawn]))  # (n, trials)
        best = int((weights @ candidates).argmin())
        chosen.append(int(drawn[best]))
        nearest = candidates[:, best]
    return points[chosen]


def _means(
    points: Floats, weights: npt.NDArray[np.float64], owners: Integers, distances: Floats, clusters: int
) -> Floats:
    """The centre of each cluster; an empty one gets a point that is far from its own centre."""
    members = np.zeros((clusters, len(points)), dtype=np.float32)
    members[owners, np.arange(len(points))] = weights
    sizes = members.sum(axis=1)
    centres = (members @ points) / np.maximum(sizes, 1e-12)[:, None]
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        far = np.argsort(distances[np.arange(len(points)), owners] * (weights > 0))[::-1]
        centres[empty] = points[far[: len(empty)]]
    return centres.astype(np.float32)
