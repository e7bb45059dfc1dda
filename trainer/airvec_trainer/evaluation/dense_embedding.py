"""Dense embeddings for the tasks that compute with every dimension: classification, clustering, bitexts.

Knows nothing of metrics.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from airvec.errors import ArgumentError
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.evaluation.embedding import EncodeOptions, embed

__all__ = ["dense_rows"]


def dense_rows(where: str, model: Any, texts: Sequence[str], options: EncodeOptions) -> npt.NDArray[np.float32]:
    """Embeddings of texts, float32 (n, dim); packed bits become 0 and 1 each.

    Raises:
        ArgumentError: the model is a sparse one; `where` is what the message calls the asker.
    """
    found = embed(model, texts, None, options)
    if isinstance(found, SparseVectors):
        raise ArgumentError(
            f"{where}: {type(model).__name__} gives sparse embeddings of {found.dim:,} dimensions, expected dense "
            "ones. Evaluate a dense model; sparse ones have stsb, pairs, beir and rerank."
        )
    if options.precision == "binary":  # int8 from -128: the same bits as ubinary, less 128
        found = found.astype(np.int16) + 128
    if options.precision in ("binary", "ubinary"):
        found = np.unpackbits(found.astype(np.uint8), axis=1)
    return found.astype(np.float32)
