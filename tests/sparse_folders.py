"""Makes small sparse models whose embeddings can be worked out by hand, in milliseconds and without torch.

Like `tests/folders.py`: the graph is a look-up, so token i has the logits `logits()[i]`, whatever stands around it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.folders import (
    MEAN,
    OLD,
    SPECIAL,
    WORDS,
    lookup_graph,
    table,
    word_model,
    word_tokenizer,
    write_json,
    write_modules,
    write_tensors,
)

VOCABULARY = [*SPECIAL, *WORDS]
SIZE = len(VOCABULARY)
OLD_SPARSE = "sentence_transformers.sparse_encoder.models."
QUERY, DOCUMENT, SPLADE = "query_0_SparseStaticEmbedding", "document_0_MLMTransformer", "document_1_SpladePooling"
TABLE = np.where(np.arange(SIZE) % 3 == 0, 0, np.arange(SIZE) / 2).astype(np.float32)


def logits() -> np.ndarray:
    """The logits of every token, float32 (14, 14); about half of them are below 0."""
    return table(dim=SIZE)


def ids_of(text: str, special: bool = True) -> list[int]:
    """The token ids of a text of known words."""
    ids = [VOCABULARY.index(word) for word in text.split()]
    return [2, *ids, 3] if special else ids


def splade_of(text: str, strategy: str = "max", logarithms: int = 1) -> np.ndarray:
    """The SPLADE embedding of a text of known words: float32 (14,)."""
    weights = np.maximum(logits()[ids_of(text)], 0)
    for _ in range(logarithms):
        weights = np.log1p(weights)
    return weights.max(axis=0) if strategy == "max" else weights.sum(axis=0)


def table_of(text: str) -> np.ndarray:
    """The embedding of a text by `TABLE`: float32 (14,)."""
    found = np.zeros(SIZE, np.float32)
    ids = ids_of(text, special=False)
    found[ids] = TABLE[ids]
    return found


def fused_graph() -> onnx.ModelProto:
    """`sparse_embedding` (batch, 14): the pooling of `splade_of` inside."""
    names = ("input_ids", "attention_mask")
    float_mask = helper.make_node("Cast", ["attention_mask"], ["float"], to=TensorProto.FLOAT)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["tokens"]),
        float_mask,
        helper.make_node("Unsqueeze", ["float", "last"], ["column"]),
        helper.make_node("Mul", ["tokens", "column"], ["real"]),
        helper.make_node("ReduceMax", ["real", "axis"], ["largest"], keepdims=0),
        helper.make_node("Relu", ["largest"], ["positive"]),
        helper.make_node("Add", ["positive", "one"], ["more"]),
        helper.make_node("Log", ["more"], ["sparse_embedding"]),
    ]
    constants = {"table": logits(), "last": np.array([-1]), "axis": np.array([1]), "one": np.float32(1)}
    graph = helper.make_graph(
        nodes,
        "fused",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"]) for name in names],
        [helper.make_tensor_value_info("sparse_embedding", TensorProto.FLOAT, ["batch", SIZE])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    return model


def splade_model(
    folder: Path,
    pooling: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    graphs: Sequence[str] = ("model",),
    more: Sequence[str] = (),
) -> Path:
    """MLMTransformer (the look-up) → SpladePooling [→ more]; of `graphs`, "model" and "model_fused" can be there."""
    word_model(folder, settings={"model_type": "SparseEncoder", **(settings or {})})
    kinds = [OLD_SPARSE + "MLMTransformer", OLD_SPARSE + "SpladePooling", *(OLD + kind for kind in more)]
    write_modules(folder, kinds)
    _write_splade(folder, folder / "1_SpladePooling", pooling or {}, graphs)
    return folder


def csr_model(folder: Path, k: int = 2, **config: Any) -> tuple[Path, Mapping[str, np.ndarray]]:
    """Transformer (the look-up) → mean → SparseAutoEncoder to 6 values; the folder, and its tensors."""
    word_model(folder, settings={"model_type": "SparseEncoder"})
    write_modules(folder, [OLD + "Transformer", OLD + "Pooling", OLD_SPARSE + "SparseAutoEncoder"])
    write_json(folder / "1_Pooling" / "config.json", MEAN)
    write_json(folder / "2_SparseAutoEncoder" / "config.json", {"input_dim": 4, "hidden_dim": 6, "k": k, **config})
    random = np.random.default_rng(5)
    shapes = {"encoder.weight": (6, 4), "pre_bias": (4,), "latent_bias": (6,)}
    tensors = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    write_tensors(folder / "2_SparseAutoEncoder" / "model.safetensors", tensors)
    return folder, tensors


def inference_free(folder: Path, parameters: Mapping[str, Any] | None = None, idf: bool = False) -> Path:
    """A Router: queries by `TABLE`, documents by the look-up and SpladePooling."""
    write_modules(folder, [OLD + "Router"], [""])
    structure = {"query": [QUERY], "document": [DOCUMENT, SPLADE]}
    write_router(folder, {name: name.split("_")[2] for name in (QUERY, DOCUMENT, SPLADE)}, structure, parameters)
    settings = {"model_type": "SparseEncoder", "prompts": {"query": "", "document": ""}}
    write_json(folder / "config_sentence_transformers.json", settings)
    write_json(folder / QUERY / "config.json", {"path": "/elsewhere/idf.json"} if idf else {"frozen": False})
    if idf:
        write_json(folder / "idf.json", dict(zip(VOCABULARY, TABLE.tolist(), strict=True)) | {"no such token": 9.0})
    else:
        write_tensors(folder / QUERY / "model.safetensors", {"weight": TABLE})
    word_tokenizer().save(str(folder / QUERY / "tokenizer.json"))
    write_json(folder / QUERY / "tokenizer_config.json", {"model_max_length": 6})
    write_json(folder / DOCUMENT / "config.json", {"model_type": "bert", "vocab_size": SIZE})
    write_json(folder / DOCUMENT / "sentence_bert_config.json", {"max_seq_length": 8})
    word_tokenizer().save(str(folder / DOCUMENT / "tokenizer.json"))
    _write_splade(folder / DOCUMENT, folder / SPLADE, {}, ("model",))
    return folder


def write_router(
    folder: Path,
    types: Mapping[str, str],
    structure: Mapping[str, Sequence[str]],
    parameters: Mapping[str, Any] | None = None,
    file: str = "router_config.json",
) -> None:
    """Write a Router's configuration; `types` are class names."""
    sparse = ("SparseStaticEmbedding", "MLMTransformer", "SpladePooling")
    full = {name: (OLD_SPARSE if kind in sparse else OLD) + kind for name, kind in types.items()}
    stated = {"default_route": "document", "allow_empty_key": True} if parameters is None else dict(parameters)
    write_json(folder / file, {"types": full, "structure": structure, "parameters": stated})


def _write_splade(body: Path, pooling: Path, config: Mapping[str, Any], graphs: Sequence[str]) -> None:
    stated = {"pooling_strategy": "max", "activation_function": "relu", "word_embedding_dimension": None}
    write_json(pooling / "config.json", stated | dict(config))
    (body / "onnx").mkdir(exist_ok=True)
    (body / "onnx" / "model.onnx").unlink(missing_ok=True)
    for name in graphs:
        graph = fused_graph() if name == "model_fused" else lookup_graph("logits", dim=SIZE)
        onnx.save(graph, body / "onnx" / f"{name}.onnx")
