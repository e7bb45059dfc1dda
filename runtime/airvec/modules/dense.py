"""Dense: a linear layer with an activation, on the embedding or on each token.

Knows nothing of what the vectors mean.
"""

from dataclasses import dataclass
from typing import Self

from airvec.activations import ACTIVATIONS
from airvec.arrays import Features, Floats
from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject
from airvec.weights import need_feature, need_tensor, read_tensors

TORCH_PREFIX = "torch.nn."
DEFAULT_ACTIVATION = "torch.nn.modules.activation.Tanh"


@dataclass(frozen=True, eq=False)
class Dense:
    """activation(x Wᵀ + b), plus x (or x Rᵀ where the widths differ) with `use_residual`.

    `weight` (out, in), `bias` (out,) or None, `residual` (out, in), or None for the identity; float32.
    """

    weight: Floats
    bias: Floats | None = None
    activation: str = "Tanh"
    use_residual: bool = False
    residual: Floats | None = None
    input_name: str = "sentence_embedding"
    output_name: str = "sentence_embedding"
    where: str = "Dense"

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> Self:
        """Read `config.json` and the tensors `linear.weight`, `linear.bias`, `residual.weight`.

        Raises:
            ModelFolderError: an unknown activation, or a tensor that is missing or of another shape.
        """
        config, file = spec.config, spec.path / "model.safetensors"
        out, width = config.need_integer("out_features"), config.need_integer("in_features")
        tensors, use_residual = read_tensors(file), config.flag("use_residual", False)
        has_matrix = use_residual and out != width
        name = config.text("module_input_name", "sentence_embedding") or "sentence_embedding"
        return cls(
            weight=need_tensor(tensors, file, "linear.weight", (out, width)),
            bias=need_tensor(tensors, file, "linear.bias", (out,)) if config.flag("bias", True) else None,
            activation=_activation_name(config),
            use_residual=use_residual,
            residual=need_tensor(tensors, file, "residual.weight", (out, width)) if has_matrix else None,
            input_name=name,
            output_name=config.text("module_output_name", name) or name,
            where=config.file,
        )

    def output_dim(self, input_dim: int | None) -> int | None:
        """The layer's output width.

        Raises:
            ModelFolderError: the width before it is another than the layer's input width.
        """
        out, width = self.weight.shape
        if input_dim not in (None, width):
            raise ModelFolderError(
                f"{self.where}: in_features {width}, but the module before it gives {input_dim}. "
                "The modules are of different models: re-export the checkpoint."
            )
        return int(out)

    def __call__(self, features: Features) -> Features:
        """Write float32 (…, out) under the output name, from (…, in) under the input name.

        Raises:
            ModelFolderError: no module before it makes what it reads.
        """
        x = need_feature(features, self.input_name, self.where)
        y = x @ self.weight.T  # (…, out)
        if self.bias is not None:
            y = y + self.bias
        y = ACTIVATIONS[self.activation](y)
        if self.use_residual:
            y = y + (x if self.residual is None else x @ self.residual.T)
        return {**features, self.output_name: y}


def _activation_name(config: JsonObject) -> str:
    stated = config.text("activation_function", DEFAULT_ACTIVATION) or DEFAULT_ACTIVATION
    name = stated.rpartition(".")[2]
    if not stated.startswith(TORCH_PREFIX) or name not in ACTIVATIONS:
        raise ModelFolderError(
            f"{config.file}: activation_function is {stated!r}, expected one of "
            f"{', '.join('torch.nn.' + known for known in ACTIVATIONS)}. Re-train the layer with one of these."
        )
    return name
