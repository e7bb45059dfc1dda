"""airvec against sentence-transformers on torch: the largest difference, over batch sizes.

    python benchmarks/parity.py --model FOLDER --checkpoint FOLDER

Texts: those of both bench files, and texts of exactly 0, 1, 100, 130, 200, 300 and 600 tokens, shuffled. Batch
sizes: 1, 7, 32, all at once, and airvec's own choice. Needs sentence-transformers; ends with code 1 above 1e-5.
Knows nothing of how fast they are.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from measure.datasets import LONG, SHORT, MissingDataError, check_file, read_texts
from measure.models import CHECKPOINT
from measure.table import markdown
from numpy.typing import NDArray
from tokenizers import Tokenizer

from airvec import SentenceTransformer

LENGTHS = (0, 1, 100, 130, 200, 300, 600)
BATCH_SIZES = (1, 7, 32)
BOUND = 1e-5


def text_of_length(tokens: int, material: str, tokenizer: Tokenizer) -> str:
    """The beginning of `material` that has exactly this many tokens, special ones not counted.

    Raises:
        ValueError: no beginning has.
    """
    words = material.split()
    low, high = 0, len(words)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if _count(words[:middle], tokenizer) < tokens else (low, middle)
    shorter = " ".join(words[: max(0, low - 1)])
    for text in (" ".join(words[:low]), *(f"{shorter} {'a ' * extra}".strip() for extra in range(20))):
        if _count([text], tokenizer) == tokens:
            return text
    raise ValueError(f"{tokens} tokens: no beginning of the text has so many. Give more text.")


def make_texts(count: int, tokenizer: Tokenizer) -> list[str]:
    """`count` texts of each bench file and one of every length of LENGTHS, in a fixed random order."""
    long = read_texts(LONG)
    material = " ".join(long[-60:])
    texts = read_texts(SHORT)[:count] + long[:count]
    texts += [text_of_length(tokens, material, tokenizer) for tokens in LENGTHS]
    return [texts[row] for row in np.random.default_rng(0).permutation(len(texts))]


def compare(model: SentenceTransformer, texts: list[str], expected: NDArray[np.float32]) -> list[dict[str, object]]:
    """One row a batch size: largest difference, and lowest cosine."""
    rows: list[dict[str, object]] = []
    for size in (*BATCH_SIZES, len(texts), None):
        found = model.encode(texts, batch_size=size, show_progress_bar=False)
        delta = float(np.abs(found - expected).max())
        cosine = float((found.astype(np.float64) * expected).sum(axis=1).min())
        name = "airvec's own" if size is None else f"all {size} at once" if size == len(texts) else str(size)
        rows.append({"batch size": name, "max |Δ|": delta, "least cosine": f"{cosine:.7f}", "ok": delta <= BOUND})
    return rows


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder written by airvec export")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="the torch checkpoint it was made from")
    parser.add_argument("--count", type=int, default=1000, help="texts of each bench file (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


def main() -> int:
    """Compare, print; 1 if any difference is over the bound."""
    options = arguments()
    try:
        tokenizer = Tokenizer.from_file(str(check_file(options.model / "tokenizer.json")))
        check_file(options.checkpoint / "modules.json")
        tokenizer.no_truncation()
        tokenizer.no_padding()
        texts = make_texts(options.count, tokenizer)
    except MissingDataError as error:
        print(error, file=sys.stderr)
        return 2
    expected = reference(options.checkpoint, texts)
    rows = compare(SentenceTransformer(options.model), texts, expected)
    print(json.dumps(rows, indent=2) if options.json else markdown(rows))
    print(
        f"{len(texts)} texts; the reference's vectors have a standard deviation of {expected.std(axis=0).mean():.3f}."
    )
    return 0 if all(row["ok"] for row in rows) else 1


def reference(checkpoint: Path, texts: list[str]) -> NDArray[np.float32]:
    """The vectors of sentence-transformers on torch, one text a batch, so that nothing depends on padding."""
    from sentence_transformers import SentenceTransformer as Reference

    return Reference(str(checkpoint), device="cpu").encode(texts, batch_size=1, show_progress_bar=False)


def _count(words: list[str], tokenizer: Tokenizer) -> int:
    return len(tokenizer.encode(" ".join(words), add_special_tokens=False).ids)


if __name__ == "__main__":
    sys.exit(main())
