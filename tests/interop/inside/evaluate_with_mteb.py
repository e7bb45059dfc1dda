"""Runs mteb on models of airvec, through airvec's adapter, on tasks made of local files.

Runs in the environment `mteb`, where the runtime's sources are on the path: `evaluate_with_mteb.py MODEL DATA OUT`.
MODEL is a folder, `default`, or `bm25`; DATA holds stsb/, scifact/, clinc150/ and tatoeba/. Or it is `sparse=FOLDER`,
`reranker=FOLDER` or `words=`, and DATA holds ranking.json. OUT is written: by task the metrics of its split `test`.
Knows nothing of airvec's evaluators.
"""

import csv
import json
import sys
from pathlib import Path

import mteb
from datasets import Dataset, DatasetDict
from mteb.abstasks.classification import AbsTaskClassification
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.retrieval_dataset_loaders import RetrievalSplitData
from mteb.abstasks.sts import AbsTaskSTS
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.abstasks.text.bitext_mining import AbsTaskBitextMining

from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
from airvec.integrations.mteb import adapt
from airvec.search import Retriever

MODEL, DATA, OUT = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])


def described(name: str, kind: str, main_score: str) -> TaskMetadata:
    """What mteb wants to know of a task; nothing of it changes a number, but for the name and the kind."""
    return TaskMetadata(
        name=name, type=kind, main_score=main_score, description="local files", reference="https://example.com/data",
        dataset={"path": "local", "revision": "1"}, category="t2t", eval_splits=["test"], eval_langs=["eng-Latn"],
        date=("2020-01-01", "2020-01-01"), dialect=[], domains=[], task_subtypes=[], license="cc-by-4.0",
        annotations_creators="derived", modalities=["text"], sample_creation="found", bibtex_citation="",
    )  # fmt: skip


def rows(path: str) -> Dataset:
    """A .tsv file with a header and no quoting."""
    with (DATA / path).open(encoding="utf-8", newline="") as lines:
        return Dataset.from_list(list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)))


def objects(path: str) -> list[dict[str, str]]:
    """A .jsonl file of a BEIR folder."""
    lines = (DATA / path).read_text(encoding="utf-8").splitlines()
    return [{"id": row.pop("_id"), **row} for row in map(json.loads, lines)]


class LocalSTS(AbsTaskSTS):
    """STS Benchmark, test."""

    metadata = described("LocalSTS", "STS", "cosine_spearman")
    min_score, max_score = 0, 5

    def load_data(self, *_: object, **__: object) -> None:
        """From the file."""
        found = rows("stsb/test.tsv")
        scores = [float(score) for score in found["score"]]
        self.dataset = DatasetDict({"test": found.remove_columns("score").add_column("score", scores)})
        self.data_loaded = True


class LocalRetrieval(AbsTaskRetrieval):
    """SciFact, with the queries of its split train."""

    metadata = described("LocalRetrieval", "Retrieval", "ndcg_at_10")

    def load_data(self, *_: object, **__: object) -> None:
        """From the folder."""
        grades: dict[str, dict[str, int]] = {}
        for row in rows("scifact/qrels/train.tsv"):
            grades.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
        queries = [row for row in objects("scifact/queries.jsonl") if row["id"] in grades]
        split = RetrievalSplitData(
            corpus=Dataset.from_list(objects("scifact/corpus.jsonl")), queries=Dataset.from_list(queries),
            relevant_docs=grades, top_ranked=None,
        )  # fmt: skip
        self.dataset = {"default": {"test": split}}
        self.data_loaded = True


class LocalClassification(AbsTaskClassification):
    """CLINC150: validation by rows of train."""

    metadata = described("LocalClassification", "Classification", "accuracy")

    def load_data(self, *_: object, **__: object) -> None:
        """From the files."""
        self.dataset = DatasetDict({"train": rows("clinc150/train.tsv"), "test": rows("clinc150/val.tsv")})
        self.data_loaded = True


class LocalBitext(AbsTaskBitextMining):
    """Tatoeba, German and English."""

    metadata = described("LocalBitext", "BitextMining", "f1")

    def load_data(self, *_: object, **__: object) -> None:
        """From the file."""
        lines = (DATA / "tatoeba/deu-eng.tsv").read_text(encoding="utf-8").splitlines()
        pairs = [dict(zip(("sentence1", "sentence2"), line.split("\t"), strict=True)) for line in lines]
        self.dataset = DatasetDict({"test": Dataset.from_list(pairs)})
        self.data_loaded = True


class LocalSearch(AbsTaskRetrieval):
    """A few texts."""

    metadata = described("LocalSearch", "Retrieval", "ndcg_at_10")

    def load_data(self, *_: object, **__: object) -> None:
        """From the file."""
        said = json.loads((DATA / "ranking.json").read_text(encoding="utf-8"))
        corpus = [{"id": name, "title": "", "text": text} for name, text in said["corpus"].items()]
        queries = [{"id": name, "text": text} for name, text in said["queries"].items()]
        split = RetrievalSplitData(
            corpus=Dataset.from_list(corpus), queries=Dataset.from_list(queries), relevant_docs=said["relevant"],
            top_ranked=said["candidates"] if self.metadata.type == "Reranking" else None,
        )  # fmt: skip
        self.dataset = {"default": {"test": split}}
        self.data_loaded = True


class LocalRanking(LocalSearch):
    """The same, where each query has its candidates."""

    metadata = described("LocalRanking", "Reranking", "ndcg_at_10")


if __name__ == "__main__":
    kind, is_small, folder = MODEL.partition("=")
    if is_small:
        kinds = {"sparse": SparseEncoder, "reranker": CrossEncoder, "words": lambda _: Retriever(bm25=True)}
        model, tasks = kinds[kind](folder), [LocalRanking()] if kind == "reranker" else [LocalRanking(), LocalSearch()]
    elif MODEL == "bm25":
        model, tasks = Retriever(bm25=True), [LocalRetrieval()]
    else:
        model = SentenceTransformer(None if MODEL == "default" else MODEL)
        tasks = [LocalSTS(), LocalRetrieval(), LocalClassification(), LocalBitext()]
    results = mteb.evaluate(adapt(model), tasks, cache=None, encode_kwargs={"show_progress_bar": False})
    found = {result.task_name: result.scores["test"][0] for result in results.task_results}
    OUT.write_text(json.dumps(found), encoding="utf-8")
