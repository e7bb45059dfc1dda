"""Graphs of small integers: int8 that does not depend on the batch, int8 as optimum makes it, weights of four bits.

Knows nothing of checkpoints and of folders.
"""

from airvec_exporter.quantize.calibration import batches, sample_texts
from airvec_exporter.quantize.dynamic import CONFIGS, dynamic
from airvec_exporter.quantize.families import FAMILIES, Family
from airvec_exporter.quantize.rows import Recipe, quantize_rows
from airvec_exporter.quantize.weights import WeightRecipe, quantize_weights

__all__ = [
    "CONFIGS", "FAMILIES", "Family", "Recipe", "WeightRecipe", "batches", "dynamic", "quantize_rows",
    "quantize_weights", "sample_texts",
]  # fmt: skip
