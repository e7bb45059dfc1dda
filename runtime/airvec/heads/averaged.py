"""The mean of several heads' probabilities, as calibration over folds has it.

Knows nothing of how the heads were found.
"""

from dataclasses import dataclass

import numpy as np

from airvec.arrays import Integers
from airvec.errors import ArgumentError
from airvec.heads.protocol import Doubles, Head, check_length


@dataclass(frozen=True)
class Averaged:
    """Heads of the same labels, one label a text; the label with the highest mean probability wins.

    Args:
        heads: at least one, all with probabilities.

    Raises:
        ArgumentError: no heads, of several labels a text, or for other numbers of labels or widths.
    """

    heads: tuple[Head, ...]

    def __post_init__(self) -> None:
        if not self.heads or any(head.multi_label for head in self.heads):
            found = [type(head).__name__ for head in self.heads]
            raise ArgumentError(f"heads: {found}, expected some, with one label a text. Fit the head again.")
        for head in self.heads:
            check_length("labels of a head", head.outputs, self.outputs)
            check_length("dimensions of a head", head.dim, self.dim)

    @property
    def dim(self) -> int:
        """Width of the vectors that it reads."""
        return self.heads[0].dim

    @property
    def outputs(self) -> int:
        """Number of labels."""
        return self.heads[0].outputs

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels: never."""
        return False

    def decide(self, vectors: Doubles) -> Integers:
        """The place of the highest probability."""
        return self.probabilities(vectors).argmax(axis=1)

    def probabilities(self, vectors: Doubles) -> Doubles:
        """The heads' mean."""
        return np.mean([head.probabilities(vectors) for head in self.heads], axis=0)
