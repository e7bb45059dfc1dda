"""How far from torch each kind of graph may be: the bounds that an export states and holds.

Graphs in float32 give torch's numbers but for rounding. The others state a smallest cosine, below what was measured on
all-MiniLM-L6-v2 (smallest of the 240 texts of the verification: int8-x86 0.9926, int8-vnni 0.9961, int8-dynamic 0.9662,
int4 0.9481, openvino-int8 0.9559), so that they refuse what is broken. Where answers are logits, the order of the pairs
takes the place of the cosine, and a wide bound on |differences| finds a shift of all.
Knows nothing of how anything is measured.
"""

from dataclasses import dataclass, replace

from airvec.folder import DENSE, RERANKER, SPARSE

# On the elements of unit vectors; on sparse values and logits, times the largest of them or 1.
BOUNDS = {DENSE: 1e-5, SPARSE: 1e-4, RERANKER: 1e-4}


@dataclass(frozen=True)
class Bound:
    """What is asked of a graph; None = nothing.

    `max_delta` and `batch_delta` (what neighbours in a batch may move) are |differences|, relative to the scale of the
    answers; `min_cosine` is of embeddings only, `rank_correlation` of logits only.
    """

    max_delta: float | None = None
    min_cosine: float | None = None
    batch_delta: float | None = None
    rank_correlation: float | None = None


# Of variants whose numbers differ on purpose; what is in none of them is in float32. `max_delta` is of logits here.
LOSSY = {
    "O3": Bound(min_cosine=0.999, rank_correlation=0.999, max_delta=0.01),  # the reference's Gelu by tanh
    "O4": Bound(min_cosine=0.999, rank_correlation=0.999, max_delta=0.01),  # float16
    "int8": Bound(min_cosine=0.99, batch_delta=1e-6, rank_correlation=0.98, max_delta=0.2),
    "int8-dynamic": Bound(min_cosine=0.90, rank_correlation=0.90, max_delta=0.5),
    "int4": Bound(min_cosine=0.90, rank_correlation=0.90, max_delta=0.5),
    "openvino-int8": Bound(min_cosine=0.95, rank_correlation=0.95, max_delta=0.3),
}


def is_lossy(variant: str) -> bool:
    """Whether a variant's numbers differ from torch's on purpose."""
    return _family(variant) is not None


def bound_of(variant: str, kind: str, max_delta: float | None = None) -> Bound:
    """The bound of a variant; `int8-x86` has that of `int8`.

    Args:
        variant: as airvec calls it.
        kind: the class that opens the model.
        max_delta: of graphs in float32, instead of the usual one of the kind.
    """
    family = _family(variant)
    if family is None:
        return Bound(max_delta=BOUNDS[kind] if max_delta is None else max_delta)
    if kind == RERANKER:
        return replace(LOSSY[family], min_cosine=None)
    return replace(LOSSY[family], max_delta=None, rank_correlation=None)


def _family(variant: str) -> str | None:
    """The longest name in LOSSY that a variant is, or begins with."""
    known = [name for name in LOSSY if variant == name or variant.startswith((f"{name}-", f"{name}_"))]
    return max(known, key=len, default=None)
