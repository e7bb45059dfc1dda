"""Scores a model folder as its authors publish it: STS Benchmark and SciFact, on the runtime alone.

    python benchmarks/quality.py FOLDER [FOLDER ...]

Spearman is that of the cosine with people's scores, x 100. NDCG@10 is that of SciFact's train queries, x 100, by
cosine, a document being title + " " + text. Published for all-MiniLM-L6-v2: 82.03 and 66.02.
Knows nothing of torch and of how the folder was made.
"""

import argparse
import json
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from measure.datasets import DATA, MissingDataError, ScoredPairs, read_beir, read_sts
from measure.scores import ndcg, spearman, top
from measure.table import markdown

from airvec import SentenceTransformer
from airvec.similarity import cos_sim, pairwise_cos_sim

NOT_NEEDED = ("torch", "transformers", "sentence_transformers", "scipy")
EMBEDDED = "default"


def score_sts(model: SentenceTransformer, pairs: ScoredPairs) -> float:
    """Spearman x 100 of the cosine of each pair with its score."""
    found = pairwise_cos_sim(model.encode(pairs.left), model.encode(pairs.right))
    return 100 * spearman(found, pairs.scores)


def score_scifact(model: SentenceTransformer, data: Path, progress: bool) -> float:
    """Mean NDCG@10 x 100 over the train queries."""
    task = read_beir(data / "scifact", "train")
    corpus = model.encode_document(list(task.corpus.values()), show_progress_bar=progress)
    queries = model.encode_query(list(task.queries.values()))
    names = list(task.corpus)
    ranked = [[names[column] for column in row] for row in top(cos_sim(queries, corpus))]
    return 100 * float(
        np.mean([ndcg(row, task.relevant[query]) for row, query in zip(ranked, task.queries, strict=True)])
    )


def score(name: str, data: Path, dev: bool, progress: bool) -> dict[str, Any]:
    """Every score of one model, by the column's title; `name` is a folder, or "default" for the embedded model."""
    start = time.perf_counter()
    model = SentenceTransformer(None if name == EMBEDDED else name)
    found: dict[str, Any] = {"model": name if name == EMBEDDED else Path(name).resolve().name}
    found["dimensions"] = model.get_embedding_dimension()
    found["STSb test"] = score_sts(model, read_sts(data / "stsb" / "test.tsv"))
    if dev:
        found["STSb dev"] = score_sts(model, read_sts(data / "stsb" / "dev.tsv"))
    found["SciFact train NDCG@10"] = score_scifact(model, data, progress)
    found["seconds"] = time.perf_counter() - start
    return found


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="FOLDER", help="model folder; 'default' = the embedded model")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with stsb/ and scifact/ (%(default)s)")
    parser.add_argument("--dev", action="store_true", help="score STS Benchmark dev too")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    return parser.parse_args()


def main() -> int:
    """Score, print, and say which of the packages that are not needed are there all the same."""
    options = arguments()
    progress = not options.no_progress and sys.stderr.isatty()
    try:
        rows = [score(name, options.data, options.dev, progress) for name in options.models]
    except MissingDataError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(rows, indent=2) if options.json else markdown(rows))
    present = ", ".join(name for name in NOT_NEEDED if find_spec(name)) or "none"
    print(f"Importable here, of {', '.join(NOT_NEEDED)}: {present}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
