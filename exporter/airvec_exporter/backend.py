"""The reference's export functions, with its arguments, checks and file names, on models of airvec.

Unlike there, what they leave is a complete folder that loads, and no graph is ever half written.
Source: sentence-transformers 6.2, `sentence_transformers.backend`.
Knows nothing of how graphs are optimised and quantised.
"""

from collections.abc import Mapping
from functools import partial
from os import PathLike
from pathlib import Path

from airvec.errors import ArgumentError
from airvec.folder import ModuleSpec
from airvec_exporter.adding import Addition, Place, add
from airvec_exporter.calibration_texts import TextColumn, batches_of
from airvec_exporter.graph import Graph, read_graph
from airvec_exporter.optimize import LEVELS
from airvec_exporter.quantize.dynamic import CONFIGS
from airvec_exporter.writing import write_dynamic, write_openvino_int8, write_optimized

SAMPLES = 300
# Weights of a custom configuration → a named one with the same settings.
NAMED = {"QINT8": "avx512", "QUINT8": "avx2"}
BASIC, NONE = 1, 0  # ONNX Runtime's levels of optimisation


def export_optimized_onnx_model(
    model: object,
    optimization_config: object,
    model_name_or_path: str | PathLike[str],
    push_to_hub: bool = False,
    create_pr: bool = False,
    file_suffix: str | None = None,
) -> None:
    """What `airvec.export_optimized_onnx_model` calls; arguments and errors are told there."""
    passes = _passes(optimization_config)
    suffix = file_suffix or (optimization_config if isinstance(optimization_config, str) else "optimized")
    addition = Addition(
        "export_optimized_onnx_model",
        f"onnx/model_{suffix}.onnx",
        partial(_write_optimized, passes),
        "O4" if "float16" in passes else "O3" if "gelu_approximation" in passes else "O2",
    )
    add(model, addition, Place(model_name_or_path, push_to_hub, create_pr))


def export_dynamic_quantized_onnx_model(
    model: object,
    quantization_config: object,
    model_name_or_path: str | PathLike[str],
    push_to_hub: bool = False,
    create_pr: bool = False,
    file_suffix: str | None = None,
) -> None:
    """What `airvec.export_dynamic_quantized_onnx_model` calls; arguments and errors are told there."""
    name, usual = _dynamic_name(quantization_config)
    addition = Addition(
        "export_dynamic_quantized_onnx_model",
        f"onnx/model_{file_suffix or usual}.onnx",
        partial(_write_dynamic, name),
        "int8-dynamic",
    )
    add(model, addition, Place(model_name_or_path, push_to_hub, create_pr))


def export_static_quantized_openvino_model(
    model: object,
    quantization_config: object,
    model_name_or_path: str | PathLike[str],
    dataset_name: str | None = None,
    dataset_config_name: str | None = None,
    dataset_split: str | None = None,
    column_name: str | None = None,
    push_to_hub: bool = False,
    create_pr: bool = False,
    file_suffix: str = "qint8_quantized",
) -> None:
    """What `airvec.export_static_quantized_openvino_model` calls; arguments and errors are told there."""
    samples = _samples(quantization_config)
    column = _column(dataset_name, dataset_config_name, dataset_split, column_name)
    place = f"openvino/openvino_model_{file_suffix}.xml"
    write = partial(_write_openvino, column, samples)
    addition = Addition("export_static_quantized_openvino_model", place, write, "openvino-int8")
    add(model, addition, Place(model_name_or_path, push_to_hub, create_pr))


def _passes(config: object) -> tuple[str, ...]:
    """The passes of a level, or those that do what optimum's object asks for."""
    if isinstance(config, str) and config in LEVELS:
        return LEVELS[config]
    level = getattr(config, "optimization_level", None)
    if isinstance(config, str) or not isinstance(level, int):
        raise ArgumentError(
            f"optimization_config: {config!r}, expected an OptimizationConfig or one of {', '.join(LEVELS)}. "
            "Choose one."
        )
    fused = level > BASIC and getattr(config, "enable_transformers_specific_optimizations", True)
    passes = () if level == NONE else LEVELS["O2"] if fused else LEVELS["O1"]
    wishes = {"enable_gelu_approximation": "gelu_approximation", "fp16": "float16"}
    return (*passes, *(name for wish, name in wishes.items() if getattr(config, wish, False)))


def _dynamic_name(config: object) -> tuple[str, str]:
    """The named configuration, and the usual end of the file's name."""
    if isinstance(config, str) and config in CONFIGS:
        return config, CONFIGS[config].suffix
    weights = str(getattr(getattr(config, "weights_dtype", None), "name", "")).upper()
    if weights not in NAMED:
        raise ArgumentError(
            f"quantization_config: {config!r}, expected a QuantizationConfig with 8-bit weights or one of "
            f"{', '.join(CONFIGS)}. Choose one."
        )
    for setting, wanted in (("is_static", False), ("per_channel", True), ("reduce_range", False)):
        found = getattr(config, setting, wanted)
        if bool(found) is not wanted:
            raise ArgumentError(
                f"quantization_config: {setting} is {found!r}, expected {wanted}: airvec makes dynamic int8 with the "
                "reference's own settings. For better int8 use airvec export --variants int8."
            )
    return NAMED[weights], f"{weights.lower()}_quantized"


def _samples(config: object) -> int:
    """How many texts to calibrate on."""
    if config is None:
        return SAMPLES
    values = dict(config) if isinstance(config, Mapping) else getattr(config, "__dict__", {})
    count, bits = values.get("num_samples"), values.get("bits", 8)
    whole = count is None or (isinstance(count, int) and not isinstance(count, bool) and count > 0)
    if not (isinstance(config, Mapping) or "num_samples" in values) or not whole or bits != 8:
        raise ArgumentError(
            f"quantization_config: {config!r:.200}, expected None, a dict or an OVQuantizationConfig with 8 bits and a "
            "whole num_samples. Correct it."
        )
    return count or SAMPLES


def _column(*given: str | None) -> TextColumn | None:
    """The data set that the caller names; None = none."""
    if all(one is None for one in given):
        return None
    if any(one is None for one in given):
        raise ArgumentError(
            f"dataset_name, dataset_config_name, dataset_split, column_name: {given}, expected all four or none. "
            "Give them all, or leave them out for airvec's own texts."
        )
    return TextColumn(*map(str, given))


def _write_optimized(passes: tuple[str, ...], _: ModuleSpec, portable: Path, file: Path) -> Graph:
    return write_optimized(portable, file, passes)


def _write_dynamic(name: str, _: ModuleSpec, portable: Path, file: Path) -> Graph:
    return write_dynamic(portable, file, name)


def _write_openvino(column: TextColumn | None, samples: int, spec: ModuleSpec, portable: Path, file: Path) -> Graph:
    inputs = read_graph(portable).inputs
    return write_openvino_int8(portable, file, batches_of(spec, inputs, column, samples))
