"""Graphs of tiny architectures, each traced once, and what they give for batches of all kinds.

Knows nothing of passes.
"""

import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from onnxscript import ir

from airvec_exporter.graph import trace
from airvec_exporter.load import load
from tests import tiny

MAKERS = {
    "dense": tiny.tiny_checkpoint,
    "sparse": tiny.sparse_checkpoint,
    "rerank": tiny.reranker_checkpoint,
}
SHAPES = ((1, 1), (1, 6), (4, 23))
SIDES = ("right", "left")


@cache
def _traced(architecture: str, kind: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        body = load(MAKERS[kind](Path(folder) / "checkpoint", architecture)).body
        return ir.to_proto(trace(body)).SerializeToString()


def traced(architecture: str, kind: str = "dense") -> ir.Model:
    """A graph of its own, to be changed; as it is when it comes from a file."""
    import onnx

    return ir.from_proto(onnx.load_from_string(_traced(architecture, kind)))


def counts(model: ir.Model) -> Counter[str]:
    """How many nodes of each kind there are."""
    return Counter(node.op_type for node in model.graph.all_nodes())


def answers(model: ir.Model, *, optimised: bool = False) -> list[np.ndarray]:
    """What it gives for batches of one and several texts, padded on both sides; rows of padding are left out.

    `optimised` lets ONNX Runtime optimise it too.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    data = ir.to_proto(model).SerializeToString()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    wanted = [given.name for given in session.get_inputs()]
    found = []
    for number, (batch, length) in enumerate(SHAPES):
        for side in SIDES:
            mask = padded(batch, length, side)
            ids = np.random.default_rng(number).integers(5, 300, mask.shape) * mask
            given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.arange(batch)[:, None] % 2 * mask}
            (result,) = session.run(None, {name: given[name] for name in wanted})
            found.append(result[mask > 0] if result.ndim == 3 else result)
    return found


def padded(batch: int, length: int, side: str) -> np.ndarray:
    """A mask of texts of different lengths, int64 (batch, length)."""
    lengths = (length - np.arange(batch) * 3).clip(1)[:, None]
    places = np.arange(length)
    return (places < lengths if side == "right" else places >= length - lengths).astype(np.int64)


def distance(found: list[np.ndarray], wanted: list[np.ndarray]) -> float:
    """The largest difference, as a share of the largest value where that is above 1."""
    scale = max(1.0, *(float(np.abs(one).max()) for one in wanted))
    return max(float(np.abs(one - two).max()) for one, two in zip(found, wanted, strict=True)) / scale


def spread(found: list[np.ndarray]) -> float:
    """How far the answers to different tokens or texts lie apart: 0 would pass every comparison."""
    return float(np.concatenate(found).std(axis=0).mean())
