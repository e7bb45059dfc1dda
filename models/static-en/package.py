"""Writes the model folder: tensors, tokenizer and the JSON files that say how to read them; compares two such folders.

Knows nothing of how the vectors came about.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

# [PAD] for tools that ask for one, [UNK] because WordPiece needs it. Both have a row of zeros: what the vocabulary does
# not know (an emoji) says nothing, as in model2vec, which drops [UNK] from the text.
SILENT_TOKENS = ["[PAD]", "[UNK]"]
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.StaticEmbedding"},
    {"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"},
]
SETTINGS = {
    "__version__": {"sentence_transformers": "6.2.0"},
    "model_type": "SentenceTransformer",
    "prompts": {"query": "", "document": ""},
    "default_prompt_name": None,
    "similarity_fn_name": "cosine",
}


def kept_tokens(tokenizer: dict[str, Any], first: str) -> list[str]:
    """The vocabulary of the result: the silent tokens, then the teacher's tokens from `first` on.

    Before `first` lie [unused0] to [unused993] and the special tokens, which no text reaches.
    """
    vocabulary = tokenizer["model"]["vocab"]
    if first not in vocabulary:
        raise ValueError(f"first_ranked_token: {first!r} is not in the vocabulary. Correct it in static.toml.")
    ordered = sorted(vocabulary, key=vocabulary.__getitem__)
    return SILENT_TOKENS + ordered[ordered.index(first) :]


def static_tokenizer(tokenizer: dict[str, Any], tokens: list[str]) -> dict[str, Any]:
    """The teacher's tokenizer with the kept tokens only.

    It neither cuts nor pads (all-MiniLM's file does both, at 128 tokens), and adds no [CLS] and [SEP], whichever way it
    is called. A text that spells "[SEP]" is read as three tokens like any other text.
    """
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return tokenizer | {
        "truncation": None,
        "padding": None,
        "post_processor": None,
        "added_tokens": [{"id": number, "content": token} | special for number, token in enumerate(SILENT_TOKENS)],
        "model": tokenizer["model"] | {"vocab": {token: number for number, token in enumerate(tokens)}},
    }


def write(folder: Path, rows: np.ndarray, scales: np.ndarray, tokenizer: dict[str, Any], readme: str) -> None:
    """Writes every file of the model into an existing empty folder; the same arguments give the same bytes.

    Args:
        folder: Where to write.
        rows: (tokens, dimensions) int8.
        scales: (tokens,) float32; a token's vector is its row times its scale.
        tokenizer: Content of `tokenizer.json`.
        readme: Text of the card.
    """
    tensors = folder / "model.safetensors"
    save_file({"embeddings": rows, "weights": scales}, tensors)
    # safetensors 0.8 makes it readable by its owner alone, which an installed package must not be.
    tensors.chmod(0o644)
    # model2vec reads this one; sentence-transformers goes by modules.json.
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "hidden_dim": rows.shape[1],
        "normalize": True,
    }
    for name, content in {
        "modules.json": MODULES, "config_sentence_transformers.json": SETTINGS, "config.json": config,
    }.items():  # fmt: skip
        write_text(folder / name, json.dumps(content, indent=2) + "\n")
    write_text(folder / "tokenizer.json", json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")) + "\n")
    write_text(folder / "README.md", readme)


def write_text(file: Path, text: str) -> None:
    """Writes UTF-8 with Unix line ends on every system."""
    file.write_text(text, encoding="utf-8", newline="\n")


def put_in_place(new: Path, place: Path) -> None:
    """Renames the finished folder to its place; what lay there before goes last."""
    place.parent.mkdir(parents=True, exist_ok=True)
    old = new.with_name(new.name + "-old")
    if place.exists():
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def digests(folder: Path) -> dict[str, str]:
    """sha256 of each file, by name."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir()) if file.is_file()
    }


def differences(new: Path, place: Path) -> list[str]:
    """One line for every file that differs, with the distance of the vectors where it is the tensors that do."""
    here, there = digests(new), digests(place) if place.is_dir() else {}
    lines = [
        f"{name}: sha256 {there.get(name, 'missing')} lies there, {here.get(name, 'none')} was made"
        for name in sorted(here | there)
        if here.get(name) != there.get(name)
    ]
    tensors = "model.safetensors"
    if tensors in here and tensors in there and here[tensors] != there[tensors]:
        lines.append(f"{tensors}: {distance(load_file(new / tensors), load_file(place / tensors))}")
    return lines


def distance(new: dict[str, np.ndarray], old: dict[str, np.ndarray]) -> str:
    """How far two sets of tensors lie apart, in words."""
    if new["embeddings"].shape != old["embeddings"].shape:
        return f"shapes {new['embeddings'].shape} and {old['embeddings'].shape}"
    steps = np.abs(new["embeddings"].astype(np.int16) - old["embeddings"])
    return f"{np.count_nonzero(steps):,} of {steps.size:,} int8 numbers differ, by at most {steps.max()}"
