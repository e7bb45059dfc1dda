"""NDCG@10 on the queries that SciFact's recipes hold out, and on those of them whose documents no training query has.

    python models/unseen.py shared/data/scifact FOLDER…                  # dense and sparse models; bm25 is one, too
    python models/unseen.py shared/data/scifact FOLDER… --retriever DENSE    # rerankers of its best 20

SciFact has several claims about one abstract, some of which differ in a word. A fifth of the claims is held out, and
most of these have a sister among the others; the second number is of the rest, which is what a new claim would meet.
Runs on the runtime, from exported folders.
Knows nothing of training.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, stdev

from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
from airvec.errors import ModelFolderError
from airvec.search import Retriever
from airvec.search.beir import RetrievalTask, read_beir
from airvec.search.metrics import ndcg
from airvec_trainer.recipes.retrieval import split_task

HELD_OUT = 0.2  # as in the recipes
CANDIDATES = 20  # of rerankers, as in theirs
Ranked = list[list[str]]


def unseen(train: RetrievalTask, out: RetrievalTask) -> list[str]:
    """The held-out queries none of whose documents is relevant to a training query."""
    seen = {document for grades in train.relevant.values() for document in grades}
    return [name for name in out.queries if not seen & out.relevant[name].keys()]


def retrieved(retriever: Retriever, task: RetrievalTask, count: int) -> Ranked:
    """The best documents of each query."""
    retriever.index(task.corpus, show_progress_bar=sys.stderr.isatty())
    hits = retriever.search(list(task.queries.values()), count)
    return [[str(hit["corpus_id"]) for hit in found] for found in hits]


def opened(folder: str, limit: int | None) -> Retriever:
    """A retriever of one model, that reads so many tokens of a text."""
    if folder == "bm25":
        return Retriever(bm25=True)
    try:
        return Retriever(dense=SentenceTransformer(folder, max_seq_length=limit))
    except ModelFolderError:
        return Retriever(sparse=SparseEncoder(folder))


def reranked(model: CrossEncoder, task: RetrievalTask, found: Ranked) -> Ranked:
    """The same documents in the reranker's order."""
    order: Ranked = []
    for query, names in zip(task.queries.values(), found, strict=True):
        hits = model.rank(query, [task.corpus[name] for name in names])
        order.append([names[hit["corpus_id"]] for hit in hits])
    return order


def scores(task: RetrievalTask, found: Ranked, names: Sequence[str]) -> list[float]:
    """NDCG@10 x 100 of all queries, and of the named ones."""
    of = {
        name: 100 * ndcg(ranking[:10], task.relevant[name]) for name, ranking in zip(task.queries, found, strict=True)
    }
    return [mean(of.values()), mean(of[name] for name in names)]


def main() -> None:
    """Print a line a model, and the mean of several."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="SciFact in BEIR's layout")
    parser.add_argument("models", nargs="+", metavar="FOLDER")
    parser.add_argument("--retriever", help="a dense model, whose best documents the models rerank")
    parser.add_argument("--max-seq-length", type=int, help="tokens of a text, of dense models; default: the folder's")
    given = parser.parse_args()
    train, out = split_task(read_beir(given.data, "train"), HELD_OUT)
    names = unseen(train, out)
    print(f"| NDCG@10 x 100 | {len(out.queries)} queries held out | {len(names)} of unseen documents |")
    print("|---|---:|---:|")
    rank: Callable[[str], Ranked]
    if given.retriever:
        found = retrieved(opened(given.retriever, given.max_seq_length), out, CANDIDATES)
        _line("the retriever", scores(out, found, names))

        def rank(folder: str) -> Ranked:
            return reranked(CrossEncoder(folder), out, found)
    else:

        def rank(folder: str) -> Ranked:
            return retrieved(opened(folder, given.max_seq_length), out, 10)

    rows = [scores(out, rank(folder), names) for folder in given.models]
    for folder, row in zip(given.models, rows, strict=True):
        _line(folder, row)
    if len(rows) > 1:
        columns = list(zip(*rows, strict=True))
        print("| mean | " + " | ".join(f"{mean(column):.2f} ± {stdev(column):.2f}" for column in columns) + " |")


def _line(name: str, values: Sequence[float]) -> None:
    print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in values) + " |", flush=True)


if __name__ == "__main__":
    main()
