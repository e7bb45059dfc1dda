"""A graph in memory → a session of ONNX Runtime, and what it gives for batches.

Knows nothing of quantisation.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxscript import ir

from airvec_exporter.optimize.saving import is_large

Batch = Mapping[str, NDArray[np.int64]]


def open_session(model: ir.Model, threads: int = 0) -> ort.InferenceSession:
    """A session; a graph above 2 GB passes through a temporary folder."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    if not is_large(model):
        return ort.InferenceSession(ir.to_proto(model).SerializeToString(), options, ["CPUExecutionProvider"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        ir.save(model, path, external_data="model.onnx_data")
        return ort.InferenceSession(str(path), options, ["CPUExecutionProvider"])


def outputs(model: ir.Model, batches: Sequence[Batch]) -> Iterator[tuple[Batch, list[NDArray[np.float32]]]]:
    """Each batch with all outputs of the graph."""
    session = open_session(model)
    names = [node.name for node in session.get_inputs()]
    for batch in batches:
        yield batch, session.run(None, {name: batch[name] for name in names})
