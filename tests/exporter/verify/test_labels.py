"""Mirrors exporter/airvec_exporter/verify/labels.py."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from airvec.errors import ArgumentError, InputError
from airvec.folder import DENSE, RERANKER, SPARSE
from airvec.sparse_vectors import SparseVectors
from airvec_exporter.verify.labels import read_labels, score

PLACES = {"up": [0, 1], "right": [1, 0], "down": [0, -1], "upright": [1, 1], "uphill": [1, 2]}


class Compass:
    """A model of five words, whose directions anyone can compare; for other texts, a direction too."""

    def encode(self, texts: list[str], **_: Any) -> np.ndarray:
        return np.array([PLACES.get(text, [1, 1]) for text in texts], np.float32).reshape(-1, 2)

    encode_query = encode_document = encode

    def predict(self, pairs: list[tuple[str, str]], **_: Any) -> np.ndarray:
        return np.array([np.dot(PLACES[first], PLACES[second]) for first, second in pairs], np.float32)


class SparseCompass(Compass):
    """The same, as sparse rows."""

    def encode(self, texts: list[str], **_: Any) -> SparseVectors:
        return SparseVectors.from_dense(super().encode(texts))

    encode_query = encode_document = encode

    def similarity_pairwise(self, first: SparseVectors, second: SparseVectors) -> np.ndarray:
        return (first.to_dense() * second.to_dense()).sum(axis=1)


def write(path: Path, *lines: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    """Queries up and right; the first one's document is second best, behind `uphill`."""
    folder = tmp_path / "task"
    write(folder / "corpus.jsonl", *({"_id": name, "text": name} for name in ("uphill", "upright", "down")))
    write(folder / "queries.jsonl", {"_id": "1", "text": "up"}, {"_id": "2", "text": "right"})
    write(folder / "qrels" / "dev.tsv", "query-id\tcorpus-id\tscore", "1\tupright\t1", "2\tupright\t1")
    return folder


@pytest.mark.parametrize(("kind", "model"), [(DENSE, Compass()), (SPARSE, SparseCompass()), (RERANKER, Compass())])
def test_pairs_are_scored_by_rank_correlation(tmp_path: Path, kind: str, model: Any):
    """By the model: down −1 < right 0 < up 1, and by people the last two change places: 1 − 6 × 2 / (3 × 8) = ½."""
    file = write(tmp_path / "pairs.tsv", "up\tdown\t1", "up\tright\t5", "", "up\tup\t4")
    assert score(kind, model, read_labels(file)) == {"sts": pytest.approx(50)}


def test_a_line_of_titles_says_which_columns_they_are(tmp_path: Path):
    lines = ["score\tsentence1\tsentence2\tgenre", "1\tup\tdown\tx", "5\tup\tright\tx", "4\tup\tup\tx"]
    assert score(DENSE, Compass(), read_labels(write(tmp_path / "pairs.tsv", *lines))) == {"sts": pytest.approx(50)}


def test_pairs_that_a_model_finds_all_alike_have_no_score(tmp_path: Path):
    file = write(tmp_path / "pairs.tsv", "up\tup\t1", "right\tright\t2")
    assert score(DENSE, Compass(), read_labels(file)) == {}


def test_a_retrieval_task_is_scored_by_ndcg(beir: Path):
    """The first query's document is at place 2, the second one's at place 1: the mean of 1 / log2(3) and 1."""
    wanted = {"ndcg": pytest.approx(100 * (1 / np.log2(3) + 1) / 2)}
    assert score(DENSE, Compass(), read_labels(beir)) == wanted
    assert score(DENSE, Compass(), read_labels(beir / "qrels" / "dev.tsv")) == wanted


def test_queries_and_passages_make_a_task(tmp_path: Path):
    lines = [{"query": "up", "passage": ["upright"]}, {"query": "right", "passage": "upright"},
             {"query": "down", "passage": ["uphill", "down"]}]  # fmt: skip
    labels = read_labels(write(tmp_path / "task.jsonl", *lines))
    assert list(labels.corpus.values()) == ["upright", "uphill", "down"]
    last = (1 + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    assert score(DENSE, Compass(), labels) == {"ndcg": pytest.approx(100 * (1 / np.log2(3) + 1 + last) / 3)}


def test_a_reranker_orders_what_bm25_found(tmp_path: Path):
    """BM25 finds one document for each query, the right one for the first only."""
    lines = [{"query": "up", "passage": "up"}, {"query": "right", "passage": "upright"}]
    assert score(RERANKER, Compass(), read_labels(write(tmp_path / "t.jsonl", *lines))) == {"ndcg": pytest.approx(50)}


def test_several_splits_without_a_test_must_be_named(beir: Path):
    write(beir / "qrels" / "train.tsv", "query-id\tcorpus-id\tscore", "2\tdown\t1")
    with pytest.raises(ArgumentError, match="task' has the splits dev, train, and no test. Name one"):
        read_labels(beir)
    write(beir / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore", "2\tdown\t1")
    assert read_labels(beir).relevant == {"2": {"down": 1}}


@pytest.mark.parametrize("name", ["missing.tsv", "pairs.csv"])
def test_what_is_no_file_of_labels_is_refused(tmp_path: Path, name: str):
    write(tmp_path / "pairs.csv", "up\tup\t1")
    with pytest.raises(ArgumentError, match=f"labels: .*{name}', expected a .tsv of pairs"):
        read_labels(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("a.tsv", ["up\tup\t1", "up\tup"], r"a.tsv: line 2 is 'up\\tup', expected two texts and a number"),
        ("a.tsv", ["up\tup\tmuch", "up\tup\t1"], "a.tsv: line 1 is .* expected two texts and a number"),
        ("a.tsv", ["up\tup\t1"], "a.tsv: 1 pairs, expected two or more"),
        ("a.tsv", ["up\tup\tnan", "up\tup\t1"], "a.tsv: 2 pairs, expected .* finite scores"),
        ("a.jsonl", [], "a.jsonl: 0 queries, expected one or more"),
        ("a.jsonl", ["{"], "a.jsonl: line 1 is '{', expected a JSON object"),
        ("a.jsonl", [{"query": "up"}], "a.jsonl: line 1 .* expected a JSON object"),
        ("a.jsonl", [{"query": 3, "passage": "up"}], "a.jsonl: line 1 .* expected a JSON object"),
        ("a.jsonl", [["up", "up"]], "a.jsonl: line 1 .* expected a JSON object"),
    ],
)
def test_a_damaged_file_is_named_with_the_line(tmp_path: Path, name: str, lines: list[Any], message: str):
    with pytest.raises(InputError, match=message):
        read_labels(write(tmp_path / name, *lines))


def test_a_file_that_is_not_text_is_named(tmp_path: Path):
    (tmp_path / "a.tsv").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="a.tsv: not UTF-8"):
        read_labels(tmp_path / "a.tsv")
