"""A graph → a file, and whether a session that opens it has anything left to optimise.

The graph is written as it is: no trip through a session, whose file would depend on its version and list a dozen
domains that nothing uses.
Knows nothing of passes.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import onnxruntime as ort
from onnxscript import ir
from onnxscript.ir.passes.common import ClearMetadataAndDocStringPass, RemoveUnusedOpsetsPass

from airvec.backends.onnx import SLOW_FUSIONS
from airvec_exporter.errors import ExportError

LARGEST = 2**31 - 2**27  # bytes of weights in one protobuf file; its limit is 2 GiB, and names and shapes need room
# Fusions that are not worth the optimiser's time: the slow ones, and an activation into a Gemm, which only heads have,
# for one row a text.
WORTHLESS = [*SLOW_FUSIONS, "GemmActivationFusion"]
# A session on a CPU adds Cast around half precision; an Identity behind a head copies one vector a text.
UNCOUNTED = ("Cast", "Identity")


def is_large(model: ir.Model) -> bool:
    """Whether its weights are too many for one protobuf message."""
    return sum(value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value) > LARGEST


def save(model: ir.Model, path: Path) -> None:
    """Write a graph; the same graph gives the same bytes.

    Args:
        model: the graph; what it says of itself but does not need is dropped.
        path: the file; weights above 2 GB lie beside it in `<name>_data`. Its folder is made if it is not there.

    Raises:
        ExportError: the graph breaks a rule of ONNX.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    ClearMetadataAndDocStringPass()(model)
    RemoveUnusedOpsetsPass()(model)
    ir.save(model, path, external_data=f"{path.name}_data" if is_large(model) else None)
    try:
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError as error:
        raise ExportError(
            f"{path.name}: {_first_line(error)}, expected a graph that keeps the rules of ONNX. Report this."
        ) from error


def is_optimized(path: Path) -> bool:
    """Whether ONNX Runtime's optimiser, at its extended level, leaves a graph as large as it is.

    Raises:
        ExportError: ONNX Runtime cannot open it.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        again = Path(folder) / "again.onnx"
        options.optimized_model_filepath = str(again)
        # Its nodes are all that is looked at, and one file may not hold 2 GB.
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", "weights")
        try:
            ort.InferenceSession(str(path), options, ["CPUExecutionProvider"], disabled_optimizers=WORTHLESS)
        except Exception as error:  # its errors have no common parent outside a private module
            raise ExportError(
                f"{path.name}: ONNX Runtime {ort.__version__} cannot open it: {_first_line(error)} Leave it out."
            ) from error
        return _size(again) >= _size(path)


def _size(path: Path) -> int:
    """How many nodes it has, but for those of `UNCOUNTED`."""
    graph = onnx.load(path, load_external_data=False).graph
    return sum(node.op_type not in UNCOUNTED for node in graph.node)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
