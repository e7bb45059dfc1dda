"""Makes model folders with optimum and sentence-transformers 5.7, and writes what those libraries answer from them.

Runs in the environment `optimum`: `make_with_optimum.py CHECKPOINTS OUT`; `OUT/texts.json` and `OUT/pairs.json` are
there. Each folder's answers are `OUT/answers/NAME.npy`.
Knows nothing of airvec.
"""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nncf
import numpy as np
import onnx
import openvino
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_bnb4_quantizer import MatMulBnb4Quantizer
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.transformers.float16 import convert_float_to_float16
from optimum.exporters.onnx import main_export as to_onnx
from optimum.exporters.openvino import main_export as to_openvino
from optimum.intel import OVModelForFeatureExtraction, OVModelForMaskedLM, OVModelForSequenceClassification
from optimum.onnxruntime import ORTModelForFeatureExtraction, ORTModelForMaskedLM, ORTModelForSequenceClassification
from sentence_transformers import CrossEncoder, SentenceTransformer, SparseEncoder
from sentence_transformers.backend import export_dynamic_quantized_onnx_model, export_optimized_onnx_model
from transformers import AutoTokenizer

EXACT = {"INFERENCE_PRECISION_HINT": "f32"}  # OpenVINO computes in bfloat16 on CPUs that have it, unless told otherwise
CHECKPOINTS, OUT = Path(sys.argv[1]), Path(sys.argv[2])
TEXTS = json.loads((OUT / "texts.json").read_text(encoding="utf-8"))
PAIRS = json.loads((OUT / "pairs.json").read_text(encoding="utf-8"))
FEATURES, MASKED, CLASSES = "feature-extraction", "fill-mask", "text-classification"


def answer(name: str, found: Any) -> None:
    """Write an answer."""
    np.save(OUT / "answers" / f"{name}.npy", np.asarray(found, np.float32))


def run(model: Any, folder: Path, inputs: list[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """First output of one of optimum's models, and the mask."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    columns = list(zip(*inputs, strict=True)) if isinstance(inputs[0], list) else [inputs]
    batch = tokenizer(*map(list, columns), padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        return model(**batch)[0].float(), batch["attention_mask"]


def mean(model: Any, folder: Path) -> np.ndarray:
    """The mean of the token embeddings."""
    hidden, mask = run(model, folder, TEXTS)
    weights = mask[..., None].float()
    return ((hidden * weights).sum(1) / weights.sum(1)).numpy()


def splade(model: Any, folder: Path) -> np.ndarray:
    """SPLADE's pooling over the words' logits."""
    logits, mask = run(model, folder, TEXTS)
    return (torch.log1p(torch.relu(logits)) * mask[..., None]).amax(1).numpy()


def scores(model: Any, folder: Path) -> np.ndarray:
    """Logits of pairs."""
    logits, _ = run(model, folder, PAIRS)
    return logits.numpy()


# Checkpoint, task, optimum's two classes and what is asked of them.
TASKS: dict[str, tuple[str, str, Any, Any, Callable[[Any, Path], np.ndarray]]] = {
    "features": ("dense-bert", FEATURES, ORTModelForFeatureExtraction, OVModelForFeatureExtraction, mean),
    "masked": ("sparse-bert", MASKED, ORTModelForMaskedLM, OVModelForMaskedLM, splade),
    "classes": ("rerank-bert", CLASSES, ORTModelForSequenceClassification, OVModelForSequenceClassification, scores),
}


def with_optimum() -> None:
    """`model.onnx` and `openvino_model.xml` at the top, and nothing of sentence-transformers."""
    for name, (checkpoint, task, onnx_class, openvino_class, ask) in TASKS.items():
        folder = OUT / f"optimum-onnx-{name}"
        to_onnx(str(CHECKPOINTS / checkpoint), folder, task=task, library_name="transformers", do_validation=False)
        answer(folder.name, ask(onnx_class.from_pretrained(folder), folder))
        folder = OUT / f"optimum-intel-{name}"
        to_openvino(str(CHECKPOINTS / checkpoint), folder, task=task, library_name="transformers")
        answer(folder.name, ask(openvino_class.from_pretrained(folder, ov_config=EXACT), folder))


def with_optimum_pooled() -> None:
    """The export of a whole sentence-transformers model: `token_embeddings` and `sentence_embedding`."""
    home = CHECKPOINTS / "dense-bert"
    kwargs = {"task": FEATURES, "library_name": "sentence_transformers"}
    to_onnx(str(home), OUT / "optimum-onnx-pooled", do_validation=False, **kwargs)
    to_openvino(str(home), OUT / "optimum-intel-pooled", **kwargs)
    model = SentenceTransformer(str(home), device="cpu")
    # optimum leaves sentence_bert_config.json, and with it the limit, behind.
    model.max_seq_length = AutoTokenizer.from_pretrained(home).model_max_length
    expected = model.encode(TEXTS)
    for name in ("optimum-onnx-pooled", "optimum-intel-pooled"):
        answer(name, expected)


def with_sentence_transformers() -> None:
    """Folders that the reference saves, with graphs in `onnx/` and `openvino/`."""
    home = str(CHECKPOINTS / "dense-bert")
    model = SentenceTransformer(home, backend="onnx", device="cpu", model_kwargs={"export": True})
    folder = OUT / "sentence-transformers-onnx"
    model.save_pretrained(str(folder))
    export_optimized_onnx_model(model, "O3", str(folder))
    for family in ("avx2", "avx512_vnni"):
        export_dynamic_quantized_onnx_model(model, family, str(folder))
    for graph in sorted((folder / "onnx").glob("*.onnx")):
        loaded = SentenceTransformer(str(folder), backend="onnx", device="cpu", model_kwargs={"file_name": graph.name})
        # One by one: the reference's int8 answers depend on the neighbours in a batch.
        answer(f"{folder.name}-{graph.stem}", loaded.encode(TEXTS, batch_size=1))
    folder = OUT / "sentence-transformers-openvino"
    kwargs = {"export": True, "ov_config": EXACT}
    model = SentenceTransformer(home, backend="openvino", device="cpu", model_kwargs=kwargs)
    model.save_pretrained(str(folder))
    answer(folder.name, model.encode(TEXTS))
    sparse = SparseEncoder(
        str(CHECKPOINTS / "sparse-bert"), backend="onnx", device="cpu", model_kwargs={"export": True}
    )
    sparse.save_pretrained(str(OUT / "sentence-transformers-sparse"))
    answer("sentence-transformers-sparse", sparse.encode(TEXTS).to_dense())
    reranker = CrossEncoder(
        str(CHECKPOINTS / "rerank-bert"), backend="onnx", device="cpu", model_kwargs={"export": True}
    )
    reranker.save_pretrained(str(OUT / "sentence-transformers-rerank"))
    answer("sentence-transformers-rerank", reranker.predict(PAIRS))


def openvino_int8() -> None:
    """8-bit weights under the name that the reference gives to quantised IR."""
    folder = OUT / "sentence-transformers-openvino"
    name = "openvino_model_qint8_quantized.xml"
    model = openvino.Core().read_model(folder / "openvino" / "openvino_model.xml")
    openvino.save_model(nncf.compress_weights(model), folder / "openvino" / name)
    kwargs = {"file_name": name, "ov_config": EXACT}
    loaded = SentenceTransformer(str(folder), backend="openvino", device="cpu", model_kwargs=kwargs)
    answer(f"{folder.name}-qint8", loaded.encode(TEXTS, batch_size=1))


def transformers_js() -> None:
    """The layout of transformers.js: optimum's graph in `onnx/`, in every precision, and weights beside one."""
    source = OUT / "optimum-onnx-features"
    folder = OUT / "transformers-js"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.onnx"))
    (folder / "onnx").mkdir()
    graph = folder / "onnx" / "model.onnx"
    shutil.copy(source / "model.onnx", graph)
    quantize_dynamic(graph, graph.with_stem("model_int8"), weight_type=QuantType.QInt8, per_channel=True)
    quantize_dynamic(graph, graph.with_stem("model_uint8"), weight_type=QuantType.QUInt8, per_channel=True)
    shutil.copy(graph.with_stem("model_int8"), graph.with_stem("model_quantized"))
    onnx.save(convert_float_to_float16(onnx.load(graph)), graph.with_stem("model_fp16"))
    four = MatMulNBitsQuantizer(onnx.load(graph), block_size=32, is_symmetric=True)
    four.process()
    four.model.save_model_to_file(str(graph.with_stem("model_q4")))
    half = MatMulBnb4Quantizer(onnx.load(graph), quant_type=MatMulBnb4Quantizer.NF4, block_size=64)
    half.process()
    half.model.save_model_to_file(str(graph.with_stem("model_bnb4")))
    for file in sorted((folder / "onnx").glob("*.onnx")):
        model = ORTModelForFeatureExtraction.from_pretrained(folder, subfolder="onnx", file_name=file.name)
        alone = [run(model, folder, [text]) for text in TEXTS]  # quantised graphs look at the neighbours in a batch
        answer(f"{folder.name}-{file.stem}", [hidden[0].mean(0).numpy() for hidden, _ in alone])


def transformers_js_pooled() -> None:
    """Such a folder with the reference's settings in it, as most on the Hub; its weights lie beside the graph."""
    folder = OUT / "transformers-js-pooled"
    shutil.copytree(CHECKPOINTS / "dense-bert", folder)
    (folder / "model.safetensors").unlink()
    (folder / "onnx").mkdir()
    model = onnx.load(OUT / "optimum-onnx-features" / "model.onnx")
    onnx.save(
        model, folder / "onnx" / "model.onnx", save_as_external_data=True, location="model.onnx_data", size_threshold=0
    )
    answer(folder.name, SentenceTransformer(str(CHECKPOINTS / "dense-bert"), device="cpu").encode(TEXTS))


if __name__ == "__main__":
    (OUT / "answers").mkdir()
    for make in (
        with_optimum, with_optimum_pooled, with_sentence_transformers, openvino_int8, transformers_js,
        transformers_js_pooled,
    ):  # fmt: skip
        make()
