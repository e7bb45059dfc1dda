"""Checkpoint folders with Routers, tables and modular heads, every file by hand.

Knows nothing of airvec.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tests import tiny
from tests.tiny.checkpoints import write, write_tokenizer

OLD, SPARSE = "sentence_transformers.models.", "sentence_transformers.sparse_encoder.models."
FIELDS = "config_sentence_transformers.json"


def inference_free(folder: Path, *, as_json: bool = False, strategy: str = "max") -> Path:
    """A sparse model whose queries pass a table of weights, as a tensor or as idf.json, and whose documents SPLADE."""
    body = tiny.sparse_checkpoint(folder / "document_0_MLMTransformer", strategy=strategy)
    (body / "1_SpladePooling").rename(folder / "document_1_SpladePooling")
    (body / FIELDS).rename(folder / FIELDS)
    (body / "modules.json").unlink()
    table = folder / "query_0_SparseStaticEmbedding"
    table.mkdir()
    write_tokenizer(table, "wordpiece", model_max_length=64)
    tokenizer = tiny.tiny_tokenizer("wordpiece")
    weights = torch.rand(len(tokenizer), generator=torch.Generator().manual_seed(1)) * 3
    if as_json:
        idf = {token: round(float(weights[place]), 6) for token, place in tokenizer.get_vocab().items() if place > 20}
        write(table / "idf.json", idf)
        write(table / "config.json", {"frozen": True, "path": "model/query_0_SparseStaticEmbedding/idf.json"})
    else:
        save_file({"weight": weights}, table / "model.safetensors")
        write(table / "config.json", {"frozen": False})
    routes = {"query": [table.name], "document": [body.name, "document_1_SpladePooling"]}
    router(folder, routes, SPARSE, default_route="document")
    write(folder / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": OLD + "Router"}])
    return folder


def dense_routes(folder: Path) -> Path:
    """A dense model of one body and one pooling, behind which queries and documents pass layers of their own."""
    tiny.tiny_checkpoint(folder, normalize=False)
    for index, name in enumerate(("query_0_Dense", "document_0_Dense")):
        layer(folder / "2_Asym" / name, 24, "Tanh", seed=index)
    router(folder / "2_Asym", {"query": ["query_0_Dense"], "document": ["document_0_Dense"]}, OLD)
    (folder / "2_Asym" / "router_config.json").rename(folder / "2_Asym" / "config.json")
    return append(folder, OLD + "Asym", "2_Asym")


def sparse_coder(folder: Path, *, tied_name: str = "encoder.weight") -> Path:
    """A dense model with a sparse auto-encoder behind it."""
    tiny.tiny_checkpoint(folder, normalize=False)
    tiny.change(folder / FIELDS, {"model_type": "SparseEncoder", "similarity_fn_name": None})
    generator = torch.Generator().manual_seed(2)
    state = {
        "pre_bias": torch.randn(tiny.HIDDEN, generator=generator),
        tied_name: torch.randn(96, tiny.HIDDEN, generator=generator),
        "latent_bias": torch.randn(96, generator=generator),
        "stats_last_nonzero": torch.arange(96),
    }
    home = folder / "2_SparseAutoEncoder"
    home.mkdir()
    save_file(state, home / "model.safetensors")
    settings = {"input_dim": tiny.HIDDEN, "hidden_dim": 96, "k": 8, "k_aux": 16, "normalize": True}
    write(home / "config.json", {**settings, "dead_threshold": 30})
    return append(folder, SPARSE + "SparseAutoEncoder", home.name)


def modular_reranker(folder: Path) -> Path:
    """A cross-encoder whose head is Pooling, Dense, LayerNorm and a Dense that gives scores."""
    tiny.tiny_checkpoint(folder, pooling="cls", normalize=False)
    write(folder / FIELDS, {"model_type": "CrossEncoder", "activation_fn": "torch.nn.modules.linear.Identity"})
    layer(folder / "2_Dense", 24, "GELU", seed=1)
    append(folder, OLD + "Dense", "2_Dense")
    (folder / "3_LayerNorm").mkdir()
    write(folder / "3_LayerNorm" / "config.json", {"dimension": 24})
    save_file(
        {"norm.weight": torch.linspace(0.5, 2, 24), "norm.bias": torch.zeros(24)},
        folder / "3_LayerNorm/model.safetensors",
    )
    append(folder, OLD + "LayerNorm", "3_LayerNorm")
    layer(folder / "4_Dense", 1, "Identity", seed=2, width=24, module_output_name="scores")
    return append(folder, OLD + "Dense", "4_Dense")


def layer(home: Path, out: int, activation: str, *, seed: int, width: int = tiny.HIDDEN, **more: Any) -> None:
    """The folder of a Dense with random weights."""
    home.mkdir(parents=True)
    write(home / "config.json", tiny.dense_config(width, out, activation, **more))
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(out, width, generator=generator) / width**0.5
    save_file({"linear.weight": weight, "linear.bias": torch.zeros(out)}, home / "model.safetensors")


def router(home: Path, routes: dict[str, list[str]], prefix: str, **parameters: Any) -> None:
    """`router_config.json`; modules are named as the reference names them, by route, number and type."""
    names = dict.fromkeys(name for route in routes.values() for name in route)
    types = {name: prefix + name.split("_")[-1] for name in names}
    write(home / "router_config.json", {"types": types, "structure": routes, "parameters": parameters})


def append(folder: Path, kind: str, path: str) -> Path:
    """One more module in modules.json."""
    entries = json.loads((folder / "modules.json").read_text())
    write(
        folder / "modules.json",
        [*entries, {"idx": len(entries), "name": str(len(entries)), "path": path, "type": kind}],
    )
    return folder
