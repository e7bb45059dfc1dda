"""A packed model beside the one that it was made of: the largest difference between their numbers for a few texts.

Knows nothing of graphs, and of folders no more than what opens them.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from airvec.arrays import Array, Floats
from airvec.errors import AirvecWarning, ModelFolderError
from airvec.folder import RERANKER, SPARSE, ModelFolder

# Short, longer, and not ASCII, so that a batch has padding; a reranker gets them in pairs.
TEXTS = (
    "a boat",
    "The ferry to the islands leaves at six, and the last one back at a quarter past eleven in the evening.",
    "Über den Fluß führt eine Brücke. 橋がある。",
)
# A graph that was optimised adds in another order; the largest |value| counts where that is above 1.
TOLERANCE = 1e-5


def distance(original: ModelFolder, packed: ModelFolder, variant: str) -> float:
    """The largest |difference| of any number that two model folders give for a few texts.

    Args:
        original: opened with `variant`.
        packed: opened without being told a variant, as its users will.
        variant: which of the original's graphs was packed.

    Raises:
        ModelFolderError: it is above 1e-5 of the largest value, or one of them cannot be opened.
    """
    expected, found = _answers(original, variant), _answers(packed, "auto")
    if expected.shape != found.shape:
        raise ModelFolderError(
            f"{original.name}: packed, it gives {list(found.shape)} numbers, expected {list(expected.shape)}. "
            "Report this."
        )
    moved = float(np.abs(expected - found).max(initial=0.0))
    allowed = TOLERANCE * max(1.0, float(np.abs(expected).max(initial=0.0)))
    if not moved <= allowed:
        raise ModelFolderError(
            f"{original.name}: packed, it gives numbers that differ by {moved:.1e}, expected {allowed:.1e} at most. "
            "Report this, with the version of onnxruntime."
        )
    return moved


def _answers(folder: ModelFolder, variant: str) -> Floats:
    """float32 (n,): all numbers that a model gives for the texts, of its queries and of its documents."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AirvecWarning)  # who opens the model is told; here nobody chose it
        if folder.model_type == RERANKER:
            return _scores(folder.path, variant)
        if folder.model_type == SPARSE:
            return _sparse(folder.path, variant)
        from airvec.sentence_transformer import SentenceTransformer

        dense = SentenceTransformer(folder.path, variant=variant, threads=1)
        return _joined([dense.encode_query(list(TEXTS)), dense.encode_document(list(TEXTS))])


def _scores(path: Path, variant: str) -> Floats:
    from airvec.cross_encoder import CrossEncoder

    pairs = [(query, text) for query in TEXTS for text in TEXTS]
    return _joined([CrossEncoder(path, variant=variant, threads=1).predict(pairs)])


def _sparse(path: Path, variant: str) -> Floats:
    from airvec.sparse_encoder import SparseEncoder
    from airvec.sparse_vectors import SparseVectors

    model = SparseEncoder(path, variant=variant, threads=1)
    rows: list[SparseVectors] = [model.encode_query(list(TEXTS)), model.encode_document(list(TEXTS))]
    return _joined([found.to_dense() for found in rows])


def _joined(arrays: Sequence[Array]) -> Floats:
    return np.concatenate([np.asarray(array, np.float32).ravel() for array in arrays])
