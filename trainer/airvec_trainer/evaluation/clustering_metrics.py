"""V-measure: how far clusters and labels say the same.

Knows nothing of models, texts and how clusters were found.
"""

import numpy as np
import numpy.typing as npt

__all__ = ["v_measure"]


def v_measure(labels: npt.ArrayLike, clusters: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """The harmonic mean of homogeneity (a cluster holds one label) and completeness (a label lies in one cluster).

    Args:
        labels: (n,), whole numbers from 0.
        clusters: (n,), whole numbers from 0.
        weights: (n,), how often each row counts; None = once.

    Returns:
        From 0 to 1.

    Source: Rosenberg and Hirschberg, 2007.

    >>> round(v_measure([0, 0, 1, 1], [0, 0, 1, 2]), 12)  # homogeneity 1, completeness log 2 / (1.5 log 2)
    0.8
    >>> v_measure([0, 1, 0, 1], [0, 0, 1, 1])
    0.0
    """
    rows, columns = np.asarray(labels, dtype=np.int64), np.asarray(clusters, dtype=np.int64)
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1.0 if weights is None else np.asarray(weights, dtype=np.float64))
    shares = table / table.sum()
    of_labels, of_clusters = shares.sum(axis=1), shares.sum(axis=0)
    known = shares > 0
    shared = float((shares[known] * np.log(shares[known] / np.outer(of_labels, of_clusters)[known])).sum())
    homogeneity, completeness = _share(shared, _entropy(of_labels)), _share(shared, _entropy(of_clusters))
    both = homogeneity + completeness
    return 2 * homogeneity * completeness / both if both else 0.0


def _entropy(shares: npt.NDArray[np.float64]) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())


def _share(shared: float, entropy: float) -> float:
    """Of the entropy; 1 where there is none to explain. Rounding may leave a little below 0 or above 1."""
    return 1.0 if entropy <= 0 else min(1.0, max(0.0, shared / entropy))
