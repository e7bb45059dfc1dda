"""Checkpoint folders of the three classes, by hand: every file as an old or a new sentence-transformers writes it.

Knows nothing of airvec.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer

from tests.tiny.architectures import ARCHITECTURES, HIDDEN, POSITIONS, SEED, tiny_body, tiny_model
from tests.tiny.tokenizers import tiny_tokenizer

FLAGS = {
    "cls": "pooling_mode_cls_token", "max": "pooling_mode_max_tokens", "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens", "lasttoken": "pooling_mode_lasttoken",
}  # fmt: skip
OLD = "sentence_transformers.models.{}"
OLD_SPARSE = "sentence_transformers.sparse_encoder.models.{}"
NEW = {
    "Transformer": "sentence_transformers.base.modules.transformer.Transformer",
    "Dense": "sentence_transformers.base.modules.dense.Dense",
    "LayerNorm": "sentence_transformers.sentence_transformer.modules.layer_norm.LayerNorm",
    "Normalize": "sentence_transformers.base.modules.normalize.Normalize",
    "Pooling": "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
}
IDENTITY = "torch.nn.modules.linear.Identity"


def tiny_checkpoint(
    folder: Path,
    architecture: str = "bert",
    *,
    pooling: str | Sequence[str] = "mean",
    dense: str | None = None,
    normalize: bool = True,
    include_prompt: bool = True,
    prompts: Mapping[str, str] | None = None,
    padding_side: str = "right",
    max_seq_length: int = 64,
    generation: str = "old",
    transformer: Mapping[str, Any] | None = None,
) -> Path:
    """Write a sentence-transformers folder with random weights.

    Args:
        folder: where; made if it is not there.
        architecture: a key of `ARCHITECTURES`.
        pooling: one mode or several.
        dense: activation of a Dense layer to 24 dimensions (`"Tanh"`, `"Identity"` …); None = no such layer.
        normalize: whether a Normalize module ends it.
        include_prompt: of Pooling.
        prompts: saved prompts by name.
        padding_side: of the tokenizer.
        max_seq_length: counts special tokens.
        generation: `"old"` (up to 5.3) or `"new"` (6.x) files.
        transformer: more keys of `sentence_bert_config.json`.

    Returns:
        The folder.
    """
    limit = max_seq_length if generation == "new" else POSITIONS
    write_body(folder, tiny_body(architecture), architecture, padding_side=padding_side, limit=limit)
    modes = (pooling,) if isinstance(pooling, str) else tuple(pooling)
    chain: list[tuple[str, dict[str, Any] | None]] = [("Pooling", pooling_config(modes, include_prompt, generation))]
    if dense is not None:
        chain.append(("Dense", dense_config(HIDDEN * len(modes), 24, dense)))
    if normalize:
        chain.append(("Normalize", {"module_input_name": "sentence_embedding"} if generation == "new" else None))
    write_modules(folder, chain, generation)
    settings = {"prompts": dict(prompts or {}), "default_prompt_name": None, "similarity_fn_name": "cosine"}
    write(folder / "config_sentence_transformers.json", settings)
    limits = {"max_seq_length": max_seq_length, "do_lower_case": False}
    stated = limits if generation == "old" else {"transformer_task": "feature-extraction"}
    write(folder / "sentence_bert_config.json", {**stated, **(transformer or {})})
    return folder


def sparse_checkpoint(
    folder: Path,
    architecture: str = "bert",
    *,
    strategy: str = "max",
    activation: str = "relu",
    padding_side: str = "right",
    max_seq_length: int = 64,
) -> Path:
    """Write a SPLADE folder as sentence-transformers 5.0 did: MLMTransformer and SpladePooling, random weights."""
    model = tiny_model(architecture, "fill-mask")
    write_body(folder, model, architecture, padding_side=padding_side, limit=POSITIONS)
    write_splade(folder, strategy, activation, model.config.vocab_size)
    settings = {"model_type": "SparseEncoder", "prompts": {"query": "", "document": ""}, "default_prompt_name": None}
    write(folder / "config_sentence_transformers.json", {**settings, "similarity_fn_name": "dot"})
    write(folder / "sentence_bert_config.json", {"max_seq_length": max_seq_length, "do_lower_case": False})
    return folder


def reranker_checkpoint(
    folder: Path,
    architecture: str = "bert",
    *,
    labels: int = 1,
    activation: str | None = IDENTITY,
    padding_side: str = "right",
    max_seq_length: int = 64,
) -> Path:
    """Write a cross-encoder as sentence-transformers up to 5.3 did: transformers' own files, random weights."""
    model = tiny_model(architecture, "sequence-classification", labels)
    if activation is not None:
        model.config.sentence_transformers = {"activation_fn": activation, "version": "4.1.0"}
    return write_body(folder, model, architecture, padding_side=padding_side, limit=max_seq_length)


def write_body(folder: Path, model: Any, architecture: str, *, padding_side: str, limit: int) -> Path:
    """Weights, config.json and the architecture's tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    write_tokenizer(folder, ARCHITECTURES[architecture].tokenizer, padding_side=padding_side, model_max_length=limit)
    return folder


def write_tokenizer(folder: Path, kind: str, **settings: Any) -> None:
    """A trained tokenizer as transformers writes it once it has loaded it itself, with some settings changed.

    Loading makes the tokenizer anew, with the normaliser and template of its class: published files have passed that.
    """
    tiny_tokenizer(kind).save_pretrained(folder)
    AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    # save_pretrained leaves out what was set after construction.
    change(folder / "tokenizer_config.json", settings)


def write_splade(folder: Path, strategy: str, activation: str, width: int | None) -> None:
    """`modules.json` and the SpladePooling of a folder as sentence-transformers 5.0 wrote them."""
    pooling = {"pooling_strategy": strategy, "activation_function": activation, "word_embedding_dimension": width}
    types = {"": "MLMTransformer", "1_SpladePooling": "SpladePooling"}
    entries = [
        {"idx": index, "name": str(index), "path": path, "type": OLD_SPARSE.format(kind)}
        for index, (path, kind) in enumerate(types.items())
    ]
    write(folder / "modules.json", entries)
    (folder / "1_SpladePooling").mkdir(exist_ok=True)
    write(folder / "1_SpladePooling" / "config.json", pooling)


def pooling_config(modes: Sequence[str], include_prompt: bool = True, generation: str = "old") -> dict[str, Any]:
    """Config of a Pooling module with old flags or new keys."""
    if generation == "new":
        mode = modes[0] if len(modes) == 1 else list(modes)
        return {"embedding_dimension": HIDDEN, "pooling_mode": mode, "include_prompt": include_prompt}
    flags = {flag: mode in modes for mode, flag in FLAGS.items()}
    return {"word_embedding_dimension": HIDDEN, **flags, "include_prompt": include_prompt}


def dense_config(width: int, out: int, activation: str, **more: Any) -> dict[str, Any]:
    """Config of a Dense module, with the activation's last name, such as `"Tanh"`."""
    home = "linear" if activation == "Identity" else "activation"
    name = f"torch.nn.modules.{home}.{activation}"
    return {"in_features": width, "out_features": out, "bias": True, "activation_function": name, **more}


def random_dense(config: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Weights for a Dense module of this config, the same on every call."""
    generator = torch.Generator().manual_seed(SEED)
    out, width = config["out_features"], config["in_features"]
    state = {"linear.weight": torch.randn(out, width, generator=generator) / width**0.5}
    if config["bias"]:
        state["linear.bias"] = torch.randn(out, generator=generator)
    if config.get("use_residual") and out != width:
        state["residual.weight"] = torch.randn(out, width, generator=generator) / width**0.5
    return state


def write_modules(folder: Path, chain: Sequence[tuple[str, dict[str, Any] | None]], generation: str = "old") -> None:
    """`modules.json`: a Transformer in the root, then `chain`, each in a folder of its own."""
    entries = [{"idx": 0, "name": "0", "path": "", "type": _type("Transformer", generation)}]
    for index, (kind, config) in enumerate(chain, start=1):
        home = folder / f"{index}_{kind}"
        home.mkdir(exist_ok=True)
        entries.append({"idx": index, "name": str(index), "path": home.name, "type": _type(kind, generation)})
        if config is not None:
            write(home / "config.json", config)
        if kind == "Dense" and config is not None:
            save_file(random_dense(config), home / "model.safetensors")
    write(folder / "modules.json", entries)


def write(path: Path, value: object) -> None:
    """One JSON file."""
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


def change(path: Path, values: Mapping[str, object]) -> None:
    """Set some keys of a JSON object, which is made if it is not there."""
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    write(path, {**found, **values})


def _type(kind: str, generation: str) -> str:
    return NEW[kind] if generation == "new" else OLD.format(kind)
