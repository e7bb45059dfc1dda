"""Scores the default model and writes report.json: STS Benchmark, SciFact, sizes, sha256, versions.

    python models/static-en/score.py --data DATA            dev, which the constants were chosen on
    python models/static-en/score.py --data DATA --final    also test and SciFact: once, at the end

DATA holds `stsb/{dev,test}.tsv` and `scifact/` in BEIR layout. Reads the files itself, so that a fault of the airvec
runtime cannot hide here. Knows nothing of how the model was made.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import package
from safetensors.numpy import load_file
from tokenizers import Tokenizer

HERE = Path(__file__).resolve().parent


class StaticModel:
    """A model folder of this recipe, read with NumPy: unit(mean of the token rows)."""

    def __init__(self, folder: Path) -> None:
        """Reads tensors and tokenizer."""
        tensors = load_file(folder / "model.safetensors")
        self.vectors = tensors["embeddings"].astype(np.float32) * tensors["weights"][:, None]  # (tokens, dimensions)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(texts, dimensions) float32 unit vectors; zeros for a text without a known token."""
        result = np.zeros((len(texts), self.vectors.shape[1]), dtype=np.float32)
        for row, text in zip(result, texts, strict=True):
            row[:] = self.vectors[self.tokenizer.encode(text, add_special_tokens=False).ids].sum(axis=0)
        return result / np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-12)


def average_ranks(values: np.ndarray) -> np.ndarray:
    """(n,) ranks from 1; equal values share the mean of their ranks.

    >>> average_ranks(np.array([30, 10, 30])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    return (last - (sizes - 1) / 2)[group]


def spearman(left: np.ndarray, right: np.ndarray) -> float:
    """Spearman's rank correlation, -1 to 1."""
    return float(np.corrcoef(average_ranks(left), average_ranks(right))[0, 1])


def ndcg_at_10(gains: Sequence[float], ideal: Sequence[float]) -> float:
    """Discounted gain of the first ten results over the best order's, 0 to 1.

    Args:
        gains: Relevance of the results in the order found.
        ideal: Relevance of all that should be found, in any order.

    >>> round(ndcg_at_10([0, 1], [1]), 4)
    0.6309
    """
    best = discounted(sorted(ideal, reverse=True))
    return discounted(gains) / best if best else 0.0


def discounted(gains: Sequence[float]) -> float:
    """Sum of gain / log2(rank + 1) over the first ten."""
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains[:10], start=1))


def score_stsb(model: StaticModel, file: Path) -> float:
    """Spearman x 100 between cosine and the human score."""
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").rstrip("\n").split("\n")[1:]]
    cosine = (model.encode([row[1] for row in rows]) * model.encode([row[2] for row in rows])).sum(axis=1)
    return 100 * spearman(cosine, np.array([float(row[0]) for row in rows]))


def score_scifact(model: StaticModel, folder: Path) -> float:
    """NDCG@10 x 100 over the train queries, by cosine; a document is its title, a space and its text."""
    documents, queries = read_jsonl(folder / "corpus.jsonl"), read_jsonl(folder / "queries.jsonl")
    relevant: dict[str, dict[str, float]] = {}
    for line in (folder / "qrels" / "train.tsv").read_text(encoding="utf-8").split("\n")[1:]:
        if line:
            query, document, gain = line.split("\t")
            relevant.setdefault(query, {})[document] = float(gain)
    names = [document["_id"] for document in documents]
    corpus = model.encode([f"{document['title']} {document['text']}" for document in documents])
    asked = [query for query in queries if query["_id"] in relevant]
    scores = model.encode([query["text"] for query in asked]) @ corpus.T  # (queries, documents)
    found = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    return 100 * float(np.mean([
        ndcg_at_10([relevant[query["_id"]].get(names[i], 0.0) for i in order], list(relevant[query["_id"]].values()))
        for query, order in zip(asked, found, strict=True)
    ]))  # fmt: skip


def read_jsonl(file: Path) -> list[dict[str, str]]:
    """One dict a line."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def describe(folder: Path) -> dict[str, Any]:
    """Size and sha256 by file, and the versions at work."""
    sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
    return {
        "made_by": "python models/static-en/distil.py --checkpoint .cache/checkpoints/all-MiniLM-L6-v2 "
        "--data DATA --descriptions descriptions.txt --cache CACHE --out runtime/airvec/default_model",
        "bytes": {"total": sum(sizes.values())} | sizes,
        "sha256": package.digests(folder),
        "versions": {name: version(name) for name in ("numpy", "torch", "transformers", "tokenizers", "safetensors")}
        | {"python": ".".join(map(str, sys.version_info[:3]))},
    }


def main() -> None:
    """Command line: prints the scores, and writes report.json with --final."""
    parser = argparse.ArgumentParser(description="Score the embedded default model.")
    parser.add_argument("--model", type=Path, default=Path("runtime/airvec/default_model"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--final", action="store_true", help="score test and SciFact too, and write report.json")
    options = parser.parse_args()
    model = StaticModel(options.model)
    scores = {"stsb_dev_spearman": score_stsb(model, options.data / "stsb" / "dev.tsv")}
    if options.final:
        scores["stsb_test_spearman"] = score_stsb(model, options.data / "stsb" / "test.tsv")
        scores["scifact_train_ndcg_at_10"] = score_scifact(model, options.data / "scifact")
        measured = {"measured_by": "python models/static-en/score.py --data DATA --final"}
        rounded = {name: round(score, 2) for name, score in scores.items()}
        report = {"quality": measured | rounded} | describe(options.model)
        package.write_text(HERE / "report.json", json.dumps(report, indent=2) + "\n")
    for name, score in scores.items():
        print(f"{name}: {score:.2f}")


if __name__ == "__main__":
    main()
