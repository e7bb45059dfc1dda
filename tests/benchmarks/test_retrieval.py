"""The retrieval benchmark on a small task, with the embedded model."""

import json

import numpy as np
import pytest
import retrieval
from measure.datasets import MissingDataError
from measure.datasets import read_beir as independent_reader
from measure.scores import ndcg, top

from airvec import SentenceTransformer
from airvec.search import Ranking
from airvec.search.beir import read_beir
from airvec.similarity import cos_sim

DOCUMENTS = ["The cat sleeps.", "Share prices fell.", "A car needs fuel.", "Rain fell all day."]
QUERIES = {"q0": "a kitten naps", "q1": "the stock market", "q2": "wet weather"}
GRADES = (("q0", "d0", 1), ("q1", "d1", 1), ("q1", "d2", 2), ("q2", "d3", 1))


@pytest.fixture
def data(tmp_path):
    """Both tasks, the same small one."""
    for name, split in retrieval.TASKS:
        folder = tmp_path / name
        (folder / "qrels").mkdir(parents=True)
        corpus = [{"_id": f"d{row}", "title": "", "text": text} for row, text in enumerate(DOCUMENTS)]
        queries = [{"_id": name, "text": text} for name, text in QUERIES.items()]
        for file, rows in (("corpus", corpus), ("queries", queries)):
            (folder / f"{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        lines = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, grade)) for grade in GRADES)]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_the_report_has_both_tasks_with_every_stage_and_code(data):
    text = retrieval.report("a model", retrieval.EncodesOnce(SentenceTransformer()), data, progress=False)
    for task in ("scifact: 4 documents, 3 train queries", "stackfaq: 4 documents, 3 test queries"):
        assert f"## {task}" in text
    for stage in ("bm25", "dense", "rrf", "weighted"):
        assert text.count(f"\n| {stage} ") == 2
    for code, rows in (("float32", 1), ("int8", 2), ("binary", 5)):
        assert text.count(f"\n| {code} ") == 2 * rows
    assert "64.51" in text


def test_a_dense_stage_scores_what_the_other_benchmark_scores(data):
    model, folder = SentenceTransformer(), data / "scifact"
    found = retrieval.Retriever(model).evaluate(folder, "train")["dense"].ndcg_at_10
    task = independent_reader(folder, "train")
    ids = list(task.corpus)
    order = top(cos_sim(model.encode_query(list(task.queries.values())), model.encode(list(task.corpus.values()))))
    scores = [ndcg([ids[row] for row in rows], task.relevant[name]) for name, rows in zip(QUERIES, order, strict=True)]
    assert found == pytest.approx(np.mean(scores))
    assert 0 < found < 1  # a score at either end would hide a wrong discount


def test_a_corpus_is_encoded_once():
    class Counts:
        calls = 0

        def encode_document(self, inputs, *, show_progress_bar=None):
            self.calls += 1
            return np.zeros((len(inputs), 2))

    model = retrieval.EncodesOnce(Counts())
    first = model.encode_document(["a", "b"])
    assert model.encode_document(["a", "b"]) is first
    assert model.encode_document(["a"]) is not first
    assert model.model.calls == 2


def test_shared_is_the_share_of_the_expected_rows():
    one = Ranking(np.array([[1, 2], [3, 4]]), np.zeros((2, 2), np.float32))
    other = Ranking(np.array([[2, 1], [3, 5]]), np.zeros((2, 2), np.float32))
    assert retrieval.shared(one, other) == 0.75


def test_means_are_over_the_queries(data):
    task = read_beir(data / "scifact", "train")
    found = Ranking(np.array([[0, 1], [2, 0], [-1, -1]]), np.zeros((3, 2), np.float32))
    assert retrieval.mean_ndcg(found, task) == pytest.approx((1 + 2 / (2 + 1 / np.log2(3)) + 0) / 3)


def test_a_missing_task_is_named(tmp_path):
    with pytest.raises(MissingDataError, match="scifact"):
        retrieval.report("a model", retrieval.EncodesOnce(SentenceTransformer()), tmp_path, progress=False)
