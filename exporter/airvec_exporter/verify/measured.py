"""What a graph was measured at: `Measured`, and the worst of several.

Knows nothing of how it was measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

# Which of two numbers is the worse one; of two sizes and times, the larger.
WORSE: dict[str, Callable[..., float]] = {
    "min_cosine": min, "mean_cosine": min, "rank_correlation": min, "top10_overlap": min, "top10_equal": min,
    "top_words": min, "batch_delta": max, "megabytes": max, "load_ms": max, "one_text_ms": max,
    "texts_per_second": min, "sts": min, "ndcg": min,
}  # fmt: skip
ABOUT = ("texts", "tokens", "dimension", "quantity", "scale", "misses")  # what a measurement is of, or no number


@dataclass(frozen=True)
class Measured:
    """How far airvec is from torch, over `texts` texts or pairs of `tokens` (shortest, longest) before truncation.

    `max_delta` is the largest |difference| of any element of the `quantity`, whose largest |value|, or 1, is `scale`
    (1 for unit vectors). The others are None where they were not measured:
    `min_cosine` and `mean_cosine` of two embeddings of a text (not of logits); `rank_correlation`, Spearman's, of the
    similarities of all pairs of texts, or of a reranker's logits; `top10_overlap`, the mean share of a text's ten
    nearest others that stay, `top10_equal` the share of texts for which they stay in the same order; `top_words`, of
    sparse embeddings, the mean share of a text's ten heaviest words that stay; `batch_delta`, the largest |difference|
    that neighbours in a batch make, on the same scale as `max_delta`; `megabytes` of the graph with its weights;
    `load_ms`, `one_text_ms` and `texts_per_second`, medians; `sts`, Spearman's correlation with people's scores × 100;
    `ndcg`, NDCG@10 × 100. `misses` says which bounds it does not hold.
    """

    max_delta: float
    min_cosine: float | None
    texts: int
    tokens: tuple[int, int]
    dimension: int
    quantity: str = "unit vectors"
    scale: float = 1.0
    mean_cosine: float | None = None
    rank_correlation: float | None = None
    top10_overlap: float | None = None
    top10_equal: float | None = None
    top_words: float | None = None
    batch_delta: float | None = None
    megabytes: float | None = None
    load_ms: float | None = None
    one_text_ms: float | None = None
    texts_per_second: float | None = None
    sts: float | None = None
    ndcg: float | None = None
    misses: tuple[str, ...] = ()

    def numbers(self) -> dict[str, float]:
        """What was measured, by name: for the manifest's `measured`; with the number of `misses`, if there are any."""
        found = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ABOUT}
        found["misses"] = len(self.misses) or None
        return {name: float(value) for name, value in found.items() if value is not None}


def worst(measured: Sequence[Measured]) -> Measured:
    """One measurement for several: the largest difference for its scale, and the worst of every other number."""
    farthest = max(measured, key=lambda one: one.max_delta / one.scale)
    changes: dict[str, Any] = {"misses": tuple(dict.fromkeys(miss for one in measured for miss in one.misses))}
    for name, worse in WORSE.items():
        values = [value for one in measured if (value := getattr(one, name)) is not None]
        changes[name] = worse(values, default=None)
    return replace(farthest, **changes)
