"""Dense layer in torch: activation(x Wᵀ + b), with an optional residual.

Knows nothing of pooling and models.
"""

from typing import Any

from torch import Tensor, nn

from airvec.errors import ArgumentError, ModelFolderError
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
TANH = nn.Tanh()  # has no state, so that all layers may share it


class Dense(nn.Module):
    """activation(x Wᵀ + b) (+ x, or x Rᵀ where the dimensions differ), from one feature to another.

    Args:
        in_features: width of the input.
        out_features: width of the result.
        bias: whether b is there.
        activation_function: one of torch's Tanh, ReLU, GELU, Sigmoid, SiLU and Identity; None = Identity.
        init_weight: W, (out_features, in_features); None = torch's random one.
        init_bias: b, (out_features,); None = torch's random one.
        module_input_name: the feature that is read.
        module_output_name: the feature that is written; None = the same.
        use_residual: whether x is added.

    Raises:
        ArgumentError: another activation.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        activation_function: nn.Module | None = TANH,
        init_weight: Tensor | None = None,
        init_bias: Tensor | None = None,
        module_input_name: str = "sentence_embedding",
        module_output_name: str | None = None,
        use_residual: bool = False,
    ) -> None:
        super().__init__()
        self.function = nn.Identity() if activation_function is None else activation_function
        self.activation = _name_of(self.function)
        self.names, self.use_residual = (module_input_name, module_output_name or module_input_name), use_residual
        self.linear = nn.Linear(in_features, out_features, bias=bias)
        if use_residual and in_features != out_features:
            self.residual = nn.Linear(in_features, out_features, bias=False)
        if init_weight is not None:
            self.linear.weight = nn.Parameter(init_weight)
        if init_bias is not None and bias:
            self.linear.bias = nn.Parameter(init_bias)

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> "Dense":
        """Read config and weights.

        Raises:
            ModelFolderError: an activation that is none of ours, or weights that do not fit.
        """
        config = spec.config
        dense = cls(
            config.need_integer("in_features"),
            config.need_integer("out_features"),
            bias=config.flag("bias", True),
            activation_function=ACTIVATIONS[_activation(spec)](),
            module_input_name=config.text("module_input_name", "sentence_embedding") or "sentence_embedding",
            module_output_name=config.text("module_output_name"),
            use_residual=config.flag("use_residual", False),
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

    def get_embedding_dimension(self) -> int:
        """Width of the result."""
        return self.linear.out_features

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """The output feature, float32 (..., out_features), from the input feature (..., in_features)."""
        x = features[self.names[0]]
        result = self.function(self.linear(x))
        if self.use_residual:
            result = result + (self.residual(x) if hasattr(self, "residual") else x)
        return {**features, self.names[1]: result}


def _name_of(function: nn.Module) -> str:
    """The dotted path of a module's class, as configs state it."""
    for name, kind in ACTIVATIONS.items():
        if type(function) is kind:
            return name
    known = ", ".join(kind.__name__ for kind in ACTIVATIONS.values())
    raise ArgumentError(f"activation_function: {function!r}, expected a torch module of {known}. Use one of these.")


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
