"""Files of every kind become the evaluators that score them; wrong ones are told with their line."""

import json

import numpy as np
import pytest

from airvec.errors import ArgumentError, InputError
from airvec.folder import RERANKER, SPARSE
from airvec.search.metrics import ndcg
from airvec_trainer.evaluation import CrossEncoderCorrelationEvaluator
from airvec_trainer.evaluation.cross_classification import CrossEncoderClassificationEvaluator
from airvec_trainer.evaluation.cross_reranking import CrossEncoderRerankingEvaluator
from airvec_trainer.evaluation.tasks import KINDS, Settings, parse_task, read_task
from airvec_trainer.evaluation.tasks.graded import GradedRerankingEvaluator, GradedRetrievalEvaluator

RERANKING = Settings(kind=RERANKER)
SCORED = "sentence1\tsentence2\tscore\na\tb\t1\nc\td\t2.5\n"
LABELLED = "label\ttext\n" + "".join(f"{label}\t{label} {row}\n" for row in range(4) for label in "xy")
PAIRED = "premise,hypothesis,label\na,b,yes\nc,d,no\ne,f,maybe\n"
GRADED = "premise,hypothesis,label\na,b,1\nc,d,2\ne,f,0\n"
JUDGED = "query\tdocument\tlabel\nq\ta\t1\np\tc\t0\nq\tb\t0\np\td\t0\n"
LISTED = '{"query": "q", "positive": "a", "negative": ["b", "c"]}\n{"query": "p", "positive": [], "negative": ["b"]}\n'


@pytest.fixture
def task(tmp_path):
    def read(words, text="", settings=None):
        place = tmp_path / words.partition(":")[2].partition("?")[0]
        if text:
            place.write_text(text, encoding="utf-8")
        return read_task(parse_task(words.replace(":", f":{tmp_path}/", 1), KINDS), settings or Settings())

    return read


def beir(folder, grades=(1, 1)):
    corpus = [{"_id": f"d{row}", "title": "", "text": text} for row, text in enumerate(["red car", "pears", "a ferry"])]
    queries = [{"_id": "q0", "text": "car"}, {"_id": "q1", "text": "pears"}]
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in corpus))
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    lines = "".join(f"q{row}\td{row}\t{grade}\n" for row, grade in enumerate(grades))
    (folder / "qrels" / "train.tsv").write_text(f"query-id\tcorpus-id\tscore\n{lines}")


def test_scored_pairs(task):
    found = task("stsb:dev.tsv", SCORED)
    assert (found.evaluator.sentences1, found.evaluator.scores) == (["a", "c"], [1.0, 2.5])
    assert (found.rows, found.evaluator.name) == ({"pairs": 2}, "dev")
    assert found.evaluator.main_similarity == "cosine"
    assert task("stsb:dev.tsv", SCORED, Settings(kind=SPARSE)).evaluator.main_similarity is None
    assert isinstance(task("stsb:dev.tsv", SCORED, RERANKING).evaluator, CrossEncoderCorrelationEvaluator)


def test_columns_are_found_by_names_and_numbers(task):
    named = "one,two,rating\na,b,1\nc,d,2\n"
    assert task("stsb:a.csv?sentence1=one&sentence2=two&score=rating", named).evaluator.sentences2 == ["b", "d"]
    found = task("bitext:a.tsv?sentence1=2&sentence2=1", "Hund\tdog\nKatze\tcat\n")
    assert found.evaluator.sentences1 == ["dog", "cat"]


def test_pairs_with_labels(task):
    found = task("pairs:a.csv?positive=yes", PAIRED)
    assert list(found.evaluator.labels) == [1, 0, 0]
    reranked = task("pairs:a.csv?positive=yes", PAIRED, RERANKING).evaluator
    assert isinstance(reranked, CrossEncoderClassificationEvaluator)
    assert list(reranked.labels) == [1, 0, 0]


def test_labelled_texts_are_halved_or_trained_by_another_file(task):
    found = task("classification:a.tsv?samples_per_label=1&experiments=2", LABELLED)
    assert sorted(found.evaluator.sentences + found.evaluator.train_texts) == sorted(
        f"{label} {row}" for row in range(4) for label in "xy"
    )
    assert found.rows == {"texts": 4, "labels": 2}
    assert vars(found.evaluator.protocol) == {"experiments": 2, "samples_per_label": 1, "seed": 42}
    assert sorted(found.evaluator.train_labels) == [0, 0, 1, 1]


def test_another_file_gives_the_rows_to_train_on(task, tmp_path):
    (tmp_path / "train.tsv").write_text(LABELLED)
    found = task(f"classification:a.tsv?train={tmp_path}/train.tsv", "label\ttext\nx\tnew\n")
    assert (found.evaluator.sentences, len(found.evaluator.train_texts)) == (["new"], 8)


def test_texts_to_cluster(task):
    found = task("clustering:a.tsv?sample_size=50", LABELLED)
    assert (found.evaluator.protocol.sample_size, found.rows) == (50, {"texts": 8, "labels": 2})
    numbers = task("clustering:a.jsonl", '{"text": "a", "label": 1}\n{"text": "b", "label": 2}\n')
    assert numbers.evaluator.label_names == ["1", "2"]


@pytest.mark.parametrize(("name", "text"), [("a.tsv", JUDGED), ("a.jsonl", LISTED)])
def test_queries_with_documents_of_both_kinds(task, name, text):
    found = task(f"rerank:{name}", text)
    assert found.rows["queries"] == 1
    assert isinstance(task(f"rerank:{name}", text, RERANKING).evaluator, CrossEncoderRerankingEvaluator)


def test_a_beir_folder_with_one_split_needs_no_name_of_it(task, tmp_path):
    beir(tmp_path / "small")
    found = task("beir:small")
    assert found.rows == {"queries": 2, "documents": 3}
    assert found.evaluator.name == "small"


def test_grades_above_one_give_the_ndcg_of_grades(task, tmp_path):
    beir(tmp_path / "graded", grades=(2, 1))
    assert isinstance(task("beir:graded").evaluator, GradedRetrievalEvaluator)


class ByLength:
    """Scores a document by its length, times a sign."""

    def __init__(self, sign):
        self.sign = sign

    def predict(self, pairs, **given):
        return np.array([self.sign * len(document) for _, document in pairs])


def test_a_reranker_is_scored_by_grades_too(task, tmp_path):
    beir(tmp_path / "graded", grades=(2, 1))
    with (tmp_path / "graded" / "qrels" / "train.tsv").open("a") as file:
        file.write("q0\td2\t1\nq0\td9\t1\n")
    with (tmp_path / "graded" / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "d9", "title": "", "text": "a car of some length"}\n')
    measure = task("beir:graded?top_k=3", settings=RERANKING).evaluator
    assert isinstance(measure, GradedRerankingEvaluator)
    lengths = {"d0": 7, "d1": 5, "d9": 20}  # d2 shares no word with a query
    assert sorted(measure.found[0][1]) == ["d0", "d9"]
    long, short = measure(ByLength(1)), measure(ByLength(-1))
    assert measure.primary_metric == "graded_graded_ndcg@10"
    for found, sign in ((long, -1), (short, 1)):
        ranked = [
            (query, sorted(ids, key=lambda name, sign=sign: sign * lengths[name])) for query, ids in measure.found
        ]
        by_hand = [ndcg(ids, measure.grades[query]) for query, ids in ranked]
        assert found["graded_graded_ndcg@10"] == pytest.approx(np.mean(by_hand))
        before = [ndcg(ids, measure.grades[query]) for query, ids in measure.found]
        assert found["graded_base_graded_ndcg@10"] == pytest.approx(np.mean(before))
    assert long["graded_graded_ndcg@10"] != short["graded_graded_ndcg@10"]
    assert long["graded_graded_ndcg@10"] != long["graded_ndcg@10"]


def test_a_reranker_gets_the_candidates_of_bm25(task, tmp_path):
    beir(tmp_path / "small")
    found = task("beir:small?top_k=2", settings=RERANKING).evaluator
    assert isinstance(found, CrossEncoderRerankingEvaluator)
    assert (found.count_missing, found.always_rerank_positives) == (True, False)
    by_model = task("beir:small?retriever=default&top_k=2", settings=RERANKING).evaluator
    assert isinstance(by_model, CrossEncoderRerankingEvaluator)


@pytest.mark.parametrize(
    ("words", "text", "message"),
    [
        ("stsb:a.tsv", "sentence1\tsentence2\tscore\na\tb\t1\nc\td\tnan\n", "line 3: score is 'nan', expected a"),
        ("stsb:a.tsv", "sentence1\tsentence2\tscore\n\tb\t1\nc\td\t2\n", "line 2: sentence1 is '', expected a text"),
        ("stsb:a.tsv", "x\ty\n1\t2\n", "no column sentence1, which may be called sentence1, text1.*there are 'x', 'y'"),
        ("stsb:a.tsv?score=rating", SCORED, "no column score, which may be called rating; there are 'sentence1'"),
        ("stsb:a.tsv", "sentence1\tsentence2\tscore\na\tb\t1\n", "1 pair, expected at least two"),
        ("stsb:a.tsv", "sentence1\tsentence2\tscore\n", "a.tsv: 0 rows, expected some"),
        ("pairs:a.csv", PAIRED, "line 2: label is 'yes', expected 0 or 1, true or false; or name the label"),
        ("pairs:a.csv", GRADED, "line 3: label is '2', expected 0 or 1"),
        ("pairs:a.csv?positive=none", PAIRED, "3 pairs, all with the label 0, expected 0 and 1"),
        ("clustering:a.jsonl", '{"text": "a", "label": 1.5}\n', "line 1: label is 1.5, expected a label"),
        ("rerank:a.jsonl", '{"query": "q", "positive": 5, "negative": []}\n', "line 1: positive is 5, expected a text"),
        ("rerank:a.tsv", "query\tdocument\tlabel\nq\ta\t1\n", "1 query, none with a positive and a negative"),
        ("beir:none", "", "none: no such folder"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(task, words, text, message):
    with pytest.raises((ArgumentError, InputError), match=message):
        task(words, text)


@pytest.mark.parametrize(("kind", "word"), [(SPARSE, "sparse"), (RERANKER, "rerank")])
@pytest.mark.parametrize("name", ["classification", "clustering", "bitext"])
def test_tasks_for_dense_models_are_refused_to_others(task, kind, word, name):
    with pytest.raises(ArgumentError, match=f"--task {name}: the model is a {word} one, expected a dense one"):
        task(f"{name}:a.tsv", LABELLED, Settings(kind=kind))


def test_options_of_rerankers_are_refused_to_others(task, tmp_path):
    beir(tmp_path / "small")
    with pytest.raises(ArgumentError, match="top_k=5, but the model is a dense one and searches the corpus itself"):
        task("beir:small?top_k=5")
