"""Tiny random checkpoints of many architectures, with tokenizers trained on Python's own documentation.

The default initialisation (0.02) gives nearly one answer for every text, so that no parity test on it could fail:
weights here are drawn with 0.4. Folders are written by hand, in the old or new generation of file formats.
Knows nothing of airvec.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast
from transformers.utils import logging

logging.disable_progress_bar()

HIDDEN, LAYERS, VOCABULARY, POSITIONS = 32, 2, 400, 160
SPREAD = 0.4
SEED = 0

BASE = {
    "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": 4, "intermediate_size": 48,
    "max_position_embeddings": POSITIONS, "initializer_range": SPREAD,
}  # fmt: skip
DECODER = {**BASE, "num_key_value_heads": 2, "head_dim": 8}
T5 = {"d_model": HIDDEN, "num_layers": LAYERS, "num_heads": 4, "d_kv": 8, "d_ff": 48, "initializer_factor": 1.0}
DISTILBERT = {
    "dim": HIDDEN, "n_layers": LAYERS, "n_heads": 4, "hidden_dim": 48, "max_position_embeddings": POSITIONS,
    "initializer_range": SPREAD,
}  # fmt: skip
MODERNBERT = {
    **BASE, "global_attn_every_n_layers": 2, "local_attention": 16, "initializer_cutoff_factor": 2.0,
    "cls_token_id": 0, "sep_token_id": 2, "bos_token_id": 0, "eos_token_id": 2,
}  # fmt: skip

# Architecture → transformers' name of its config and model, their settings, and the kind of tokenizer.
ARCHITECTURES: dict[str, tuple[str, str, Mapping[str, Any], str]] = {
    "bert": ("BertConfig", "BertModel", BASE, "wordpiece"),
    "distilbert": ("DistilBertConfig", "DistilBertModel", DISTILBERT, "wordpiece"),
    "mpnet": ("MPNetConfig", "MPNetModel", BASE, "mpnet"),
    "roberta": ("RobertaConfig", "RobertaModel", {**BASE, "type_vocab_size": 1}, "roberta"),
    "xlm-roberta": ("XLMRobertaConfig", "XLMRobertaModel", {**BASE, "type_vocab_size": 1}, "unigram"),
    "modernbert": ("ModernBertConfig", "ModernBertModel", MODERNBERT, "bytes"),
    "t5": ("T5Config", "T5EncoderModel", T5, "t5"),
    "qwen3": ("Qwen3Config", "Qwen3Model", DECODER, "qwen"),
}
FLAGS = {
    "cls": "pooling_mode_cls_token", "max": "pooling_mode_max_tokens", "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens", "lasttoken": "pooling_mode_lasttoken",
}  # fmt: skip
OLD = "sentence_transformers.models.{}"
NEW = {
    "Transformer": "sentence_transformers.base.modules.transformer.Transformer",
    "Dense": "sentence_transformers.base.modules.dense.Dense",
    "Normalize": "sentence_transformers.base.modules.normalize.Normalize",
    "Pooling": "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
}


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
    folder.mkdir(parents=True, exist_ok=True)
    tiny_tokenizer(ARCHITECTURES[architecture][3]).save_pretrained(folder)
    # save_pretrained leaves out what was set after construction.
    limit = max_seq_length if generation == "new" else POSITIONS
    saved = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    _write(folder / "tokenizer_config.json", {**saved, "padding_side": padding_side, "model_max_length": limit})
    tiny_body(architecture).save_pretrained(folder)
    modes = (pooling,) if isinstance(pooling, str) else tuple(pooling)
    chain: list[tuple[str, dict[str, Any] | None]] = [("Pooling", pooling_config(modes, include_prompt, generation))]
    if dense is not None:
        chain.append(("Dense", dense_config(HIDDEN * len(modes), 24, dense)))
    if normalize:
        chain.append(("Normalize", {"module_input_name": "sentence_embedding"} if generation == "new" else None))
    _write_modules(folder, chain, generation)
    settings = {"prompts": dict(prompts or {}), "default_prompt_name": None, "similarity_fn_name": "cosine"}
    _write(folder / "config_sentence_transformers.json", settings)
    limits = {"max_seq_length": max_seq_length, "do_lower_case": False}
    stated = limits if generation == "old" else {"transformer_task": "feature-extraction"}
    _write(folder / "sentence_bert_config.json", {**stated, **(transformer or {})})
    return folder


def tiny_body(architecture: str) -> Any:
    """The architecture with two layers and random weights, the same on every call."""
    config_name, model_name, settings, kind = ARCHITECTURES[architecture]
    tokenizer = tiny_tokenizer(kind)
    ids = {"pad_token_id": tokenizer.pad_token_id}
    config = getattr(transformers, config_name)(vocab_size=len(tokenizer), **{**settings, **ids})
    torch.manual_seed(SEED)
    return getattr(transformers, model_name)(config).eval()


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


def texts(count: int = 40, longest: int = 90) -> list[str]:
    """Pieces of Python's documentation of 1 to `longest` words, in a fixed order that mixes lengths."""
    words = " ".join(topics[name] for name in sorted(topics)[:30]).split()
    starts = [index * 400 % (len(words) - longest) for index in range(count)]
    return [" ".join(words[start : start + 1 + (index * 37) % longest]) for index, start in enumerate(starts)]


@cache
def _lines() -> tuple[str, ...]:
    return tuple(line for name in sorted(topics)[:12] for line in topics[name].splitlines() if line.strip())[:600]


def tiny_tokenizer(kind: str) -> PreTrainedTokenizerFast:
    """A tokenizer trained on a few hundred lines, in transformers' class for its kind."""
    return TOKENIZERS[kind]()


def _trained(model: Any, trainer: Any, **parts: Any) -> Tokenizer:
    tokenizer = Tokenizer(model)
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    tokenizer.train_from_iterator(_lines(), trainer)
    return tokenizer


def _wordpiece(special: Mapping[str, str], class_name: str) -> PreTrainedTokenizerFast:
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCABULARY, special_tokens=list(special.values()), show_progress=False
    )
    backend = _trained(
        models.WordPiece(unk_token=special["unk_token"]), trainer, normalizer=normalizers.BertNormalizer(),
        pre_tokenizer=pre_tokenizers.BertPreTokenizer(), decoder=decoders.WordPiece(),
    )  # fmt: skip
    start, end = special["cls_token"], special["sep_token"]
    backend.post_processor = _template(backend, start, end)
    return getattr(transformers, class_name)(tokenizer_object=backend, **special)


def _bytes(special: Mapping[str, str], class_name: str) -> PreTrainedTokenizerFast:
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=list(dict.fromkeys(special.values())), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    backend = _trained(
        models.BPE(), trainer, pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoder=decoders.ByteLevel(),
    )  # fmt: skip
    if "cls_token" in special:
        backend.post_processor = _template(backend, special["cls_token"], special["sep_token"])
    elif "eos_token" in special:
        backend.post_processor = _template(backend, None, special["eos_token"])
    return getattr(transformers, class_name)(tokenizer_object=backend, **special)


def _unigram(special: Mapping[str, str], class_name: str) -> PreTrainedTokenizerFast:
    trainer = trainers.UnigramTrainer(
        vocab_size=VOCABULARY, special_tokens=list(dict.fromkeys(special.values())), unk_token=special["unk_token"],
        show_progress=False,
    )  # fmt: skip
    backend = _trained(
        models.Unigram(), trainer, normalizer=normalizers.NFKC(), pre_tokenizer=pre_tokenizers.Metaspace(),
        decoder=decoders.Metaspace(),
    )  # fmt: skip
    backend.post_processor = _template(
        backend, special.get("cls_token"), special.get("sep_token", special["eos_token"])
    )
    return getattr(transformers, class_name)(tokenizer_object=backend, **special)


def _template(backend: Tokenizer, start: str | None, end: str) -> processors.TemplateProcessing:
    pieces = [piece for piece in (start, "$A", end) if piece]
    ids = [(token, backend.token_to_id(token)) for token in (start, end) if token]
    return processors.TemplateProcessing(single=" ".join(pieces), special_tokens=ids)


BERT_TOKENS = {
    "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]",
}  # fmt: skip
# In this order <pad> has id 1, as in every published model of these families.
ROBERTA_TOKENS = {
    "cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>",
}  # fmt: skip
XLMR_TOKENS = {**ROBERTA_TOKENS, "bos_token": "<s>", "eos_token": "</s>"}
TOKENIZERS = {
    "wordpiece": lambda: _wordpiece(BERT_TOKENS, "BertTokenizer"),
    "mpnet": lambda: _wordpiece(ROBERTA_TOKENS | {"unk_token": "[UNK]"}, "MPNetTokenizer"),
    "roberta": lambda: _bytes(ROBERTA_TOKENS, "RobertaTokenizer"),
    "bytes": lambda: _bytes(ROBERTA_TOKENS, "PreTrainedTokenizerFast"),
    "qwen": lambda: _bytes({"pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}, "Qwen2Tokenizer"),
    "unigram": lambda: _unigram(XLMR_TOKENS, "XLMRobertaTokenizer"),
    "t5": lambda: _unigram({"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}, "T5Tokenizer"),
}


def _write_modules(folder: Path, chain: Sequence[tuple[str, dict[str, Any] | None]], generation: str) -> None:
    entries = [{"idx": 0, "name": "0", "path": "", "type": _type("Transformer", generation)}]
    for index, (kind, config) in enumerate(chain, start=1):
        home = folder / f"{index}_{kind}"
        home.mkdir(exist_ok=True)
        entries.append({"idx": index, "name": str(index), "path": home.name, "type": _type(kind, generation)})
        if config is not None:
            _write(home / "config.json", config)
        if kind == "Dense" and config is not None:
            save_file(random_dense(config), home / "model.safetensors")
    _write(folder / "modules.json", entries)


def _type(kind: str, generation: str) -> str:
    return NEW[kind] if generation == "new" else OLD.format(kind)


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")
