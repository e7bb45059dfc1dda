"""Loads airvec's model folders with fastembed, and writes what that answers.

Runs in the environment `fastembed`: `load_with_fastembed.py FOLDERS OUT`; `OUT/texts.json` and `OUT/pairs.json` are
there. Answers are `OUT/answers/LOADER FOLDER.npy`.
Knows nothing of airvec.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
from fastembed import SparseTextEmbedding, TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType
from fastembed.rerank.cross_encoder import TextCrossEncoder

FOLDERS, OUT = Path(sys.argv[1]), Path(sys.argv[2])
TEXTS = json.loads((OUT / "texts.json").read_text(encoding="utf-8"))
PAIRS = json.loads((OUT / "pairs.json").read_text(encoding="utf-8"))
SPLADE = "prithivida/Splade_PP_en_v1"


def dense(folder: Path, graph: str, pooling: PoolingType, output: str | None = None) -> np.ndarray:
    """Embeddings of a graph of the folder."""
    name = f"{folder.name}/{graph}"
    TextEmbedding.add_custom_model(
        model=name, pooling=pooling, normalization=True, sources=ModelSource(hf=name), dim=32, model_file=graph,
        output_name=output,
    )  # fmt: skip
    return np.array(list(TextEmbedding(name, specific_model_path=str(folder), threads=1).embed(TEXTS)))


def rerank(folder: Path) -> np.ndarray:
    """Scores of pairs."""
    TextCrossEncoder.add_custom_model(
        model=folder.name, sources=ModelSource(hf=folder.name), model_file="onnx/model.onnx"
    )
    model = TextCrossEncoder(folder.name, specific_model_path=str(folder), threads=1)
    return np.array(list(model.rerank_pairs(PAIRS)))


def sparse(folder: Path, width: int) -> np.ndarray:
    """SPLADE's weights: fastembed has a closed list of sparse models, whose graph lies at the top."""
    home = OUT / folder.name
    shutil.copytree(folder, home)
    shutil.copy(folder / "onnx" / "model.onnx", home / "model.onnx")
    found = np.zeros((len(TEXTS), width), np.float32)
    model = SparseTextEmbedding(SPLADE, specific_model_path=str(home), threads=1)
    for row, one in enumerate(model.embed(TEXTS)):
        found[row, one.indices] = one.values
    return found


if __name__ == "__main__":
    (OUT / "answers").mkdir()
    for place in sorted(FOLDERS.iterdir()):
        kind = place.name.partition("-")[0]
        if kind == "dense":
            answers = {"fastembed": dense(place, "onnx/model.onnx", PoolingType.MEAN)}
            fused = place / "onnx" / "model_fused.onnx"
            if fused.is_file():
                pooled = dense(place, "onnx/model_fused.onnx", PoolingType.DISABLED, "sentence_embedding")
                answers["fastembed fused"] = pooled
        elif kind == "rerank":
            answers = {"fastembed": rerank(place)}
        else:
            size = json.loads((place / "config.json").read_text(encoding="utf-8"))["vocab_size"]
            answers = {"fastembed": sparse(place, size)}
        for loader, found in answers.items():
            np.save(OUT / "answers" / f"{loader} {place.name}.npy", found.astype(np.float32))
