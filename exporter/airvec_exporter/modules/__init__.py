"""The modules behind the body, in torch: the twins of `airvec.modules`, file by file.

Each is an `nn.Module` over a dict of named tensors, made by `from_spec`; `config()` gives what its config.json says.
Knows nothing of tokenizers and bodies.
"""

from collections.abc import Sequence
from typing import Any

from torch import nn

from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec_exporter.modules.dense import Dense
from airvec_exporter.modules.dropout import Dropout
from airvec_exporter.modules.layer_norm import LayerNorm
from airvec_exporter.modules.normalize import Normalize
from airvec_exporter.modules.pooling import Pooling
from airvec_exporter.modules.sparse_auto_encoder import SparseAutoEncoder
from airvec_exporter.modules.splade_pooling import SpladePooling

__all__ = [
    "TWINS", "Dense", "Dropout", "LayerNorm", "Normalize", "Pooling", "SparseAutoEncoder", "SpladePooling", "build",
]  # fmt: skip


TWINS: dict[str, Any] = {
    "Dense": Dense,
    "Dropout": Dropout,
    "LayerNorm": LayerNorm,
    "Normalize": Normalize,
    "Pooling": Pooling,
    "SparseAutoEncoder": SparseAutoEncoder,
    "SpladePooling": SpladePooling,
}


def build(specs: Sequence[ModuleSpec], where: str) -> nn.Sequential:
    """Modules of a folder, in order and without bodies; in evaluation mode.

    Raises:
        ModelFolderError: a type that has no twin.
    """
    for spec in specs:
        if spec.type not in TWINS:
            raise ModelFolderError(
                f"{where}/modules.json: module type {spec.type!r}, expected one of {', '.join(sorted(TWINS))}. "
                "This version of airvec exports models of these modules only."
            )
    return nn.Sequential(*(TWINS[spec.type].from_spec(spec) for spec in specs)).eval()
