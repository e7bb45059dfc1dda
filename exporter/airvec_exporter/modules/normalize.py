"""L2 normalisation in torch.

Knows nothing of the other modules.
"""

from typing import Any

from torch import nn
from torch.nn.functional import normalize

from airvec.folder import ModuleSpec

EPSILON = 1e-12  # least divisor: the zero vector stays zero


class Normalize(nn.Module):
    """x / max(‖x‖₂, 1e-12) over the last dimension of one feature."""

    def __init__(self, module_input_name: str = "sentence_embedding", module_output_name: str | None = None) -> None:
        super().__init__()
        self.names = (module_input_name, module_output_name or module_input_name)

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> "Normalize":
        """Read the feature names, where the folder has a config at all."""
        name = spec.config.text("module_input_name", "sentence_embedding") or "sentence_embedding"
        return cls(name, spec.config.text("module_output_name"))

    def config(self) -> dict[str, Any] | None:
        """None for the usual feature: older readers have no config for this module."""
        if self.names == ("sentence_embedding", "sentence_embedding"):
            return None
        return {"module_input_name": self.names[0], "module_output_name": self.names[1]}

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """The feature with rows of length 1: (..., d) -> (..., d)."""
        return {**features, self.names[1]: normalize(features[self.names[0]], dim=-1, eps=EPSILON)}
