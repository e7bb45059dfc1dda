"""A script that a package's own Python runs: opens its models, prints their numbers for one text as JSON.

The handler is imported too, which opens model, reranker and index as they lie beside the packages.

    python -I -S probe.py FOLDER_OF_PACKAGES KIND MODEL_FOLDER [KIND MODEL_FOLDER …]

An empty MODEL_FOLDER is the model inside of airvec. The same numbers come from `numbers` in the process that packs.
Knows nothing of packages, and imports nothing but the standard library before the packages are on the path.
"""

import json
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

TEXT = "The ferry to the islands leaves at six."


def numbers(kind: str, folder: str) -> list[float]:
    """What a model gives for one text: its embedding, or a reranker's score of the text with itself."""
    import airvec

    if kind == "CrossEncoder":
        scores: Any = airvec.CrossEncoder(folder, threads=1).predict([(TEXT, TEXT)])
        return scores.ravel().tolist()
    if kind == "SparseEncoder":
        weights: Any = airvec.SparseEncoder(folder, threads=1).encode([TEXT])
        return weights.to_dense().ravel().tolist()
    return airvec.SentenceTransformer(folder or None, threads=1).encode([TEXT]).ravel().tolist()


def main(arguments: Sequence[str]) -> None:
    """Print a list of numbers for each model, on one line."""
    sys.path.insert(0, arguments[0])
    import_module("airvec.serverless")
    models = zip(arguments[1::2], arguments[2::2], strict=True)
    sys.stdout.write(json.dumps([numbers(kind, folder) for kind, folder in models]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
