"""What a model is made of, in words: its modules with their settings, its type, its similarity.

Knows nothing of the rest of a card.
"""

from typing import Any

from airvec.folder import RERANKER, SPARSE

__all__ = ["architecture", "model_type", "similarity_name"]

SIMILARITIES = {
    "cosine": "Cosine Similarity",
    "dot": "Dot Product",
    "euclidean": "Euclidean Distance",
    "manhattan": "Manhattan Distance",
}
# What a sparse model is called for having such a module.
SPARSE_TYPES = {
    "Router": "Asymmetric",
    "SparseStaticEmbedding": "Inference-free",
    "SpladePooling": "SPLADE",
    "SparseAutoEncoder": "CSR",
}
LONGEST = 400  # characters of a setting


def architecture(model: Any) -> str:
    """The modules in order, one a line."""
    lines = [f"  ({name}): {_module(module)}" for name, module in model.named_children()]
    return "\n".join([f"{type(model).__name__}(", *lines, ")"])


def model_type(model: Any) -> str:
    """Such as "Sentence Transformer" or "Inference-free SPLADE Sparse Encoder"."""
    if model.kind == RERANKER:
        return "Cross Encoder"
    if model.kind != SPARSE:
        return "Sentence Transformer"
    there = {type(module).__name__ for module in model.modules()}
    return " ".join([*(word for kind, word in SPARSE_TYPES.items() if kind in there), "Sparse Encoder"])


def similarity_name(model: Any) -> str:
    """In words."""
    return SIMILARITIES.get(model.similarity_fn_name, str(model.similarity_fn_name))


def _module(module: Any) -> str:
    kind = type(module).__name__
    if hasattr(module, "routes"):
        inside = {route: [_module(one) for one in chain] for route, chain in module.routes().items()}
        return f"{kind}({'; '.join(f'{route}: ' + ' → '.join(chain) for route, chain in inside.items())})"
    settings = _settings(module)
    return f"{kind}({str(settings)[:LONGEST] if settings else ''})"


def _settings(module: Any) -> dict[str, Any]:
    """What the folder would say of the module."""
    if hasattr(module, "limits"):
        body = getattr(module, "model", None)
        return {**module.limits(), "architecture": type(body).__name__}
    config = getattr(module, "config", None)
    found = config() if callable(config) else None
    said = dict(found) if isinstance(found, dict) else {}
    return {key: value for key, value in said.items() if value is not None and value is not False}
