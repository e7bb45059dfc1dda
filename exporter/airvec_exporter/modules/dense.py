"""Dense layer in torch: activation(x Wᵀ + b), with an optional residual.

Knows nothing of pooling and models.
"""

from typing import Any

from torch import nn

from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec_exporter.weights import fill

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "torch.nn.modules.linear.Identity": nn.Identity,
    "torch.nn.modules.activation.Tanh": nn.Tanh,
    "torch.nn.modules.activation.ReLU": nn.ReLU,
    "torch.nn.modules.activation.GELU": nn.GELU,
    "torch.nn.modules.activation.Sigmoid": nn.Sigmoid,
    "torch.nn.modules.activation.SiLU": nn.SiLU,
}
DEFAULT = "torch.nn.modules.activation.Tanh"


class Dense(nn.Module):
    """activation(x Wᵀ + b) (+ x, or x Rᵀ where the dimensions differ), from one feature to another."""

    def __init__(
        self, in_features: int, out_features: int, *, bias: bool = True, activation: str = DEFAULT,
        residual: bool = False, names: tuple[str, str] = ("sentence_embedding", "sentence_embedding"),
    ) -> None:  # fmt: skip
        super().__init__()
        self.activation, self.use_residual, self.names = activation, residual, names
        self.linear = nn.Linear(in_features, out_features, bias=bias)
        self.function = ACTIVATIONS[activation]()
        if residual and in_features != out_features:
            self.residual = nn.Linear(in_features, out_features, bias=False)

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> "Dense":
        """Read config and weights.

        Raises:
            ModelFolderError: an activation that is none of ours, or weights that do not fit.
        """
        config = spec.config
        name = config.text("module_input_name", "sentence_embedding") or "sentence_embedding"
        dense = cls(
            config.need_integer("in_features"),
            config.need_integer("out_features"),
            bias=config.flag("bias", True),
            activation=_activation(spec),
            residual=config.flag("use_residual", False),
            names=(name, config.text("module_output_name") or name),
        )
        fill(dense, spec.path)
        return dense

    def config(self) -> dict[str, Any]:
        """The keys of every generation; newer ones only where they are needed, since older readers refuse them."""
        config: dict[str, Any] = {
            "in_features": self.linear.in_features,
            "out_features": self.linear.out_features,
            "bias": self.linear.bias is not None,
            "activation_function": self.activation,
        }
        if self.names != ("sentence_embedding", "sentence_embedding"):
            config |= {"module_input_name": self.names[0], "module_output_name": self.names[1]}
        return config | {"use_residual": True} if self.use_residual else config

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """The output feature, float32 (..., out_features), from the input feature (..., in_features)."""
        x = features[self.names[0]]
        result = self.function(self.linear(x))
        if self.use_residual:
            result = result + (self.residual(x) if hasattr(self, "residual") else x)
        return {**features, self.names[1]: result}


def _activation(spec: ModuleSpec) -> str:
    stated = spec.config.text("activation_function", DEFAULT) or DEFAULT
    last = stated.rpartition(".")[2]
    if stated.startswith("torch."):
        for name in ACTIVATIONS:
            if name.endswith(f".{last}"):
                return name
    known = ", ".join(name.rpartition(".")[2] for name in ACTIVATIONS)
    raise ModelFolderError(
        f"{spec.config.file}: activation_function {stated!r}, expected torch's {known}. Use a model with one of these."
    )
