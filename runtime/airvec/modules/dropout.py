"""Dropout: part of training only; the identity when encoding.

Knows nothing of what passes through it.
"""

from dataclasses import dataclass
from typing import Self

from airvec.arrays import Features
from airvec.folder import ModuleSpec


@dataclass(frozen=True)
class Dropout:
    """The identity."""

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> Self:
        """The rate in `config.json` has no meaning here, and is not read."""
        return cls()

    def output_dim(self, input_dim: int | None) -> int | None:
        """Unchanged."""
        return input_dim

    def __call__(self, features: Features) -> Features:
        """The features as they are."""
        return features
