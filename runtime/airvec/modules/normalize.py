"""Normalize: scale vectors to length 1.

Knows nothing of what the vectors mean.
"""

from typing import NamedTuple, Self

import numpy as np

from airvec.arrays import Features, Floats
from airvec.folder import ModuleSpec
from airvec.weights import need_feature

SMALLEST_NORM = 1e-12


class Normalize(NamedTuple):
    """x / max(|x|, 1e-12) over the last axis; a zero vector stays zero."""

    input_name: str = "sentence_embedding"
    output_name: str = "sentence_embedding"
    where: str = "Normalize"

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> Self:
        """Read `config.json`, which older folders do not have."""
        name = spec.config.text("module_input_name", "sentence_embedding") or "sentence_embedding"
        return cls(name, spec.config.text("module_output_name", name) or name, spec.config.file)

    def output_dim(self, input_dim: int | None) -> int | None:
        """Unchanged."""
        return input_dim

    def __call__(self, features: Features) -> Features:
        """Replace `sentence_embedding` (batch, dim), or the feature that the folder names, by unit vectors.

        Raises:
            ModelFolderError: no module before it makes what it reads.
        """
        x = need_feature(features, self.input_name, self.where)
        return {**features, self.output_name: unit(x)}


def unit(vectors: Floats) -> Floats:
    """Vectors (…, dim) scaled to length 1 over the last axis; zero vectors stay zero."""
    norms = np.sqrt(np.einsum("...d,...d->...", vectors, vectors))[..., None]
    return vectors / np.maximum(norms, np.float32(SMALLEST_NORM))
