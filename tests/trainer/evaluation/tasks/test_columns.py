"""Columns of a task's file: found by name, in capitals or not, or by number; and what is told where one is missing."""

import pytest

from airvec.errors import ArgumentError, InputError
from airvec.folder import RERANKER
from airvec_trainer.evaluation.tasks import KINDS, Settings, parse_task, read_task

LISTED = """{"query": "q", "positive": "a", "negative": ["b", "c"]}
{"query": "p", "positive": [], "negative": ["b"]}
{"query": "r", "positive": ["a"], "negative": []}
"""


@pytest.fixture
def task(tmp_path):
    def read(words, text, kind="SentenceTransformer"):
        (tmp_path / words.partition(":")[2].partition("?")[0]).write_text(text, encoding="utf-8")
        return read_task(parse_task(words.replace(":", f":{tmp_path}/", 1), KINDS), Settings(kind))

    return read


def test_a_name_in_other_capitals_will_do_where_it_is_the_only_one(task):
    found = task("stsb:a.csv?score=rating", "Sentence1,SENTENCE2,Rating\na,b,1\nc,d,2\n").evaluator
    assert (found.sentences1, found.sentences2, found.scores) == (["a", "c"], ["b", "d"], [1, 2])
    with pytest.raises(ArgumentError, match="no column score, which may be called rating"):
        task("stsb:a.csv?score=rating", "sentence1,sentence2,Rating,RATING\na,b,1,1\nc,d,2,2\n")
    exact = task("stsb:a.csv?score=rating", "sentence1,sentence2,Rating,rating\na,b,1,3\nc,d,2,4\n").evaluator
    assert exact.scores == [3, 4]


@pytest.mark.parametrize(("name", "text"), [
    ("a.csv", "sentence1,sentence2,label\na,b,True\nc,d,false\n"),
    ("a.jsonl", '{"text1": "a", "text2": "b", "label": true}\n{"text1": "c", "text2": "d", "label": false}\n'),
])  # fmt: skip
def test_true_and_false_are_labels_of_pairs(task, name, text):
    assert list(task(f"pairs:{name}", text).evaluator.labels) == [1, 0]


def test_true_and_false_judge_documents(task):
    (sample,) = task("rerank:a.csv", "query,document,label\nq,a,true\nq,b,FALSE\n").evaluator.samples
    assert (sample.documents, sample.positives) == (["a", "b"], 1)


@pytest.mark.parametrize("kind", ["SentenceTransformer", RERANKER])
@pytest.mark.parametrize(("name", "text", "left_out", "total", "line"), [
    ("a.jsonl", LISTED, 2, 3, 2),
    ("a.tsv", "query\tdocument\tlabel\nq\ta\t1\nq\tb\t0\np\tc\t0\nq\td\t0\np\te\t0\n", 1, 2, 4),
])  # fmt: skip
def test_queries_that_are_left_out_are_counted_with_the_line_of_the_first(
    task, kind, name, text, left_out, total, line
):
    found = task(f"rerank:{name}", text, kind)
    assert (found.left_out, found.rows["queries"]) == (left_out, 1)
    assert found.note.startswith(f"{left_out} of {total} queries left out, without a positive or without a negative")
    assert found.note.endswith(f"in line {line}")


def test_where_all_queries_count_nothing_is_said(task):
    found = task("rerank:a.jsonl", LISTED.splitlines()[0])
    assert (found.left_out, found.note) == (0, "")
    assert found.also == ("map", "mrr@10")


@pytest.mark.parametrize(("words", "text", "message"), [
    ("stsb:a.tsv?sentence1=9&sentence2=2&score=3", "a\tb\t1\nc\td\t2\n",
     "sentence1=9, but columns are named by numbers, and there are 3; expected sentence1=1 to sentence1=3"),
    ("stsb:a.tsv?sentence1=1&score=3", "a\tb\t1\nc\td\t2\n", "no number of sentence2, but columns are named by num"),
    ("stsb:a.tsv?sentence1=1&sentence2=2&score=3", "one\ttwo\tscore\na\tb\t1\n",
     "line 1: 3 is 'score', expected a number. If this line is the file's header, name the columns by what stands"),
    ("stsb:a.tsv", "sentence1\tsentence2\tscore\na\tb\tx\n", "line 2: score is 'x', expected a number. Correct the"),
    ("stsb:a.tsv", "sentence1\tsentence2\tscore\na\tb\t5\n", "a.tsv: 1 pair, expected at least two"),
    ("stsb:a.tsv", "sentence1\tsentence2\tscore\na\tb\t5\nc\td\t5.0\n", "a.tsv: all 2 scores are 5, expected differ"),
    ("rerank:a.tsv", "query\tdocument\tlabel\nq\ta\t1\n", "1 query, none with a positive and a negative"),
    ("pairs:a.tsv?positive=no", "sentence1\tsentence2\tlabel\na\tb\tx\n", "1 pair, all with the label 0"),
])  # fmt: skip
def test_what_is_wrong_is_told_so_that_it_can_be_mended(task, words, text, message):
    with pytest.raises((ArgumentError, InputError), match=message):
        task(words, text)
