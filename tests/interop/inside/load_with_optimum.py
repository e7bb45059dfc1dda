"""Loads airvec's model folders with sentence-transformers 5.7 and with optimum, and writes what those answer.

Runs in the environment `optimum`: `load_with_optimum.py FOLDERS OUT`; `OUT/texts.json` and `OUT/pairs.json` are there,
and in `OUT/packed` what `airvec package` makes of the folders.
Answers are `OUT/answers/LOADER FOLDER.npy`.
Knows nothing of airvec.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from optimum.intel import OVModelForFeatureExtraction, OVModelForMaskedLM, OVModelForSequenceClassification
from optimum.onnxruntime import ORTModelForFeatureExtraction, ORTModelForMaskedLM, ORTModelForSequenceClassification
from sentence_transformers import CrossEncoder, SentenceTransformer, SparseEncoder
from transformers import AutoTokenizer

FOLDERS, OUT = Path(sys.argv[1]), Path(sys.argv[2])
TEXTS = json.loads((OUT / "texts.json").read_text(encoding="utf-8"))
PAIRS = json.loads((OUT / "pairs.json").read_text(encoding="utf-8"))
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}  # OpenVINO computes in bfloat16 on CPUs that have it, unless told otherwise
# By backend. Without `export`, a graph that is not found would be made from the weights, and no test would see it.
OPTIONS: dict[str, dict[str, Any]] = {"onnx": {"provider": "CPUExecutionProvider"}, "openvino": {"ov_config": EXACT}}
CLASSES = {"dense": SentenceTransformer, "sparse": SparseEncoder, "rerank": CrossEncoder}
# Of optimum, by kind: its class for ONNX and for OpenVINO.
BODIES = {
    "dense": (ORTModelForFeatureExtraction, OVModelForFeatureExtraction),
    "sparse": (ORTModelForMaskedLM, OVModelForMaskedLM),
    "rerank": (ORTModelForSequenceClassification, OVModelForSequenceClassification),
}


def answer(name: str, found: Any) -> None:
    """Write an answer."""
    np.save(OUT / "answers" / f"{name}.npy", np.asarray(found, np.float32))


def with_sentence_transformers(folder: Path, backend: str, file_name: str | None = None) -> np.ndarray:
    """Embeddings or scores of the reference, on one of its backends."""
    options = {} if backend == "torch" else {"export": False, **OPTIONS[backend]}
    if file_name:
        options["file_name"] = file_name
    kind = folder.name.partition("-")[0]
    model = CLASSES[kind](str(folder), backend=backend, device="cpu", model_kwargs=options)
    if kind == "rerank":
        return model.predict(PAIRS, activation_fn=torch.nn.Identity())
    # The reference's int8 answers depend on the neighbours in a batch.
    found = model.encode(TEXTS, batch_size=1 if file_name else 32)
    return found.to_dense().numpy() if kind == "sparse" else found


def with_optimum(folder: Path, backend: str) -> np.ndarray:
    """What one of optimum's classes gives: the mean of token embeddings, SPLADE's pooling of logits, or logits."""
    kind = folder.name.partition("-")[0]
    loader = BODIES[kind][backend == "openvino"]
    model = loader.from_pretrained(folder, export=False, subfolder=backend, **OPTIONS[backend])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = map(list, zip(*PAIRS, strict=True)) if kind == "rerank" else [TEXTS]
    batch = tokenizer(*inputs, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        found = model(**batch)[0].float()
    if kind == "rerank":
        return found.numpy()
    weights = batch["attention_mask"][..., None].float()
    if kind == "sparse":
        return (torch.log1p(torch.relu(found)) * weights).amax(1).numpy()
    return ((found * weights).sum(1) / weights.sum(1)).numpy()


if __name__ == "__main__":
    (OUT / "answers").mkdir()
    for home in sorted(FOLDERS.iterdir()):
        for name in ("torch", "onnx", "openvino"):
            answer(f"sentence-transformers {name} {home.name}", with_sentence_transformers(home, name))
        for name in ("onnx", "openvino"):
            answer(f"optimum {name} {home.name}", with_optimum(home, name))
        for graph in sorted((home / "onnx").glob("model_*.onnx")):
            if graph.stem == "model_fused":  # gives sentence_embedding alone, which the reference does not read
                continue
            found = with_sentence_transformers(home, "onnx", graph.name)
            answer(f"sentence-transformers {graph.stem} {home.name}", found)
    for home in sorted((OUT / "packed").iterdir()):
        answer(f"sentence-transformers packed {home.name}", with_sentence_transformers(home, "onnx"))
