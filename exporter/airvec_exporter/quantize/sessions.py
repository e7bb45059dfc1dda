"""A graph in memory → a session of ONNX Runtime, and what it gives for batches.

Knows nothing of quantisation.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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
    """Each batch with all outputs of the graph.

    A product on several threads may be summed in another order, and a range's last bit decides bytes: so each batch
    runs on one thread, several batches side by side.
    """
    session = open_session(model, 1)
    names = [node.name for node in session.get_inputs()]

    def run(batch: Batch) -> list[NDArray[np.float32]]:
        return session.run(None, {name: batch[name] for name in names})

    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(batches), workers):  # not all at once: outputs may be the states of all layers
            some = batches[start : start + workers]
            yield from zip(some, pool.map(run, some), strict=True)
