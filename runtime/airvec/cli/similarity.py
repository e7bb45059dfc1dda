"""`airvec similarity`: how similar texts are, every one to every other.

Knows nothing of where texts and models come from.
"""

import argparse
import sys
from typing import Any

from airvec.cli.model import add_model_arguments, open_model, show_progress
from airvec.cli.style import BOLD, paint, shade, shorten
from airvec.cli.texts import add_text_arguments, json_lines, read_texts
from airvec.errors import ArgumentError

EXAMPLES = """examples:
  airvec similarity "the cat sleeps" "a kitten naps" "stock prices fell"
  airvec similarity --file sentences.txt --format jsonl
"""
LABEL_WIDTH = 36


def add_parser(subparsers: Any) -> None:
    """Add the sub-command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "similarity",
        help="a table of similarities",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_text_arguments(parser)
    parser.add_argument("--format", choices=("table", "jsonl"), default="table")
    parser.add_argument("--function", choices=("cosine", "dot", "euclidean", "manhattan"), help="default: the model's")
    add_model_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Encode, compare, print."""
    texts = read_texts(arguments)
    if len(texts) < 2:
        raise ArgumentError(f"texts: {len(texts)} given, expected at least 2 to compare. Add another.")
    model = open_model(arguments)
    if arguments.function:
        model.similarity_fn_name = arguments.function
    embeddings = model.encode(texts, show_progress_bar=show_progress(arguments))
    scores = model.similarity(embeddings, embeddings).tolist()
    if arguments.format == "jsonl":
        sys.stdout.writelines(json_lines(_pairs(texts, scores)))
    else:
        print(similarity_table(texts, scores))
    return 0


def similarity_table(texts: list[str], scores: list[list[float]]) -> str:
    """A square of scores, shaded, with the texts on its left."""
    width = min(LABEL_WIDTH, max(map(len, texts)))
    lines = [" " * (width + 5) + "".join(paint(f"{column + 1:7d}", BOLD) for column in range(len(texts)))]
    for row, (text, values) in enumerate(zip(texts, scores, strict=True), 1):
        cells = "".join(paint(f"{value:7.3f}", shade(value)) for value in values)
        lines.append(f"{paint(f'{row:3d}', BOLD)}  {shorten(text, width).ljust(width)}{cells}")
    return "\n".join(lines)


def _pairs(texts: list[str], scores: list[list[float]]) -> list[dict[str, Any]]:
    pairs = [(row, column) for row in range(len(texts)) for column in range(row + 1, len(texts))]
    return [{"text1": texts[i], "text2": texts[j], "score": round(scores[i][j], 6)} for i, j in pairs]
