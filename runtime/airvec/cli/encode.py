"""`airvec encode`: texts → vectors, as a table, JSON lines or a .npy file.

Knows nothing of where texts and models come from.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airvec.cli.model import add_model_arguments, open_model, positive, show_progress
from airvec.cli.style import shorten, table
from airvec.cli.texts import add_text_arguments, json_lines, read_texts, written
from airvec.errors import ArgumentError
from airvec.precision import PRECISIONS

EXAMPLES = """examples:
  airvec encode "a small boat" "a big ship"
  airvec encode --file corpus.txt --out corpus.npy --normalize
  cat corpus.jsonl | airvec encode --field body --format jsonl --model ./all-MiniLM-L6-v2
"""
FORMATS = {".npy": "npy", ".jsonl": "jsonl"}
SHOWN_VALUES = 6


def add_parser(subparsers: Any) -> None:
    """Add the sub-command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "encode", help="texts to vectors", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_text_arguments(parser)
    parser.add_argument(
        "--format",
        choices=("table", "jsonl", "npy"),
        help="default: by --out's ending, else a table for a terminal and JSONL for a pipe",
    )
    parser.add_argument("--out", "-o", type=Path, metavar="FILE", help="write to FILE (.npy or .jsonl)")
    parser.add_argument("--prompt-name", help="which of the model's prompts to put in front")
    parser.add_argument("--prompt", help="text to put in front")
    parser.add_argument("--normalize", action="store_true", help="scale vectors to length 1")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument(
        "--on-truncate",
        choices=("ignore", "warn", "error", "chunk"),
        default="ignore",
        help="for texts over the model's limit",
    )
    parser.add_argument("--batch-size", type=positive, help="most texts in a batch (default: by tokens)")
    add_model_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Encode and write."""
    chosen = _format(arguments)
    texts = read_texts(arguments)
    # Written as they come, so that vectors need not fit into memory.
    out: Path | None = arguments.out
    at_once = chosen == "npy" and out is not None and out.suffix == ".npy" and (out.is_file() or not out.exists())
    vectors = open_model(arguments).encode(
        texts,
        arguments.prompt_name,
        arguments.prompt,
        arguments.batch_size,
        show_progress(arguments),
        precision=arguments.precision,
        normalize_embeddings=arguments.normalize,
        on_truncate=arguments.on_truncate,
        out=out if at_once else None,
    )
    if chosen == "npy":
        if not at_once:
            _write_npy(arguments.out, vectors)
        print(f"{out}: {' x '.join(map(str, vectors.shape))} {vectors.dtype}", file=sys.stderr)
    elif arguments.out:
        with written(arguments.out) as file:
            file.writelines(line.encode() for line in _lines(texts, vectors))
    elif chosen == "jsonl":
        sys.stdout.writelines(_lines(texts, vectors))
    else:
        print(_table(texts, vectors))
    return 0


def _format(arguments: argparse.Namespace) -> str:
    out, chosen = arguments.out, arguments.format
    if out is None:
        if chosen == "npy":
            raise ArgumentError(f"--format: {chosen!r} is binary and needs a file. Add --out vectors.npy")
        return chosen or ("table" if sys.stdout.isatty() else "jsonl")
    if chosen == "table":
        raise ArgumentError(f"--format: {chosen!r} is for the terminal. Use --format jsonl or npy with --out.")
    if chosen is None and out.suffix not in FORMATS:
        raise ArgumentError(f"--out: {str(out)!r}, expected a name ending in {' or '.join(FORMATS)}. Or add --format.")
    return chosen or FORMATS[out.suffix]


def _write_npy(path: Path, vectors: Any) -> None:
    import numpy as np

    with written(path) as file:
        np.save(file, vectors)


def _lines(texts: list[str], vectors: Any) -> Iterator[str]:
    return json_lines(
        {"text": text, "embedding": [_number(value) for value in vector]}
        for text, vector in zip(texts, vectors.tolist(), strict=True)
    )


def _number(value: float) -> float:
    """Nine digits bring every float32 back exactly."""
    return float(f"{value:.9g}") if isinstance(value, float) else value


def _cell(value: float) -> str:
    return f"{value:7.4f}" if isinstance(value, float) else f"{value:4d}"


def _table(texts: list[str], vectors: Any) -> str:
    shown, dim = min(SHOWN_VALUES, vectors.shape[1]), vectors.shape[1]
    rows = [
        [shorten(text, 40), " ".join(map(_cell, vector[:shown])) + (" …" if shown < dim else "")]
        for text, vector in zip(texts, vectors.tolist(), strict=True)
    ]
    return table(["text", f"first {shown} of {dim} values"], rows)
