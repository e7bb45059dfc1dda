"""Small models of the three classes, some with one thing wrong.

Knows nothing of errors.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
from airvec.sparse_vectors import SparseVectors
from tests.folders import (
    OLD,
    SPECIAL,
    WORDS,
    lookup_graph,
    reranker,
    word_model,
    word_tokenizer,
    write_json,
    write_modules,
    write_tensors,
)

SPARSE = "sentence_transformers.sparse_encoder.models."
VOCABULARY = len(SPECIAL) + len(WORDS)
ROUTES = {
    "query": ["query_0_SparseStaticEmbedding"],
    "document": ["document_0_MLMTransformer", "document_1_SpladePooling"],
}


def dense(home: Path) -> SentenceTransformer:
    return SentenceTransformer(word_model(home / "words"))


def sparse(home: Path) -> SparseEncoder:
    return SparseEncoder(splade(home / "splade"))


def ranker(home: Path, labels: int = 1) -> CrossEncoder:
    return CrossEncoder(reranker(home / "ranker", labels))


def change(file: Path, **values: Any) -> Path:
    """Set keys of a JSON file; gives the folder that it is in."""
    write_json(file, (json.loads(file.read_text()) if file.is_file() else {}) | values)
    return file.parent


def splade(folder: Path, **pooling: Any) -> Path:
    """Transformer with an MLM head (its logits are a table's rows) → SpladePooling."""
    word_model(folder, settings={"model_type": "SparseEncoder"})
    write_modules(folder, [SPARSE + "MLMTransformer", SPARSE + "SpladePooling"], ["", "1_SpladePooling"])
    write_json(folder / "1_SpladePooling" / "config.json", {"pooling_strategy": "max"} | pooling)
    onnx.save(lookup_graph("logits", dim=VOCABULARY), folder / "onnx" / "model.onnx")
    return folder


def auto_encoder(folder: Path, weight: tuple[int, int] = (6, 4), **config: Any) -> Path:
    """Dense embeddings of 4 → SparseAutoEncoder with 6 hidden values."""
    word_model(folder, settings={"model_type": "SparseEncoder"})
    kinds = [OLD + "Transformer", OLD + "Pooling", SPARSE + "SparseAutoEncoder"]
    write_modules(folder, kinds)
    home = folder / "2_SparseAutoEncoder"
    write_json(home / "config.json", {"input_dim": 4, "hidden_dim": 6, "k": 2} | config)
    shapes = {"encoder.weight": weight, "pre_bias": weight[1:], "latent_bias": weight[:1]}
    write_tensors(home / "model.safetensors", {name: np.ones(shape, np.float32) for name, shape in shapes.items()})
    return folder


def inference_free(folder: Path, idf: Any = None, **parameters: Any) -> Path:
    """A Router: queries pass a table of weights, `idf.json`; documents pass SPLADE."""
    splade(folder / "document_0_MLMTransformer")
    (folder / "document_0_MLMTransformer" / "modules.json").unlink()
    (folder / "document_0_MLMTransformer" / "1_SpladePooling").rename(folder / "document_1_SpladePooling")
    table = folder / "query_0_SparseStaticEmbedding"
    table.mkdir()
    word_tokenizer(special=False).save(str(table / "tokenizer.json"))
    write_json(table / "config.json", {"path": "idf.json"})
    write_json(table / "idf.json", dict.fromkeys(WORDS, 1.5) if idf is None else idf)
    types = {name: SPARSE + name.rpartition("_")[2] for route in ROUTES.values() for name in route}
    write_json(folder / "router_config.json", {"types": types, "structure": ROUTES, "parameters": parameters})
    write_modules(folder, [OLD + "Router"])
    write_json(folder / "config_sentence_transformers.json", {"model_type": "SparseEncoder"})
    return folder


def as_saved(folder: Path, **settings: Any) -> Path:
    """A reranker in the layout of today: modules.json, and the model's own settings."""
    write_modules(folder, [OLD + "Transformer"])
    write_json(folder / "sentence_bert_config.json", {"transformer_task": "sequence-classification"})
    write_json(folder / "config_sentence_transformers.json", {"model_type": "CrossEncoder"} | settings)
    return folder


def rows() -> SparseVectors:
    """Two rows of four dimensions."""
    return SparseVectors.from_rows([{0: 1.0, 2: 0.5}, {3: 2.0}], dim=4)
