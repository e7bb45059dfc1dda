"""The settings in which one graph is tried: pooling modes, padding sides, generations of folders, missing token types.

A variant is the reference's own folder with some files changed and the graph put beside them, as on the Hub, so that
airvec reads the same files as the reference; `exported` is what the exporter wrote.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sentence_transformers import CrossEncoder, SentenceTransformer, SparseEncoder
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
from sentence_transformers.sparse_encoder.modules import SpladePooling

from tests import tiny
from tests.parity.subjects import BODIES, DENSE, LIMIT, RERANK, SPARSE, Prepared, Subject
from tests.tiny.checkpoints import write

ABSOLUTE = ("bert", "distilbert", "albert", "electra")  # number positions from the first column
OTHER_SIDE = "other padding side"
THREE_LABELS = ("bert", "roberta", "deberta-v2", "qwen3")
PROMPT = "search for this: "
# The graphs of the body alone: what is behind it can be changed.
PORTABLE = ("onnx/model.onnx", "openvino/openvino_model.*")
Change = Callable[[Path, str], None]


def _always(_: str) -> bool:
    return True


def _sees_the_text(architecture: str) -> bool:
    """Gemma looks back only, and its first token is always the same: pooled by it, all texts have one vector."""
    return architecture != "gemma3"


@dataclass(frozen=True)
class Variant:
    """`change` edits the folder; `applies` says for which architectures; `call` is passed to both models."""

    change: Change | None = None
    applies: Callable[[str], bool] = _always
    call: Mapping[str, Any] = field(default_factory=dict)
    labels: int = 1
    exported: bool = False


def make_folder(variant: Variant, architecture: str, prepared: Prepared, folder: Path) -> Path:
    """The folder that both models open, or `prepared.checkpoint`'s own twin for the reference alone."""
    shutil.copytree(prepared.checkpoint, folder)
    if variant.change is not None:
        variant.change(folder, architecture)
    for graph in (file for pattern in PORTABLE for file in prepared.exported.rglob(pattern)):
        place = folder / graph.relative_to(prepared.exported)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(graph, place)
    return folder


def padding_moves_it(subject: Subject) -> bool:
    """Whether left padding moves the reference's own answer, so that ours is its answer for the text alone.

    So it is where positions count from the first column, and where a classification head reads the first column.
    """
    decoder = tiny.ARCHITECTURES[subject.name].padding_side == "left"
    return subject.name in ABSOLUTE or (subject.task == RERANK and not decoder)


def _pooled(modes: tuple[str, ...], folder: Path, _: str, include_prompt: bool = True) -> None:
    write(folder / "1_Pooling" / "config.json", tiny.pooling_config(modes, include_prompt))


def _other_side(folder: Path, architecture: str) -> None:
    side = "right" if tiny.ARCHITECTURES[architecture].padding_side == "left" else "left"
    tiny.change(folder / "tokenizer_config.json", {"padding_side": side})


def _two_modes_on_the_other_side(folder: Path, architecture: str) -> None:
    _pooled(("mean", "lasttoken"), folder, architecture)
    _other_side(folder, architecture)


def _no_types(folder: Path, _: str) -> None:
    tiny.change(folder / "tokenizer_config.json", {"model_input_names": ["input_ids", "attention_mask"]})


def _shorter(limit: int, folder: Path, _: str) -> None:
    tiny.change(folder / "tokenizer_config.json", {"model_max_length": limit})


def _splade(strategy: str, activation: str, folder: Path, _: str) -> None:
    config = {"pooling_strategy": strategy, "activation_function": activation, "word_embedding_dimension": None}
    write(folder / "1_SpladePooling" / "config.json", config)


def _plain(folder: Path, architecture: str) -> None:
    """Transformers' own files only: what the reference assumes for a language model."""
    shutil.rmtree(folder / "1_SpladePooling")
    for name in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"):
        (folder / name).unlink()
    _shorter(LIMIT, folder, architecture)


def _no_activation(folder: Path, _: str) -> None:
    tiny.change(folder / "config.json", {"sentence_transformers": {}})


def _saved(task: str, folder: Path, _: str) -> None:
    """Saved again by the reference itself: the newest generation of files."""
    _shorter(LIMIT, folder, "")
    body = Transformer(str(folder), transformer_task=BODIES[task])
    width = body.config.vocab_size if task == SPARSE else tiny.HIDDEN
    if task == DENSE:
        model = SentenceTransformer(modules=[body, Pooling(width, "mean"), Normalize()], device="cpu")
    elif task == SPARSE:
        model = SparseEncoder(modules=[body, SpladePooling("max", embedding_dimension=width)], device="cpu")
    else:
        model = CrossEncoder(modules=[body], device="cpu")
    shutil.rmtree(folder)
    model.save_pretrained(str(folder))


def _has_types(architecture: str) -> bool:
    """Whether the tokenizer makes types and the model takes them."""
    names = tiny.tiny_tokenizer(tiny.ARCHITECTURES[architecture].tokenizer).model_input_names
    return "token_type_ids" in names and architecture not in ("distilbert", "deberta-v2")


EXPORTED = Variant(exported=True)
NO_TYPES = Variant(_no_types, _has_types)
SIDES = {OTHER_SIDE: Variant(_other_side)}
VARIANTS: dict[str, dict[str, Variant]] = {
    DENSE: {
        **{mode: Variant(partial(_pooled, (mode,)), _sees_the_text if mode == "cls" else _always)
           for mode in tiny.FLAGS},
        "cls + mean": Variant(partial(_pooled, ("cls", "mean"))),
        "prompt left out": Variant(partial(_pooled, ("mean",), include_prompt=False), call={"prompt": PROMPT}),
        OTHER_SIDE: Variant(_two_modes_on_the_other_side),
        "no token types": NO_TYPES,
        "saved by 6.2": Variant(partial(_saved, DENSE)),
        "as exported": EXPORTED,
    },
    SPARSE: {
        **{f"{strategy}, {activation}": Variant(partial(_splade, strategy, activation))
           for strategy in ("max", "sum") for activation in ("relu", "log1p_relu")},
        "16 largest": Variant(call={"max_active_dims": 16}),
        "no modules.json": Variant(_plain),
        **SIDES,
        "no token types": NO_TYPES,
        "saved by 6.2": Variant(partial(_saved, SPARSE)),
        "as exported": EXPORTED,
    },
    RERANK: {
        "logits": Variant(),
        "Sigmoid": Variant(_no_activation),
        "three labels, softmax": Variant(
            applies=lambda name: name in THREE_LABELS, call={"apply_softmax": True}, labels=3
        ),
        "cut to 16 tokens": Variant(partial(_shorter, 16)),
        **SIDES,
        "no token types": NO_TYPES,
        "saved by 6.2": Variant(partial(_saved, RERANK)),
        "as exported": EXPORTED,
    },
}  # fmt: skip
FAMILY_VARIANTS = {"as published": Variant(), "as exported": EXPORTED}
