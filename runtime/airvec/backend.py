"""The reference's export functions, under its names; the work is done by airvec_exporter, which needs torch's world.

Knows nothing of graphs.
"""

from importlib import import_module
from os import PathLike
from typing import Any

from airvec.errors import require

NEEDED = ("torch", "transformers", "onnxscript")


def export_optimized_onnx_model(
    model: object,
    optimization_config: object,
    model_name_or_path: str | PathLike[str],
    push_to_hub: bool = False,
    create_pr: bool = False,
    file_suffix: str | None = None,
) -> None:
    """Add `onnx/model_O1.onnx` … `model_O4.onnx`: airvec's passes under the reference's names.

    It is measured against the folder's own `onnx/model.onnx`, on 60 texts, and airvec.json says how far it is from it.

    Args:
        model: an opened model with `onnx/model.onnx`.
        optimization_config: `"O1"`, `"O2"`, `"O3"`, `"O4"` (float16, for GPUs), or optimum's OptimizationConfig.
        model_name_or_path: a folder, or a repository's name; where there is none, it gets the whole model.
        push_to_hub: upload instead of writing to a folder.
        create_pr: upload as a pull request.
        file_suffix: in place of the level in the file's name; None = the level, or `optimized` for a configuration.

    Raises:
        ArgumentError: another configuration, a model without graph, or a place that holds something else.
        ExportError: the graph cannot be changed so.
        VerificationError: what the graph gives is not a number.
        PushError: the Hub refuses it, or cannot be reached.
        MissingPackageError: the exporter's packages are not installed.
    """
    _exporter("export_optimized_onnx_model")(
        model, optimization_config, model_name_or_path, push_to_hub, create_pr, file_suffix
    )


def export_dynamic_quantized_onnx_model(
    model: object,
    quantization_config: object,
    model_name_or_path: str | PathLike[str],
    push_to_hub: bool = False,
    create_pr: bool = False,
    file_suffix: str | None = None,
) -> None:
    """Add a dynamically quantised graph, such as `onnx/model_qint8_avx512_vnni.onnx`.

    It is measured against the folder's own `onnx/model.onnx`, on 60 texts, and airvec.json says how far it is from it;
    not where this CPU cannot run it.

    Args:
        model: an opened model with `onnx/model.onnx`.
        quantization_config: `"arm64"`, `"avx2"`, `"avx512"`, `"avx512_vnni"`, or optimum's QuantizationConfig.
        model_name_or_path: a folder, or a repository's name; where there is none, it gets the whole model.
        push_to_hub: upload instead of writing to a folder.
        create_pr: upload as a pull request.
        file_suffix: in place of that in the file's name; None = `qint8_avx512` and its like, or `qint8_quantized`.

    Raises:
        ArgumentError: another configuration, a model without graph, or a place that holds something else.
        ExportError: onnxruntime cannot quantise the graph.
        VerificationError: what the graph gives is not a number.
        PushError: the Hub refuses it, or cannot be reached.
        MissingPackageError: the exporter's packages are not installed.
    """
    _exporter("export_dynamic_quantized_onnx_model")(
        model, quantization_config, model_name_or_path, push_to_hub, create_pr, file_suffix
    )


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
    """Add `openvino/openvino_model_qint8_quantized.xml` and `.bin`: 8-bit integers by NNCF, calibrated on texts.

    It is measured against the folder's own `onnx/model.onnx`, on 60 texts, and airvec.json says how far it is from it.

    Args:
        model: an opened model with `onnx/model.onnx`.
        quantization_config: None, a dict, or optimum's OVQuantizationConfig; `num_samples` says how many texts.
        model_name_or_path: a folder, or a repository's name; where there is none, it gets the whole model.
        dataset_name: texts to calibrate on, by name, for the package datasets; None = airvec's own sample, where the
            reference fetches GLUE's sst2.
        dataset_config_name: the data set's part.
        dataset_split: such as `train`.
        column_name: the column of texts. All four or none.
        push_to_hub: upload instead of writing to a folder.
        create_pr: upload as a pull request.
        file_suffix: in the file's name.

    Raises:
        ArgumentError: another configuration, some of the four but not all, a model without graph, or a place that
            holds something else.
        ExportError: NNCF cannot quantise the graph.
        VerificationError: what the graph gives is not a number.
        PushError: the Hub refuses it, or cannot be reached.
        MissingPackageError: the exporter's packages, openvino, nncf or, for a data set, datasets are not there.
    """
    _exporter("export_static_quantized_openvino_model")(
        model,
        quantization_config,
        model_name_or_path,
        dataset_name,
        dataset_config_name,
        dataset_split,
        column_name,
        push_to_hub,
        create_pr,
        file_suffix,
    )


def _exporter(name: str) -> Any:
    """The function that does it, from a package that the runtime never imports by itself."""
    for package in NEEDED:
        require(package, "export", name)
    return getattr(import_module("airvec_exporter.backend"), name)
