"""Scores retrieval by words, by embeddings and by both, and what int8 codes and bits cost: SciFact and StackFAQ.

    python benchmarks/retrieval.py [FOLDER]        a model folder; left out: the model inside airvec
    python benchmarks/retrieval.py FOLDER --out benchmarks/results/retrieval.md

Needs the runtime alone. Queries a second count the encoding of queries in the first table of a task, and search alone
in the second. Knows nothing of how a stage works.
"""

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from measure.datasets import DATA, MissingDataError, check_file
from measure.report import machine, machine_line
from measure.table import markdown
from numpy.typing import NDArray

from airvec import SentenceTransformer
from airvec.search import DenseIndex, Retriever
from airvec.search.beir import RetrievalTask, read_beir
from airvec.search.metrics import ndcg
from airvec.search.ranking import Ranking

TASKS = (("scifact", "train"), ("stackfaq", "test"))
WEIGHTS = {"bm25": 0.5, "dense": 0.5}  # not tuned
# precision, keep_float, rescore_multiplier
CODES = (
    ("float32", False, 4),
    ("int8", False, 4),
    ("int8", True, 4),
    ("binary", False, 0),
    ("binary", False, 4),
    ("binary", False, 16),
    ("binary", True, 4),
    ("binary", True, 16),
)
PUBLISHED = [
    {"SciFact, NDCG@10": "BM25", "queries": "test", "published": 66.5, "by": "BEIR (Thakur et al., 2021)"},
    {"SciFact, NDCG@10": "all-MiniLM-L6-v2", "queries": "test", "published": 64.51, "by": "MTEB"},
    {"SciFact, NDCG@10": "all-MiniLM-L6-v2", "queries": "train", "published": 66.02, "by": "MTEB"},
]


@dataclass
class EncodesOnce:
    """A model that keeps the vectors of the last documents, so that several indexes of one corpus cost one encoding."""

    model: SentenceTransformer
    texts: tuple[str, ...] = ()
    vectors: NDArray[np.float32] | None = None

    @property
    def similarity_fn_name(self) -> str:
        """The model's own."""
        return self.model.similarity_fn_name

    def encode_query(self, inputs: list[str]) -> NDArray[np.float32]:
        """Vectors of queries, encoded anew each time."""
        return self.model.encode_query(inputs)

    def encode_document(self, inputs: list[str], *, show_progress_bar: bool | None = None) -> NDArray[np.float32]:
        """Vectors of documents."""
        if self.vectors is None or tuple(inputs) != self.texts:
            self.texts = tuple(inputs)
            self.vectors = self.model.encode_document(inputs, show_progress_bar=show_progress_bar)
        return self.vectors


def stages(model: EncodesOnce, folder: Path, split: str, progress: bool) -> str:
    """BM25, dense, and both fused in two ways: a table."""
    retriever = Retriever(model, bm25=True)
    by_rank = retriever.evaluate(folder, split, show_progress_bar=progress)
    retriever.fusion = WEIGHTS
    by_score = retriever.evaluate(folder, split)
    return str(replace(by_rank, steps=(*by_rank.steps, by_score["weighted"])))


def codes(model: EncodesOnce, task: RetrievalTask) -> str:
    """The ten best by each kind of code, against those by float32: a table."""
    documents = normalised(model.encode_document(list(task.corpus.values())))
    queries = normalised(model.encode_query(list(task.queries.values())))
    nearest = DenseIndex.build(documents).search(queries, 10)
    rows: list[dict[str, object]] = []
    for precision, keep_float, multiplier in CODES:
        index = DenseIndex.build(documents, precision, keep_float=keep_float)
        start = time.perf_counter()
        found = index.search(queries, 10, multiplier)
        seconds = time.perf_counter() - start
        again = 10 * multiplier if precision == "binary" or keep_float else 0
        rows.append(
            {
                "codes": precision,
                "floats kept": "yes" if keep_float else "no",
                "scored again": again or None,
                "NDCG@10": 100 * mean_ndcg(found, task),
                "of the float32 ten, %": 100 * shared(found, nearest),
                "searches/s": len(queries) / seconds,
                "index MB": f"{index.nbytes / 1e6:.3f}",
            }
        )
    return markdown(rows)


def normalised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def mean_ndcg(found: Ranking, task: RetrievalTask) -> float:
    """Mean NDCG@10 over the queries."""
    ids = list(task.corpus)
    return float(
        np.mean(
            [
                ndcg([ids[row] for row, _ in found.hits(place)], task.relevant[query])
                for place, query in enumerate(task.queries)
            ]
        )
    )


def shared(found: Ranking, expected: Ranking) -> float:
    """Mean share of the expected rows that were found."""
    pairs = zip(found.rows, expected.rows, strict=True)
    return float(np.mean([len(np.intersect1d(ours, theirs)) / len(theirs) for ours, theirs in pairs]))


def report(name: str, model: EncodesOnce, data: Path, progress: bool) -> str:
    """All tables, as Markdown."""
    where = machine_line(machine())
    parts = [f"# Retrieval with {name}", "Both measures × 100. `rrf` and `weighted` (0.5 each) fuse bm25 and dense."]
    for task_name, split in TASKS:
        task = read_beir(check_file(data / task_name), split)
        parts.append(f"## {task_name}: {len(task.corpus):,} documents, {len(task.queries):,} {split} queries")
        parts.append(stages(model, data / task_name, split, progress))
        parts.append("The ten best by each kind of code, candidates scored again as the table says:")
        parts.append(codes(model, task))
    parts += ["## Published", "SciFact's test queries are not here; ours above are its train queries."]
    return "\n\n".join([*parts, markdown(PUBLISHED), where])


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, metavar="FOLDER", help="model folder; none = the embedded model")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with scifact/ and stackfaq/ (%(default)s)")
    parser.add_argument("--out", type=Path, help="write the tables to a file as well")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    return parser.parse_args()


def main() -> int:
    """Score, print, and write if asked to."""
    options = arguments()
    name = "the embedded model" if options.model is None else options.model.resolve().name
    progress = not options.no_progress and sys.stderr.isatty()
    try:
        text = report(name, EncodesOnce(SentenceTransformer(options.model)), options.data, progress)
    except MissingDataError as error:
        print(error, file=sys.stderr)
        return 2
    print(text)
    if options.out is not None:
        options.out.write_text(f"{text}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
