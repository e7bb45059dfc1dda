"""Writes the folder of one body: config.json, tokenizer, limits, torch's weights.

`tokenizer.json` says what transformers does with the checkpoint's tokenizer, without truncation and padding blocks.
config.json and the weights are the checkpoint's own files, but where the caller chose a dtype: then the weights are
written in that, and config.json says so. Tables keep their weights, since they are the model.
Knows nothing of other modules and of graphs.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from airvec.folder import CLASSIFY, TokenizerSpec
from airvec.json_file import read_object, read_object_if_there
from airvec_exporter.body import Body
from airvec_exporter.transformer import quiet_transformers
from airvec_exporter.weights import read_state

DTYPE_KEYS = {"dtype", "torch_dtype"}
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
# Files besides tokenizer.json that older tokenizers and other libraries read.
TOKENIZER_FILES = (
    "special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt", "spiece.model",
    "sentencepiece.bpe.model", "tokenizer.model", "chat_template.jinja",
)  # fmt: skip

# transformers 5 calls the class of a tokenizer without one of its own by a new name, which transformers 4 does not
# know ("Unrecognized processing class"); both know the old name, under which transformers 4 would make token types.
NEW_CLASS, OLD_CLASS = "TokenizersBackend", "PreTrainedTokenizerFast"


def write_body(body: Body, out: Path, *, weights: bool, limits: bool = True) -> None:
    """Write everything of a body but its graphs into `out`, which exists.

    Args:
        body: what to write.
        out: its folder.
        weights: False leaves torch's weights out; tables keep theirs.
        limits: whether sentence-transformers' own file says the length limit; else the tokenizer's does.
    """
    if body.spec.type == "StaticEmbedding":
        _write_static(body.spec.path, out)
        return
    if body.is_table:
        _write_sparse_static(body, out)
        return
    copy(body.spec.path, out, ("config.json",))
    if limits:
        _write_limits(body, out)
    _write_tokenizer(body, out)
    if weights:
        _write_weights(body, out)


def copy(source: Path, out: Path, names: tuple[str, ...]) -> None:
    """Copy those of some files that are there."""
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, out / name)


def write_json(path: Path, value: object, *, sort_keys: bool = True) -> None:
    """Write JSON, with sorted keys unless their order says something."""
    path.write_text(json.dumps(value, indent=2, sort_keys=sort_keys, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_limits(body: Body, out: Path) -> None:
    limits: dict[str, Any] = {"max_seq_length": body.limits.max_length, "do_lower_case": body.limits.lower_case}
    if body.spec.task == CLASSIFY:
        limits["transformer_task"] = CLASSIFY  # the oldest type names have none for it
    write_json(out / "sentence_bert_config.json", limits)


def save_tokenizer(tokenizer: Any, limits: TokenizerSpec, out: Path) -> None:
    """Write a tokenizer of transformers as it is in memory, for every generation of readers.

    Args:
        tokenizer: what to write.
        limits: the length limit; its other fields are as the tokenizer says.
        out: a folder that exists.
    """
    tokenizer.save_pretrained(out)
    sides = {"padding_side": tokenizer.padding_side, "truncation_side": tokenizer.truncation_side}
    _write_backend(tokenizer, limits._replace(**sides), out, out)


def _write_tokenizer(body: Body, out: Path) -> None:
    copy(body.spec.path, out, TOKENIZER_FILES)
    _write_backend(body.tokenizer, body.limits, body.spec.path, out)


def _write_backend(tokenizer: Any, limits: TokenizerSpec, home: Path, out: Path) -> None:
    # A copy, so that the checkpoint's own tokenizer keeps its settings.
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.no_truncation()
    backend.no_padding()
    backend.save(str(out / "tokenizer.json"), pretty=False)
    write_json(out / "tokenizer_config.json", _tokenizer_config(tokenizer, limits, home))


def _tokenizer_config(tokenizer: Any, limits: TokenizerSpec, home: Path) -> dict[str, Any]:
    """The checkpoint's own settings under its saved arguments, with what is left to transformers' defaults stated."""
    stated = {**read_object_if_there(home / "tokenizer_config.json").values, **limits.saved_arguments}
    stated.setdefault("tokenizer_class", type(tokenizer).__name__)
    stated.setdefault("pad_token", limits.pad_token or tokenizer.pad_token)
    stated.setdefault("padding_side", limits.padding_side)
    stated.setdefault("truncation_side", limits.truncation_side)
    if limits.max_length is not None:  # here too: optimum, fastembed and transformers.js read no other file
        stated["model_max_length"] = limits.max_length
    if stated["tokenizer_class"] == NEW_CLASS:
        stated["tokenizer_class"] = OLD_CLASS
        stated.setdefault("model_input_names", list(tokenizer.model_input_names))
    return stated


def _write_weights(body: Body, out: Path) -> None:
    """The checkpoint's own safetensors files; a pickle is written anew as safetensors."""
    if body.dtype is not None:
        _write_rounded(body, body.dtype, out)
        return
    home = body.spec.path
    shards = sorted(path.name for path in home.glob("model-*-of-*.safetensors"))
    copy(home, out, (*WEIGHTS, *shards))
    if any((out / name).is_file() for name in WEIGHTS):
        return
    config = (out / "config.json").read_bytes()
    with quiet_transformers():
        body.model.save_pretrained(out)
    (out / "config.json").write_bytes(config)  # in the form that older versions of transformers read, too


def _write_rounded(body: Body, dtype: str, out: Path) -> None:
    """The loaded weights in the caller's dtype, which they have been rounded to."""
    config = read_object(out / "config.json").values
    kind = getattr(torch, dtype)
    state = {key: tensor.to(kind) for key, tensor in body.model.state_dict().items() if tensor.is_floating_point()}
    whole = {key: tensor for key, tensor in body.model.state_dict().items() if not tensor.is_floating_point()}
    with quiet_transformers():
        body.model.save_pretrained(out, state_dict=state | whole)
    # Versions of transformers below 5 read the longer name, later ones either.
    write_json(out / "config.json", {**config, **dict.fromkeys({"torch_dtype"} | DTYPE_KEYS & config.keys(), dtype)})


def _write_static(home: Path, out: Path) -> None:
    """Both files as they are: in this module, a truncation block in tokenizer.json is part of the model."""
    copy(home, out, ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"))
    if not (out / "model.safetensors").is_file():
        save_file(read_state(home), out / "model.safetensors")


def _write_sparse_static(body: Body, out: Path) -> None:
    """Weights as a tensor, whatever form they had: the reference looks for idf.json below its own working folder."""
    _write_tokenizer(body, out)
    write_json(out / "config.json", {"frozen": body.spec.config.flag("frozen", False)})
    save_file({"weight": body.model.weight.detach().contiguous()}, out / "model.safetensors")
