"""Graphs of small integers: int8 that does not depend on the batch, int8 as optimum makes it, weights of four bits.

Knows nothing of checkpoints and of folders.
"""

from airvec_exporter.quantize.calibration import batches, sample_texts
from airvec_exporter.quantize.families import FAMILIES, Family
from airvec_exporter.quantize.rows import Recipe, quantize_rows

__all__ = ["FAMILIES", "Family", "Recipe", "batches", "quantize_rows", "sample_texts"]
