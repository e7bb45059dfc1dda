"""One process of peak_memory.py: opens a model, embeds texts, and says what it held in memory on the way.

    PYTHON benchmarks/measure/peak.py LIBRARY MODEL SETTINGS TEXTS HOW

TEXTS is a file of JSON strings, a line each; SETTINGS the constructor's arguments as JSON. HOW: "parts" = a thousand
texts a call, read from the file as they are needed (airvec: `encode_stream`); "whole" = all in one call; "file" = all
in one call of airvec with `out=`. Prints JSON: MB (10^6 bytes) after so many texts, and the peak. Runs in a peer's
environment.
Knows nothing of what other processes hold.
"""

import itertools
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
PART = 1000
MARKS = (1000, 5000, 20_000)
Encode = Callable[[list[str]], Any]


def read(file: str) -> Iterator[str]:
    """The texts, one after another."""
    with Path(file).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def held(what: str) -> float:
    """`VmRSS` or `VmHWM` of this process in MB, mapped files included."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) * 1024 / 1e6


def airvec(model: str, settings: dict[str, Any]) -> Any:
    """The model itself: its results are asked for in three ways."""
    from airvec import SentenceTransformer

    return SentenceTransformer(model or None, **settings)


def sentence_transformers(model: str, settings: dict[str, Any]) -> Encode:
    """With its own batches of 32."""
    from sentence_transformers import SentenceTransformer

    limit = settings.pop("max_seq_length")
    opened = SentenceTransformer(model, device="cpu", **settings)
    opened.max_seq_length = limit
    return lambda texts: opened.encode(texts, show_progress_bar=False)


def fastembed(model: str, settings: dict[str, Any]) -> Encode:
    """`model` is a folder with its length limit; `settings` the name of the model, and the texts of a batch."""
    from fastembed import TextEmbedding

    size = settings.pop("batch_size")
    opened = TextEmbedding(specific_model_path=model, **settings)
    return lambda texts: list(opened.embed(texts, batch_size=size))


def after_parts(results: Iterator[Any]) -> dict[str, float]:
    """MB after the numbers of texts that `MARKS` names; `results` are of `PART` texts each."""
    return {
        str(done): held("VmRSS") for done, _ in zip(itertools.count(PART, PART), results, strict=False) if done in MARKS
    }


def embed(library: str, model: str, settings: dict[str, Any], file: str, how: str) -> dict[str, float]:
    """Open and embed: MB by number of texts."""
    if library == "airvec":
        opened = airvec(model, settings)
        if how == "parts":
            return after_parts(opened.encode_stream(read(file), chunk_size=PART))
        texts = list(read(file))
        if how == "whole":
            kept = opened.encode(texts)
            return {str(len(kept)): held("VmRSS")}
        with tempfile.TemporaryDirectory() as folder:
            return {str(len(opened.encode(texts, out=Path(folder) / "rows.npy"))): held("VmRSS")}
    encode = {"sentence_transformers": sentence_transformers, "fastembed": fastembed}[library](model, settings)
    texts = read(file)
    parts = iter(lambda: list(itertools.islice(texts, PART)), [])
    return after_parts(encode(part) for part in parts)


def main(library: str, model: str, settings: str, file: str, how: str) -> None:
    """Do it and print."""
    found = embed(library, model, json.loads(settings), file, how)
    # The kernel counts a thread's pages in lumps, so that its peak may be behind what it says is held.
    print(json.dumps({**found, "peak": max(held("VmHWM"), *found.values())}))


if __name__ == "__main__":
    main(*sys.argv[1:])
