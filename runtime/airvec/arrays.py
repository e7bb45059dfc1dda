"""Names for the array types that travel between the files of the runtime.

Knows nothing of models or texts.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

# Written out as numpy.typing.NDArray is, whose import every start would pay for.
Array: TypeAlias = np.ndarray[tuple[Any, ...], np.dtype[Any]]
Floats: TypeAlias = np.ndarray[tuple[Any, ...], np.dtype[np.float32]]
Integers: TypeAlias = np.ndarray[tuple[Any, ...], np.dtype[np.int64]]
TokenIds: TypeAlias = np.ndarray[tuple[Any, ...], np.dtype[np.int32]]

# What similarity and search functions accept: anything that NumPy reads as one vector or as rows of vectors.
Vectors: TypeAlias = "Array | Sequence[Array] | Sequence[float] | Sequence[Sequence[float]]"

# The named arrays that modules read and write, under the reference's names:
# token_embeddings (batch, tokens, dim), attention_mask (batch, tokens), sentence_embedding (batch, dim) …
Features: TypeAlias = dict[str, Array]
