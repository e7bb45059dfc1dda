"""The portable graph's file → another graph's file, and what that is.

`airvec export` and the reference's export functions make the same graphs so.
Knows nothing of models and of folders.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from onnxscript import ir

from airvec_exporter.graph import Graph, read_graph, write_graph
from airvec_exporter.openvino import SAMPLES, write_int8_ir
from airvec_exporter.optimize import optimize
from airvec_exporter.optimize.saving import is_optimized
from airvec_exporter.quantize.dynamic import dynamic


def write(model: ir.Model, file: Path) -> Graph:
    """Write a graph that passes went over, and say whether ONNX Runtime's own have anything left to do.

    Raises:
        ExportError: the graph breaks a rule of ONNX, or ONNX Runtime cannot open it.
    """
    return replace(write_graph(model, file), optimized=is_optimized(file))


def write_optimized(portable: Path, file: Path, passes: Sequence[str]) -> Graph:
    """The graph after passes of `airvec_exporter.optimize`, without a head.

    Raises:
        ExportError: as `write` says, or there is no such pass.
    """
    model = ir.load(portable)
    optimize(model, passes)
    return replace(write(model, file), precision="float16" if "float16" in passes else "float32")


def write_dynamic(portable: Path, file: Path, config: str) -> Graph:
    """The reference's dynamic int8, of one of `airvec_exporter.quantize.dynamic.CONFIGS`.

    Raises:
        ExportError: as `dynamic` says.
    """
    dynamic(portable, file, config)
    recipe = {"method": "onnxruntime.quantize_dynamic", "config": config}
    return replace(read_graph(file), precision="int8", recipe=recipe)


def write_openvino_int8(portable: Path, file: Path, batches: Sequence[Any]) -> Graph:
    """NNCF's int8, calibrated on texts as the graph's inputs, int64 (1, tokens) each.

    Raises:
        ExportError, MissingPackageError: as `write_int8_ir` says.
    """
    write_int8_ir(portable, file, batches)
    recipe = {"method": "nncf.quantize", "model_type": "transformer", "texts": min(len(batches), SAMPLES)}
    return replace(read_graph(portable), path=file, opset=None, precision="int8", recipe=recipe)
