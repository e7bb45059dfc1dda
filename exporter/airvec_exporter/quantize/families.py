"""CPU families: which integers a product of int8 is made of, so that it is exact and has a fast kernel.

On x86 only unsigned × signed has one: signed activations took 30 times as long (ONNX Runtime 1.31, 512 × 384 × 1152).
Without VNNI it adds two products in 16 bits (vpmaddubsw), which 2 × 255 × 65 overflows: weights stay within ±64.
Knows nothing of graphs.
"""

from dataclasses import dataclass

import numpy as np

from airvec_exporter.errors import ExportError


@dataclass(frozen=True)
class Family:
    """Activations are `kind` with the zero point in the middle; weights are int8 within ±`largest`."""

    name: str
    kind: type[np.uint8] | type[np.int8]
    largest: int

    @property
    def bits(self) -> int:
        """Bits of a weight."""
        return 8 if self.largest > 64 else 7

    @property
    def lowest(self) -> int:
        """The smallest activation."""
        return int(np.iinfo(self.kind).min)

    @property
    def highest(self) -> int:
        """The largest activation."""
        return int(np.iinfo(self.kind).max)


FAMILIES = {
    family.name: family
    for family in (Family("x86", np.uint8, 64), Family("vnni", np.uint8, 127), Family("arm64", np.int8, 127))
}


def find_family(name: str) -> Family:
    """The family of that name.

    Raises:
        ExportError: there is none.
    """
    if name not in FAMILIES:
        raise ExportError(f"family: {name!r}, expected one of {', '.join(FAMILIES)}. Choose one.")
    return FAMILIES[name]
