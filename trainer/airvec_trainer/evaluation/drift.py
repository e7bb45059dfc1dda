"""Numbers to watch a model in production by: does it still agree with people, and have its embeddings moved?

    quality = pair_quality(model.encode(firsts), model.encode(seconds), scores)   # on pairs that people scored
    moved = drift(last_month, this_week)                                          # on whatever passes by

Knows nothing of models and of where embeddings come from.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.metrics import pearson, spearman
from airvec_trainer.evaluation.scoring import pair_scores

__all__ = ["Drift", "PairQuality", "drift", "pair_quality", "population_stability"]

Floats = npt.NDArray[np.float64]
LEAST_SHARE = 1e-4  # of a bin that is empty on one side: a logarithm of 0 has no value
USUAL_SHARE_BELOW = 0.05
LEAST_LENGTH = 1e-9  # of a mean of directions; below is rounding


@dataclass(frozen=True, kw_only=True)
class PairQuality:
    """How cosines of pairs compare with people's scores.

    Attributes:
        spearman: correlation of ranks: -1 to 1.
        pearson: correlation.
        mean_similarity: of all pairs' cosines.
        std_similarity: their standard deviation; a collapsing model's falls towards 0.
    """

    spearman: float
    pearson: float
    mean_similarity: float
    std_similarity: float


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How embeddings of now differ from those of a reference; similarities are cosines with the reference's centroid.

    Attributes:
        reference_similarity: mean similarity of the reference's own embeddings.
        reference_std: its standard deviation.
        similarity: mean similarity of those of now.
        std: its standard deviation.
        centroid_similarity: cosine of both centroids: 1 = not moved.
        stability_index: population stability index of the similarities; below 0.1 is usually called stable, from 0.25
            on drifted.
        threshold: a similarity, below which a text is unlike the reference.
        share_below: the share of now that is.
        reference_share_below: the share of the reference that is.
    """

    reference_similarity: float
    reference_std: float
    similarity: float
    std: float
    centroid_similarity: float
    stability_index: float
    threshold: float
    share_below: float
    reference_share_below: float


def pair_quality(first: Any, second: Any, scores: npt.ArrayLike) -> PairQuality:
    """Compare cosines of pairs with scores that people gave.

    Args:
        first: (n, dim), embeddings of the first texts.
        second: (n, dim), of the second ones.
        scores: (n,), larger = more alike.

    Raises:
        ArgumentError: not as many of each, fewer than two, or values that are not finite.

    >>> found = pair_quality([[1, 0], [1, 0], [1, 0]], [[1, 0], [3, 4], [0, 1]], [5, 3, 1])
    >>> round(found.spearman, 6), round(found.mean_similarity, 6)  # cosines 1, 0.6, 0
    (1.0, 0.533333)
    """
    one, other = _vectors("first", first), _vectors("second", second)
    if one.shape != other.shape:
        raise ArgumentError(f"pairs: {list(one.shape)} and {list(other.shape)}, expected one shape. Pair them up.")
    found = pair_scores("cosine", one, other)
    return PairQuality(
        spearman=spearman(scores, found),
        pearson=pearson(scores, found),
        mean_similarity=float(found.mean()),
        std_similarity=float(found.std()),
    )


def drift(reference: Any, current: Any, *, threshold: float | None = None, bins: int = 10) -> Drift:
    """Compare embeddings with a reference's, such as those of the texts that the model was released with.

    Args:
        reference: (n, dim).
        current: (m, dim), by the same model.
        threshold: a similarity below which a text counts as unlike; None = that below which 5 % of the reference lie.
        bins: of the stability index, as many of the reference in each.

    Raises:
        ArgumentError: other shapes, no rows, values that are not finite, a threshold that is none, fewer than two bins,
            or a reference without a direction: embeddings of 0, or such that their directions cancel.

    >>> moved = drift([[1, 0.1], [1, -0.1]], [[0, 1.0], [0, 2.0]], threshold=0.5)
    >>> moved.centroid_similarity, moved.share_below, moved.reference_share_below
    (0.0, 1.0, 0.0)
    """
    before, now = _vectors("reference", reference), _vectors("current", current)
    if before.shape[1] != now.shape[1]:
        raise ArgumentError(
            f"drift: {before.shape[1]} and {now.shape[1]} dimensions, expected the same. Encode both with one model."
        )
    if threshold is not None and not np.isfinite(threshold):
        raise ArgumentError(f"threshold: {threshold!r}, expected a finite number, or None. Give a similarity.")
    centroid = _unit(before).mean(axis=0)
    if np.linalg.norm(centroid) < LEAST_LENGTH:
        raise ArgumentError(
            f"reference: the mean of {len(before)} directions has the length {np.linalg.norm(centroid):.1e}, expected "
            "one to compare with: embeddings are 0, or cancel. Give embeddings of real texts."
        )
    old, new = (pair_scores("cosine", rows, np.broadcast_to(centroid, rows.shape)) for rows in (before, now))
    limit = float(np.quantile(old, USUAL_SHARE_BELOW)) if threshold is None else float(threshold)
    return Drift(
        reference_similarity=float(old.mean()),
        reference_std=float(old.std()),
        similarity=float(new.mean()),
        std=float(new.std()),
        centroid_similarity=float(pair_scores("cosine", centroid[None], _unit(now).mean(axis=0)[None])[0]),
        stability_index=population_stability(old, new, bins=bins),
        threshold=limit,
        share_below=float((new < limit).mean()),
        reference_share_below=float((old < limit).mean()),
    )


def population_stability(reference: npt.ArrayLike, current: npt.ArrayLike, *, bins: int = 10) -> float:
    """How far the distribution of some numbers has moved: 0 = not at all.

    The sum over bins of (q - p) ln(q / p), p and q being the shares of both in a bin. Bins end at quantiles of the
    reference, the outermost are open; an empty share counts as 0.0001. Where so many numbers of the reference equal its
    least one that a bin ends there, what lies below has a bin of its own, so that a fall shows as a rise does.

    Args:
        reference: (n,).
        current: (m,).
        bins: how many, at least 2; fewer where numbers of the reference are equal.

    Raises:
        ArgumentError: no numbers, values that are not finite, or fewer than two bins.

    >>> population_stability([1, 2, 3, 4], [1, 2, 3, 4], bins=2)
    0.0
    >>> round(population_stability([1, 2, 3, 4], [1, 3, 4, 4], bins=2), 6)  # halves; now 1/4 and 3/4: 1/4 ln 3
    0.274653
    """
    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 2:
        raise ArgumentError(f"bins: {bins!r}, expected a whole number from 2. Give one.")
    old, new = _numbers("reference", reference), _numbers("current", current)
    edges = np.unique(np.quantile(old, np.arange(1, bins) / bins))
    if edges[0] == old.min():
        edges = np.append(np.nextafter(old.min(), -np.inf), edges)
    shares = [
        np.maximum(np.bincount(np.searchsorted(edges, side, "left"), minlength=len(edges) + 1) / len(side), LEAST_SHARE)
        for side in (old, new)
    ]
    p, q = shares
    return float(((q - p) * np.log(q / p)).sum())


def _unit(rows: Floats) -> Floats:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _vectors(name: str, given: Any) -> Floats:
    return _finite(name, given, 2, "(n, dim)")


def _numbers(name: str, given: Any) -> Floats:
    return _finite(name, given, 1, "(n,)")


def _finite(name: str, given: Any, dimensions: int, shape: str) -> Floats:
    found = np.asarray(given, dtype=np.float64)
    if found.ndim != dimensions or not found.size or not np.isfinite(found).all():
        wrong = int((~np.isfinite(found)).sum())
        raise ArgumentError(
            f"{name}: shape {list(found.shape)} with {wrong} values that are not finite, expected finite numbers "
            f"{shape}, one row at least. Correct it."
        )
    return found
