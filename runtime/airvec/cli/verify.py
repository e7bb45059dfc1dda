"""`airvec verify`: is an index of old vectors still valid with this model?

Compares stored vectors with those that the model gives for the same texts now: the largest difference and the
cosines on unit vectors, and how many of the ten nearest neighbours of each text stay the same.
Knows nothing of where the old vectors came from.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from airvec.cli.model import add_model_arguments, open_model, show_progress
from airvec.cli.style import GREEN, RED, paint, table
from airvec.cli.texts import read_file
from airvec.errors import ArgumentError, InputError, ModelNotFoundError

EXAMPLES = """examples:
  airvec verify ./all-MiniLM-L6-v2 --texts texts.jsonl --vectors old.npy
  airvec verify ./new-model --texts texts.txt --vectors old.npy --min-cosine 0.99 --format json

exit code: 0 = valid, 1 = not valid or an error, 2 = wrong usage
"""
NEIGHBOURS = 10
QUERIES = 1000  # texts whose neighbours are compared; all rows are searched


@dataclass(frozen=True)
class Comparison:
    """Old against new vectors, on unit length; `overlap` is the mean share of the nearest ten that stay."""

    texts: int
    max_delta: float
    min_cosine: float
    mean_cosine: float
    overlap: float


def add_parser(subparsers: Any) -> None:
    """Add the sub-command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "verify", help="is my index still valid?", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="MODEL", help="the model that new vectors come from: folder or name")
    parser.add_argument(
        "--texts",
        type=Path,
        required=True,
        metavar="FILE",
        help="the texts of the index, in its order: lines, or JSONL",
    )
    parser.add_argument(
        "--vectors", type=Path, required=True, metavar="FILE", help="their stored vectors: .npy, float, (texts, dim)"
    )
    parser.add_argument("--field", default="text", help="the key of the text in JSONL objects (default: text)")
    parser.add_argument("--prompt-name", help="which of the model's prompts the index was made with")
    parser.add_argument(
        "--min-cosine", type=float, default=0.9999, help="smallest cosine that counts as the same (default: 0.9999)"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")
    add_model_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare and print; 1 if the index is not valid any more."""
    texts = list(read_file(arguments.texts, arguments.field))
    old = _read_vectors(arguments.vectors, len(texts))
    arguments.model = arguments.folder
    new = open_model(arguments).encode(texts, arguments.prompt_name, show_progress_bar=show_progress(arguments))
    if old.shape[1] != new.shape[1]:
        raise ArgumentError(
            f"--vectors: {old.shape[1]} dimensions, but the model gives {new.shape[1]}. These are of another model, or "
            "were shortened: try --truncate-dim."
        )
    found = compare(old, new)
    valid = found.min_cosine >= arguments.min_cosine
    if arguments.format == "json":
        print(json.dumps({**asdict(found), "valid": valid}))
    else:
        print(_report(found))
        print(paint("valid: keep the index", GREEN) if valid else paint("not valid: encode the texts again", RED))
    return int(not valid)


def compare(old: Any, new: Any) -> Comparison:
    """Compare two sets of vectors of the same texts, (n, dim) each."""
    import numpy as np

    from airvec.modules.normalize import unit
    from airvec.search import semantic_search

    a, b = unit(np.asarray(old, np.float32)), unit(np.asarray(new, np.float32))
    cosines = np.einsum("nd,nd->n", a, b)
    cosines[~a.any(axis=1) & ~b.any(axis=1)] = 1  # a text without a known word: zeros then, and zeros now
    sample = np.linspace(0, len(a) - 1, min(QUERIES, len(a))).astype(int)
    before, after = (semantic_search(rows[sample], rows, top_k=NEIGHBOURS) for rows in (a, b))
    shared = [
        len({hit["corpus_id"] for hit in one} & {hit["corpus_id"] for hit in other}) / len(one)
        for one, other in zip(before, after, strict=True)
    ]
    return Comparison(
        len(a), float(np.abs(a - b).max()), float(cosines.min()), float(cosines.mean()), float(np.mean(shared))
    )


def _read_vectors(path: Path, count: int) -> Any:
    import numpy as np

    if not path.is_file():
        raise ModelNotFoundError(f"{path}: no such file. Give the stored vectors as .npy.")
    try:
        with path.open("rb") as file:
            vectors = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError, MemoryError) as error:  # MemoryError: a damaged header that states a huge shape
        raise InputError(f"{path}: not a .npy file ({error}). Save the vectors with numpy.save.") from error
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or len(vectors) != count or not count:
        raise ArgumentError(
            f"--vectors: shape {list(vectors.shape)} of {vectors.dtype}, expected float [{count}, dim]: a row a text, "
            "in the same order. Check that both files are of one index."
        )
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise ArgumentError(f"--vectors: row {bad[0]} holds a value that is no number, expected finite ones. Mend it.")
    return vectors


def _report(found: Comparison) -> str:
    rows = [
        ["texts", str(found.texts)],
        ["max |Δ| on unit vectors", f"{found.max_delta:.1e}"],
        ["cosine, smallest", f"{found.min_cosine:.6f}"],
        ["cosine, mean", f"{found.mean_cosine:.6f}"],
        [f"top-{NEIGHBOURS} overlap", f"{100 * found.overlap:.2f} %"],
    ]
    return table(["old against new", ""], rows)
