"""Writes a model folder's tokenizers once more, in files that open faster: see `compact_tokenizer.py`.

Measured, medians of fresh processes: a WordPiece vocabulary of 30,000 opens in 13 ms in place of 21. Other kinds have
no file that opens faster without a second copy of their merges (BPE), or none at all (Unigram).
Knows nothing of graphs and packages.
"""

import json
import os
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from airvec.compact_tokenizer import WORD_PIECE, compact_names, fingerprint, read_compact
from airvec.errors import ModelFolderError
from airvec.json_file import read_object, short_name


def write_compact(file: Path) -> tuple[Path, ...]:
    """Write the compact files of a `tokenizer.json` beside it, if they give the very same tokenizer.

    Args:
        file: the `tokenizer.json`.

    Returns:
        The files that were written; () for a tokenizer of another kind, or one whose vocabulary a list of lines cannot
        hold: ids with gaps, tokens that end in white space, added tokens outside of it.

    Raises:
        ModelNotFoundError: no such file.
        ModelFolderError: it is no tokenizer.
    """
    settings, vocabulary = map(Path, compact_names(file))
    shell = read_object(file).values
    tokens = _tokens_in_order(shell)
    if tokens is None:
        return ()
    shell["model"]["vocab"] = {token["content"]: token["id"] for token in shell["added_tokens"]}
    _replace(vocabulary, "".join(f"{token}\n" for token in tokens))
    told = {"of": [fingerprint(file), fingerprint(vocabulary)], "tokenizer": shell}
    _replace(settings, json.dumps(told, ensure_ascii=False) + "\n")
    if _same(file):
        return settings, vocabulary
    settings.unlink()
    vocabulary.unlink()
    return ()


def _same(file: Path) -> bool:
    """Whether the compact files give the tokenizer of the whole one, in all that tokenizers writes of it."""
    try:
        compact, whole = read_compact(file), Tokenizer.from_file(str(file))
    except Exception as error:  # the Rust library's only kind
        for path in compact_names(file):
            Path(path).unlink()
        raise ModelFolderError(f"{short_name(file)}: not a tokenizer ({error}). Fetch the file again.") from error
    return compact is not None and compact.to_str() == whole.to_str()


def _tokens_in_order(shell: dict[str, Any]) -> list[str] | None:
    """The vocabulary by id; None where it is no WordPiece's, has gaps, or lacks an added token."""
    model: dict[str, Any] = shell.get("model") or {}
    if model.get("type") != WORD_PIECE:
        return None
    vocabulary: dict[str, int] = model["vocab"]
    added: list[dict[str, Any]] = shell["added_tokens"]
    if any(vocabulary.get(token["content"]) != token["id"] for token in added):
        return None
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    if [vocabulary[token] for token in tokens] != list(range(len(tokens))):
        return None
    return None if any(token != token.rstrip() or not token or "\n" in token for token in tokens) else tokens


def _replace(path: Path, text: str) -> None:
    """Write a file under a temporary name, then rename it."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.write_text(text, encoding="utf-8", newline="\n")
    fresh.replace(path)
