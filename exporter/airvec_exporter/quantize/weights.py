"""Weights of four bits in blocks of 32 rows, states in float32: the smallest file that is still right, and slow.

A block has a step and a zero point of its own. Products are MatMulNBits of ONNX Runtime at its accuracy level 1, where
states stay in float32, so neighbours in a batch move nothing. Tables become int8.
Knows nothing of tokenizers, torch and files.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxscript import ir

from airvec_exporter.quantize.distance import answers, distances
from airvec_exporter.quantize.embedding_table import quantize_tables
from airvec_exporter.quantize.operators import put_in_place
from airvec_exporter.quantize.products import Floats, Product, find_sites
from airvec_exporter.quantize.rounding import round_weights
from airvec_exporter.quantize.rows import calibration_digest, check, finish
from airvec_exporter.quantize.sessions import Batch
from airvec_exporter.quantize.statistics import observe
from airvec_exporter.quantize.writer import CONTRIB, Writer

BITS, BLOCK, LARGEST = 4, 32, 15
ACCURACY = 1  # of MatMulNBits: float32 states


@dataclass(frozen=True)
class WeightRecipe:
    """What was done to a graph, for the manifest; `distance` is the largest over the calibration texts."""

    bits: int
    block: int
    products: int
    tables: int
    distance: float
    calibration: str

    def record(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def quantize_weights(model: ir.Model, batches: Sequence[Batch]) -> WeightRecipe:
    """Change a float32 graph to weights of four bits, in place.

    Args:
        model: with inputs `input_ids`, `attention_mask` and perhaps `token_type_ids`.
        batches: calibration texts as the graph takes them, int64 (batch, tokens) each.

    Raises:
        ExportError: no calibration texts, or no product to change.
    """
    sites = check(model, batches)
    reference = answers(model, batches)
    states = observe(model, sites, batches)
    for name in [site.name for site in sites]:
        # Anew each time: one site's product may make the states of the next, as in factorised embeddings.
        site = next(site for site in find_sites(model.graph) if site.name == name)
        for product in site.products:
            _replace(model.graph, product, states[name].rows)
    tables = quantize_tables(model)
    finish(model)
    products = sum(node.op_type == "MatMulNBits" for node in model.graph)
    distance = float(distances(reference, answers(model, batches)).max())
    return WeightRecipe(BITS, BLOCK, products, tables, distance, calibration_digest(batches))


def _replace(graph: ir.Graph, product: Product, rows: Floats) -> None:
    writer = Writer(graph, f"{product.name}_int4").before(product.last)
    k, n = product.weight.shape
    packed, steps, zeros = (writer.constant(array) for array in blocks(product.weight, rows))
    bias = None if product.offset is None else writer.constant(product.offset)
    settings = {"K": k, "N": n, "bits": BITS, "block_size": BLOCK, "accuracy_level": ACCURACY}
    found = writer(
        "MatMulNBits", product.source, packed, steps, zeros, None, bias, settings=settings, domain=CONTRIB,
        like=product.last.outputs[0],
    )  # fmt: skip
    put_in_place(graph, product.last, found)


def blocks(weight: Floats, rows: Floats) -> tuple[NDArray[np.uint8], Floats, NDArray[np.uint8]]:
    """A weight (k, n) as MatMulNBits takes it.

    Returns:
        Integers, two a byte, uint8 (n, blocks, 16); steps, float32 (n, blocks); zero points, two a byte, uint8
        (n, (blocks + 1) // 2).

    Source: ONNX Runtime's ContribOperators.md, com.microsoft.MatMulNBits.
    """
    k, n = weight.shape
    count = -(-k // BLOCK)
    padded = np.zeros((count * BLOCK, n), np.float32)
    padded[:k] = weight
    grouped = padded.reshape(count, BLOCK, n)
    low, high = np.minimum(grouped.min(axis=1), 0), np.maximum(grouped.max(axis=1), 0)
    steps = np.maximum((high - low) / LARGEST, 1e-12).astype(np.float32)  # (blocks, n)
    zeros = np.clip(np.rint(-low / steps), 0, LARGEST).astype(np.int32)
    spread = np.repeat(zeros, BLOCK, axis=0)  # (blocks * 32, n)
    wide = np.repeat(steps, BLOCK, axis=0)[:k]
    found = round_weights(weight + spread[:k] * wide, wide, (0, LARGEST), rows)  # moved up, all limits are the same
    integers = spread.copy()  # padding stands for zero
    integers[:k] = found
    columns = integers.T.reshape(n, count, BLOCK)
    points = np.zeros((n, count + count % 2), np.int32)
    points[:, :count] = zeros.T
    return _pairs(columns), steps.T.copy(), _pairs(points)


def _pairs(integers: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Two integers a byte along the last axis, the first in the lower half."""
    return (integers[..., ::2] | integers[..., 1::2] << 4).astype(np.uint8)
