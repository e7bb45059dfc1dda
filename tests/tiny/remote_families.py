"""Twins of published models whose code lies beside their weights, which airvec does not run.

Knows nothing of airvec.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors.torch import load_file, save_file

from tests.tiny.architectures import HIDDEN, tiny_model
from tests.tiny.checkpoints import OLD, change, pooling_config, write, write_body, write_modules


def nomic_remote(folder: Path) -> Path:
    """nomic-embed-text-v1.5: transformers' name nomic_bert, with the settings of its own code (GPT-2's names)."""
    _body(folder, "nomic-bert")
    code = "nomic-ai/nomic-bert-2048--modeling_hf_nomic_bert.NomicBertModel"
    own = {"n_embd": HIDDEN, "n_layer": 2, "n_head": 4, "n_inner": 48, "n_positions": 160, "rotary_emb_fraction": 1.0}
    write(folder / "config.json", {
        "architectures": ["NomicBertModel"], "auto_map": {"AutoModel": code}, "model_type": "nomic_bert",
        "vocab_size": 380, "type_vocab_size": 2, "activation_function": "swiglu", **own,
    })  # fmt: skip
    return folder


def gte_remote(folder: Path) -> Path:
    """Alibaba-NLP/gte-large-en-v1.5: a model type that transformers does not know."""
    _body(folder, "gte")
    code = "Alibaba-NLP/new-impl--modeling.NewModel"
    names = {"architectures": ["NewModel"], "auto_map": {"AutoModel": code}}
    change(folder / "config.json", {**names, "model_type": "new"})
    return folder


def jina_v2_remote(folder: Path) -> Path:
    """jina-embeddings-v2-base-en: calls itself bert, but its positions are ALiBi's and its layers gated."""
    _body(folder, "bert")
    code = "jinaai/jina-bert-implementation--modeling_bert.JinaBertModel"
    own = {"position_embedding_type": "alibi", "feed_forward_type": "geglu", "emb_pooler": "mean"}
    change(folder / "config.json", {"architectures": ["JinaBertModel"], "auto_map": {"AutoModel": code}, **own})
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "position_embeddings" not in name}
    save_file({name.replace("intermediate.dense", "mlp.gated_layers"): value for name, value in kept.items()},
              folder / "model.safetensors", {"format": "pt"})  # fmt: skip
    return folder


def jina_v3_remote(folder: Path) -> Path:
    """jina-embeddings-v3: a Transformer module of its own in modules.json."""
    _body(folder, "xlm-roberta")
    code = "jinaai/xlm-roberta-flash-implementation--modeling_lora.XLMRobertaLoRA"
    change(folder / "config.json", {"architectures": ["XLMRobertaModel"], "auto_map": {"AutoModel": code}})
    types = {"": "custom_st.Transformer", "1_Pooling": OLD.format("Pooling")}
    entries = [
        {"idx": row, "name": str(row), "path": path, "type": kind} for row, (path, kind) in enumerate(types.items())
    ]
    write(folder / "modules.json", entries)
    return folder


def _body(folder: Path, architecture: str) -> None:
    write_body(folder, tiny_model(architecture), architecture, padding_side="right", limit=64)
    write_modules(folder, [("Pooling", pooling_config(["mean"]))])
    write(folder / "sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})


# Published name → who writes its twin, and the code that a refusal names.
REMOTE: Mapping[str, tuple[Callable[[Path], Path], str]] = {
    "nomic-embed-text-v1.5": (nomic_remote, "NomicBertModel"),
    "gte-large-en-v1.5": (gte_remote, "NewModel"),
    "jina-embeddings-v2": (jina_v2_remote, "JinaBertModel"),
    "jina-embeddings-v3": (jina_v3_remote, "custom_st.Transformer"),
}
