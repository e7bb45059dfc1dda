"""`airvec.search`: retrievers without stages or models, damaged indexes, tasks that are not in BEIR's layout."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from airvec.search import BM25, DenseIndex, InvertedIndex, Ranking, Retriever, semantic_search, weighted_fusion
from airvec.sparse_vectors import SparseVectors
from tests.errors.cases import Case, Topic
from tests.errors.models import rows
from tests.folders import write_json
from tests.runtime.search.fakes import LetterModel, SparseLetterModel

TEXTS = ["a b", "b c", "c"]


class TwoLabels:
    """A reranker with several labels."""

    def predict(self, inputs: list[tuple[str, str]]) -> np.ndarray:
        return np.zeros((len(inputs), 2), np.float32)


def indexed(**stages: object) -> Retriever:
    retriever = Retriever(**(stages or {"bm25": True}))
    retriever.index(TEXTS)
    return retriever


def saved(home: Path, **stages: object) -> Path:
    indexed(**stages).save(home / "index")
    return home / "index"


def split_words(text: str) -> list[str]:
    return text.split()


def saved_over_letters(home: Path) -> None:
    (home / "letters").mkdir()
    (home / "letters" / "to-ada.txt").write_text("Dear Ada")
    indexed().save(home / "letters")


def loaded_after(home: Path, change: Callable[[Path], object], **stages: object) -> None:
    """Load an index after something happened to its folder."""
    folder = saved(home, **stages)
    change(folder)
    Retriever.load(folder, dense=stages.get("dense"))


def cut(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:40])


def setting(**values: object) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        file = folder / "retriever.json"
        write_json(file, json.loads(file.read_text()) | values)

    return change


def array(name: str, *values: int, dtype: type[np.generic] = np.int64) -> Callable[[Path], object]:
    """One of the index's files holds other numbers."""
    return lambda folder: np.save(folder / name, np.array(values, dtype))


def dense_setting(**values: object) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        file = folder / "dense" / "index.json"
        write_json(file, json.loads(file.read_text()) | values)

    return change


def pickled(folder: Path) -> None:
    np.save(folder / "texts.npy", np.array([{"a": 1}], object), allow_pickle=True)


def task(home: Path, corpus: str = "", grades: str = "", split: str = "test", first: str = "q\t1\t1\n") -> Path:
    """A small task in BEIR's layout, with a line more."""
    (home / "task" / "qrels").mkdir(parents=True)
    documents = [{"_id": str(place), "title": "", "text": text} for place, text in enumerate(TEXTS)]
    lines = [json.dumps(one) for one in documents]
    (home / "task" / "corpus.jsonl").write_text("\n".join([*lines, corpus]))
    (home / "task" / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "b"}))
    (home / "task" / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{first}{grades}")
    return home / "task"


def evaluated(home: Path, **given: str) -> None:
    Retriever(bm25=True).evaluate(task(home, **given))


CASES = (
    Case("No stages", "`Retriever()`.", lambda _: Retriever()),
    Case("BM25 of another kind", '`Retriever(bm25="english")`.', lambda _: Retriever(bm25="english")),
    Case("A name in place of a model", '`Retriever("all-MiniLM-L6-v2")`.', lambda _: Retriever("all-MiniLM-L6-v2")),
    Case("A yes in place of a reranker", "`Retriever(bm25=True, reranker=True)`.",
         lambda _: Retriever(bm25=True, reranker=True)),
    Case("A sparse model for embeddings", "`Retriever(model)`, and its vectors are sparse.",
         lambda _: Retriever(SparseLetterModel())),
    Case("An unknown precision of an index", '`Retriever(model, precision="int4")`.',
         lambda _: Retriever(LetterModel(), precision="int4")),
    Case("An unknown fusion", '`Retriever(model, bm25=True, fusion="max")`.',
         lambda _: Retriever(LetterModel(), bm25=True, fusion="max")),
    Case("Weights of other stages", '`fusion={"dense": 0.7, "sparse": 0.3}`, and the stages are dense and bm25.',
         lambda _: Retriever(LetterModel(), bm25=True, fusion={"dense": 0.7, "sparse": 0.3})),
    Case("A weight below 0", '`fusion={"dense": -1, "bm25": 1}`.',
         lambda _: Retriever(LetterModel(), bm25=True, fusion={"dense": -1, "bm25": 1})),
    Case("A search before the index", "`search(query)`, and `index(corpus)` was not called.",
         lambda _: Retriever(bm25=True).search("a")),
    Case("No results to search for", "`search(query, top_k=0)`.", lambda _: indexed().search("a", top_k=0)),
    Case("A query that is no text", "`search(5)`.", lambda _: indexed().search(5)),
    Case("A corpus that is one text", '`index("a b")`.', lambda _: Retriever(bm25=True).index("a b")),
    Case("An id that is no text", '`index({7: "a b"})`.', lambda _: Retriever(bm25=True).index({7: "a b"})),
    Case("A document that cannot be stored", "It holds half of a surrogate pair.",
         lambda _: Retriever(bm25=True).index(["a \ud83d"])),
    Case("A similarity that an index does not have", "The model compares by Manhattan distance.",
         lambda _: indexed(dense=LetterModel(similarity_fn_name="manhattan"))),
    Case("Embeddings that are not finite", "`DenseIndex.build(vectors)`.",
         lambda _: DenseIndex.build(np.array([[1, 0], [np.inf, 1]], np.float32))),
    Case("Queries that are not finite", "`DenseIndex.search(queries)`.",
         lambda _: DenseIndex.build(np.eye(2)).search([np.nan, 1])),
    Case("Queries of another model", "`DenseIndex.search(queries)`.",
         lambda _: DenseIndex.build(np.eye(3, dtype=np.float32)).search(np.eye(2, dtype=np.float32))),
    Case("Arrays for an inverted index", "`InvertedIndex.build(vectors)`.", lambda _: InvertedIndex.build(np.eye(3))),
    Case("Sparse queries of another model", "`InvertedIndex.search(queries)`.",
         lambda _: InvertedIndex.build(rows()).search(SparseVectors.from_rows([{0: 1.0}], dim=3))),
    Case("Exact search for no results", "`semantic_search(queries, corpus, top_k=0)`.",
         lambda _: semantic_search(np.eye(2), np.eye(2), top_k=0)),
    Case("A reranker with several labels", "`Retriever(bm25=True, reranker=classifier)`.",
         lambda _: indexed(bm25=True, reranker=TwoLabels()).search("b")),
    Case("Weights for another number of rankings", "`weighted_fusion(rankings, weights)`.",
         lambda _: weighted_fusion([Ranking(np.zeros((1, 1), np.int64), np.ones((1, 1), np.float32))], [1, 2])),
    Case("Rankings of different queries", "The same, for one query and for two.",
         lambda _: weighted_fusion([Ranking(np.zeros((count, 1), np.int64), np.ones((count, 1), np.float32))
                                    for count in (1, 2)], [1, 1])),
    Case("BM25 that was not fitted", "`BM25().encode_query(texts)`.", lambda _: BM25().encode_query(["a"])),
    Case("BM25 with wrong numbers", "`BM25(b=1.5)`.", lambda _: BM25(b=1.5)),
    Case("Stop words that are a language", '`BM25(stop_words="english")`.', lambda _: BM25(stop_words="english")),
    Case("BM25 loaded without its function", "It was made with `split=…`, and functions are not saved.",
         lambda home: Retriever.load(saved(home, bm25=BM25(split=split_words)))),
    Case("An index over something else", "`save(folder)`, and the folder holds other files.", saved_over_letters),
    Case("An index that is not there", "`Retriever.load(folder)`.", lambda home: Retriever.load(home / "index")),
    Case("A file in place of an index", "`Retriever.load(file)`.",
         lambda home: Retriever.load(task(home) / "corpus.jsonl")),
    Case("An index of a newer airvec", "`retriever.json` has a newer format.",
         lambda home: loaded_after(home, setting(format_version="2"))),
    Case("An index with an unknown stage", "`retriever.json` was changed.",
         lambda home: loaded_after(home, setting(stages={"graph": {}}))),
    Case("An index without one of its files", "Not all of the folder was copied.",
         lambda home: loaded_after(home, lambda folder: (folder / "texts_starts.npy").unlink())),
    Case("An index with a file cut short", "The same, in the middle of a file.",
         lambda home: loaded_after(home, cut("texts.npy"))),
    Case("An index with pickled objects", "They could run code; airvec unpickles nothing.",
         lambda home: loaded_after(home, pickled)),
    Case("An index whose files are of different corpora", "Two folders were mixed.",
         lambda home: loaded_after(home, setting(documents=4))),
    Case("An index whose texts end elsewhere", "`texts_starts.npy` and `texts.npy` do not fit one another.",
         lambda home: loaded_after(home, array("texts_starts.npy", 0, 3, 6, 70))),
    Case("An index with a fusion that is none", "`retriever.json` was changed.",
         lambda home: loaded_after(home, setting(fusion=None))),
    Case("An index with an unknown similarity", "The same, in the settings of the dense stage.",
         lambda home: loaded_after(home, setting(stages={"dense": {"similarity": "jaccard"}}), dense=LetterModel())),
    Case("An index with an unknown precision", "`dense/index.json` was changed.",
         lambda home: loaded_after(home, dense_setting(precision="int4"), dense=LetterModel())),
    Case("An index with fewer embeddings than stated", "`dense/codes.npy` is another index's.",
         lambda home: loaded_after(home, array("dense/codes.npy", 1, 2, 3, dtype=np.float32), dense=LetterModel())),
    Case("An inverted index that does not fit", "`bm25/offsets.npy` is another index's.",
         lambda home: loaded_after(home, array("bm25/offsets.npy", 0, 1, 2, 99))),
    Case("A function that splits into no words", "`BM25(split=str.upper)`.",
         lambda _: BM25(split=str.upper).fit(["a b"])),
    Case("A damaged BM25", "`bm25/` of an index, or what `BM25.save` wrote.",
         lambda home: loaded_after(home, lambda folder: write_json(folder / "bm25" / "bm25.json", {"k1": 1.2}))),
    Case("An index without its model", "`Retriever.load(folder)`, and the index has embeddings.",
         lambda home: Retriever.load(saved(home, dense=LetterModel()))),
    Case("A model for an index without its stage", "`Retriever.load(folder, sparse=model)` of a BM25 index.",
         lambda home: Retriever.load(saved(home), sparse=SparseLetterModel())),
    Case("An index with a model of another width", "`Retriever.load(folder, dense=other)`.",
         lambda home: Retriever.load(saved(home, dense=LetterModel()), dense=LetterModel("abc"))),
    Case("An index with another model of the same width", "The same; the vectors tell: a warning.",
         lambda home: Retriever.load(saved(home, dense=LetterModel()), dense=LetterModel("tearosinhl"))),
    Case("A task without one of its files", "`evaluate(beir_folder)`; the split is `test` unless another is named.",
         lambda home: evaluated(home, split="train")),
    Case("A task with a damaged line", "`corpus.jsonl` has a line that is no JSON object.",
         lambda home: evaluated(home, corpus='{"_id": "4", "text"')),
    Case("A task with an id twice", "Two documents of the same `_id`.",
         lambda home: evaluated(home, corpus=json.dumps({"_id": "1", "title": "", "text": "d"}))),
    Case("Grades with a damaged line", "`qrels/test.tsv` has spaces in place of tabs.",
         lambda home: evaluated(home, grades="q 2 1")),
    Case("Grades of an unknown query", "`qrels/test.tsv` and `queries.jsonl` are of different tasks.",
         lambda home: evaluated(home, grades="r\t2\t1")),
    Case("A task without grades", "`qrels/test.tsv` has its line of titles only.",
         lambda home: evaluated(home, first="")),
    Case("A task on another corpus", "`index(corpus)`, then `evaluate(beir_folder)`.",
         lambda home: indexed().evaluate(task(home))),
)  # fmt: skip
TOPIC = Topic(
    "Retriever and search",
    "`save` writes a folder whole or not at all, and `load` checks that its files fit one another. A `LetterModel`"
    " stands for a model of yours.",
    CASES,
)
