"""An optimised graph → a file that a session opens without optimising it again.

After our passes ONNX Runtime's own optimiser finds nothing at its extended level, so the graph is written as it is: no
trip through a session, whose file would depend on its version and list a dozen domains that nothing uses.
Knows nothing of passes.
"""

from pathlib import Path

import onnx
from onnxscript import ir
from onnxscript.ir.passes.common import ClearMetadataAndDocStringPass, RemoveUnusedOpsetsPass

LARGEST = 2**31 - 2**27  # bytes of weights in one protobuf file; its limit is 2 GiB, and names and shapes need room


def save(model: ir.Model, path: Path) -> None:
    """Write a graph; the same graph gives the same bytes.

    Args:
        model: the graph; what it says of itself but does not need is dropped.
        path: the file; weights above 2 GB lie beside it in `<name>_data`. Its folder is made if it is not there.

    Raises:
        onnx.checker.ValidationError: the graph breaks a rule of ONNX.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    ClearMetadataAndDocStringPass()(model)
    RemoveUnusedOpsetsPass()(model)
    large = sum(value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value) > LARGEST
    ir.save(model, path, external_data=f"{path.name}_data" if large else None)
    onnx.checker.check_model(str(path))
