"""int8 as sentence-transformers makes it: onnxruntime's quantize_dynamic with the settings and file names of optimum.

Activations get one step for a whole batch, so a text's vector depends on its neighbours (3e-2 on all-MiniLM-L6-v2):
for interchange; `rows` makes the int8 that does not.
Source: optimum's AutoQuantizationConfig, as sentence-transformers 6.2 calls it.
Knows nothing of calibration.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.registry import IntegerOpsRegistry
from onnxscript import ir

from airvec_exporter.errors import ExportError
from airvec_exporter.optimize.saving import LARGEST, save

# All that it knows, but Attention: it takes the standard operator for ONNX Runtime's own of that name, and breaks it.
# Products of states with states stay in float32 with optimum too.
OPERATORS = sorted(set(IntegerOpsRegistry) - {"Attention"})


@dataclass(frozen=True)
class Config:
    """The kind of the weights, and how the file's name ends."""

    weights: QuantType
    suffix: str

    @property
    def file(self) -> str:
        """The name of the file beside `model.onnx`."""
        return f"model_{self.suffix}.onnx"


CONFIGS = {
    "arm64": Config(QuantType.QInt8, "qint8_arm64"),
    "avx2": Config(QuantType.QUInt8, "quint8_avx2"),
    "avx512": Config(QuantType.QInt8, "qint8_avx512"),
    "avx512_vnni": Config(QuantType.QInt8, "qint8_avx512_vnni"),
}


def dynamic(source: Path, target: Path, config: str) -> None:
    """Write the int8 graph of one configuration.

    Args:
        source: the float32 graph.
        target: the file to write; there only once it is whole.
        config: `"arm64"`, `"avx2"`, `"avx512"` or `"avx512_vnni"`.

    Raises:
        ExportError: no such configuration, or onnxruntime cannot quantise this graph.
    """
    if config not in CONFIGS:
        raise ExportError(f"quantization_config: {config!r}, expected one of {', '.join(CONFIGS)}. Choose one.")
    if not source.is_file():
        raise ExportError(f"{source}: is no file, expected the float32 graph. Export it first.")
    target.parent.mkdir(parents=True, exist_ok=True)
    large = sum(file.stat().st_size for file in (source, source.with_name(f"{source.name}_data")) if file.is_file())
    with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder, _quiet():
        made = Path(folder) / "made" / target.name
        made.parent.mkdir()
        try:
            copy = _copied(source, Path(folder))
            quantize_dynamic(
                copy, made, OPERATORS, weight_type=CONFIGS[config].weights, per_channel=True, reduce_range=False,
                use_external_data_format=large // 4 > LARGEST,
            )  # fmt: skip
        except OSError:
            raise
        except Exception as error:  # its own checks and those of onnx, whose errors have no common parent
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ExportError(
                f"{source.name}: onnxruntime cannot quantise it: {reason} Expected a float32 graph. Use int8 instead."
            ) from error
        for file in sorted(made.parent.iterdir(), reverse=True):  # weights before the graph that names them
            file.replace(target.parent / file.name)


def _copied(source: Path, folder: Path) -> Path:
    """A copy of a graph that does not state the sizes of its weights a second time.

    onnxruntime turns the transposed weight of a Gemm, but not its statement; onnx then finds that they differ.
    """
    model = ir.load(source)
    for value in model.graph.initializers.values():
        value.type = value.shape = None
    save(model, folder / "model.onnx")
    return folder / "model.onnx"


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice to preprocess: our graphs have types and sizes."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
