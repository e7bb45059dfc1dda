"""Writes a model with a library's own means; read by worker.py inside that library's environment.

Knows nothing of what is done with it.
"""

import shutil
from pathlib import Path


def export(source: str, out: str, kind: str, backend: str) -> None:
    """sentence-transformers' own export of a SentenceTransformer or CrossEncoder to "onnx" or "openvino"."""
    import sentence_transformers

    opened = getattr(sentence_transformers, kind)(source, device="cpu", backend=backend, model_kwargs={"export": True})
    opened.save_pretrained(out)


def optimise(source: str, out: str, level: str) -> None:
    """sentence-transformers' optimised ONNX graph: onnx/model_O3.onnx beside the plain one."""
    from sentence_transformers import SentenceTransformer, export_optimized_onnx_model

    opened = SentenceTransformer(source, device="cpu", backend="onnx", model_kwargs={"file_name": "onnx/model.onnx"})
    export_optimized_onnx_model(opened, level, out)


def quantise(source: str, out: str, family: str) -> None:
    """sentence-transformers' dynamic int8 graph for one CPU family: onnx/model_qint8_FAMILY.onnx."""
    from sentence_transformers import SentenceTransformer, export_dynamic_quantized_onnx_model

    opened = SentenceTransformer(source, device="cpu", backend="onnx", model_kwargs={"file_name": "onnx/model.onnx"})
    export_dynamic_quantized_onnx_model(opened, family, out)


def quantise_openvino(source: str, out: str, texts: str) -> None:
    """sentence-transformers' static int8 graph for OpenVINO, calibrated on train.txt in the folder `texts`."""
    from sentence_transformers import SentenceTransformer, export_static_quantized_openvino_model

    opened = SentenceTransformer(source, device="cpu", backend="openvino")
    export_static_quantized_openvino_model(
        opened,
        None,
        out,
        dataset_name=texts,
        dataset_config_name="default",
        dataset_split="train",
        column_name="text",
    )


def convert(source: str, out: str, quantization: str | None) -> None:
    """CTranslate2's own converter."""
    from ctranslate2.converters import TransformersConverter

    TransformersConverter(source).convert(out, quantization=quantization, force=True)
    shutil.copyfile(Path(source) / "tokenizer.json", Path(out) / "tokenizer.json")


RECIPES = {
    "export": export,
    "optimise": optimise,
    "quantise": quantise,
    "quantise_openvino": quantise_openvino,
    "convert": convert,
}
