"""Which entries of a folder belong to the model that was saved there before: what a new model must not stand beside.

Exact names only, and the folders that the old model's own files name: what merely looks like a model's file is the
user's and stays.
Knows nothing of how models are written.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from airvec.folder.tokenizer import TRANSFORMER_CONFIGS

__all__ = ["entries_of_model"]

MODULES, ROUTER, CONFIG = "modules.json", "router_config.json", "config.json"
# One of these makes a folder a model's; config.json does where it says a kind of model.
MARKS = (MODULES, ROUTER, "config_sentence_transformers.json", "adapter_config.json", "airvec.json")
FILES = frozenset({
    *MARKS, *TRANSFORMER_CONFIGS, CONFIG, "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    "tokenizer.model", "special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt",
    "bpe.codes", "spiece.model", "sentencepiece.bpe.model", "whitespacetokenizer_config.json", "chat_template.jinja",
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
    "adapter_model.safetensors", "adapter_model.bin",
})  # fmt: skip
SHARD = re.compile(r"(model-\d{5}-of-\d{5}\.safetensors|pytorch_model-\d{5}-of-\d{5}\.bin)")
GRAPHS = ("onnx", "openvino")  # of the old weights


def entries_of_model(folder: Path) -> set[str]:
    """Names of the entries of a folder that are a model's; none where it holds no model."""
    if not _holds_model(folder):
        return set()
    there = {entry.name: entry.is_dir() for entry in folder.iterdir()}
    named = set(_folders(folder)) | set(GRAPHS)
    return {
        name for name, is_dir in there.items() if (name in named if is_dir else name in FILES or SHARD.fullmatch(name))
    }


def _holds_model(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    return any((folder / name).is_file() for name in MARKS) or "model_type" in _object(folder / CONFIG)


def _folders(folder: Path) -> Iterator[str]:
    """The folders that the lists of modules name, directly in this one."""
    modules = _read(folder / MODULES)
    paths = [entry.get("path") for entry in modules if isinstance(entry, dict)] if isinstance(modules, list) else []
    for path in [*paths, *_dict(_object(folder / ROUTER).get("types"))]:
        if isinstance(path, str) and len(PurePosixPath(path).parts) == 1:
            yield path


def _object(file: Path) -> dict[str, Any]:
    return _dict(_read(file))


def _dict(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _read(file: Path) -> Any:
    """What a JSON file says; None where there is none or it cannot be read, so that nothing is removed for it."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
