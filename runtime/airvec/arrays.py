"""Names for the array types that travel between the files of the runtime.

Knows nothing of models or texts.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float32]
Integers: TypeAlias = npt.NDArray[np.int64]
TokenIds: TypeAlias = npt.NDArray[np.int32]

# What similarity and search functions accept: anything that NumPy reads as one vector or as rows of vectors.
Vectors: TypeAlias = "Array | Sequence[Array] | Sequence[float] | Sequence[Sequence[float]]"

# The named arrays that modules read and write, under the reference's names:
# token_embeddings (batch, tokens, dim), attention_mask (batch, tokens), sentence_embedding (batch, dim) …
Features: TypeAlias = dict[str, Array]
