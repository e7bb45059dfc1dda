"""The seventeen architectures, tiny: two layers of 32, with random weights drawn widely.

The default initialisation (0.02) gives nearly one answer for every text, so that no parity test on it could fail:
weights here are drawn with 0.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import transformers

from tests.tiny.tokenizers import tiny_tokenizer

HIDDEN, LAYERS, POSITIONS = 32, 2, 160
SPREAD = 0.4
SEED = 0
# Task → the end of transformers' class name.
HEADS = {
    "feature-extraction": "Model",
    "fill-mask": "ForMaskedLM",
    "sequence-classification": "ForSequenceClassification",
}

BASE = {
    "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": 4, "intermediate_size": 48,
    "max_position_embeddings": POSITIONS, "initializer_range": SPREAD,
}  # fmt: skip
ONE_TYPE = {**BASE, "type_vocab_size": 1}
DECODER = {**BASE, "num_key_value_heads": 2, "head_dim": 8}
T5 = {
    "d_model": HIDDEN, "num_layers": LAYERS, "num_heads": 4, "d_kv": 8, "d_ff": 48, "initializer_factor": 1.0,
    "decoder_start_token_id": 0,
}  # fmt: skip
DISTILBERT = {
    "dim": HIDDEN, "n_layers": LAYERS, "n_heads": 4, "hidden_dim": 48, "max_position_embeddings": POSITIONS,
    "initializer_range": SPREAD,
}  # fmt: skip
MODERNBERT = {**BASE, "global_attn_every_n_layers": 2, "local_attention": 16, "initializer_cutoff_factor": 2.0}
# As the published models have it: positions by distance alone, one table of distances in every layer.
DEBERTA = {
    **BASE, "relative_attention": True, "position_buckets": 32, "norm_rel_ebd": "layer_norm", "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"], "position_biased_input": False, "type_vocab_size": 0,
}  # fmt: skip
GEMMA = {
    **DECODER, "layer_types": ["sliding_attention", "full_attention"], "sliding_window": 16, "query_pre_attn_scalar": 8,
    "use_bidirectional_attention": False,
}  # fmt: skip


@dataclass(frozen=True)
class Architecture:
    """`name` begins transformers' class names; `tokenizer` is a kind of `TOKENIZERS`; `tasks` what it has heads for."""

    name: str
    settings: Mapping[str, Any]
    tokenizer: str
    tasks: tuple[str, ...] = tuple(HEADS)
    classes: Mapping[str, str] = field(default_factory=dict)  # task → class, where it is not `name` and the head
    padding_side: str = "right"


ENCODERS = ("feature-extraction", "sequence-classification")
ARCHITECTURES: dict[str, Architecture] = {
    "bert": Architecture("Bert", BASE, "wordpiece"),
    "distilbert": Architecture("DistilBert", DISTILBERT, "wordpiece"),
    "roberta": Architecture("Roberta", ONE_TYPE, "roberta"),
    "xlm-roberta": Architecture("XLMRoberta", ONE_TYPE, "unigram"),
    "mpnet": Architecture("MPNet", BASE, "mpnet"),
    "albert": Architecture("Albert", {**BASE, "embedding_size": 16}, "albert"),
    "electra": Architecture("Electra", {**BASE, "embedding_size": 16}, "wordpiece"),
    "deberta-v2": Architecture("DebertaV2", DEBERTA, "deberta"),
    "modernbert": Architecture("ModernBert", MODERNBERT, "bytes"),
    "nomic-bert": Architecture("NomicBert", BASE, "wordpiece"),
    "gte": Architecture("Gte", ONE_TYPE, "unigram"),
    "eurobert": Architecture("EuroBert", {**BASE, "num_key_value_heads": 2}, "eurobert"),
    "jina-v3": Architecture("JinaEmbeddingsV3", ONE_TYPE, "unigram"),
    "t5": Architecture("T5", T5, "t5", ENCODERS, {"feature-extraction": "T5EncoderModel"}),
    "mt5": Architecture(
        "MT5", {**T5, "feed_forward_proj": "gated-gelu"}, "t5", ENCODERS, {"feature-extraction": "MT5EncoderModel"}
    ),
    "qwen3": Architecture("Qwen3", DECODER, "qwen", ENCODERS, padding_side="left"),
    "gemma3": Architecture("Gemma3Text", GEMMA, "gemma", ENCODERS, padding_side="left"),
}  # fmt: skip


def tiny_config(architecture: str, labels: int | None = None, **more: Any) -> Any:
    """Its transformers config, with the special tokens of its tokenizer; `labels` for a classification head."""
    chosen = ARCHITECTURES[architecture]
    tokenizer = tiny_tokenizer(chosen.tokenizer)
    ids: dict[str, Any] = {"vocab_size": len(tokenizer)}
    for name, other in {"pad": "pad", "bos": "cls", "eos": "sep", "cls": "cls", "sep": "sep", "mask": "mask"}.items():
        found = [getattr(tokenizer, f"{token}_token_id") for token in (name, other)]
        if found != [None, None]:
            ids[f"{name}_token_id"] = found[0] if found[0] is not None else found[1]
    if labels is not None:
        ids["num_labels"] = labels
    return getattr(transformers, f"{chosen.name}Config")(**{**chosen.settings, **ids, **more})


def tiny_model(architecture: str, task: str = "feature-extraction", labels: int = 1, **more: Any) -> Any:
    """The architecture with the head of a task and random weights, the same on every call."""
    chosen = ARCHITECTURES[architecture]
    config = tiny_config(architecture, labels if task == "sequence-classification" else None, **more)
    torch.manual_seed(SEED)
    return getattr(transformers, chosen.classes.get(task, chosen.name + HEADS[task]))(config).eval()


def tiny_body(architecture: str) -> Any:
    """The architecture without a head."""
    return tiny_model(architecture)
