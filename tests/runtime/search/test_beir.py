"""Mirrors runtime/airvec/search/beir.py."""

import json

import pytest

from airvec.errors import ArgumentError, InputError
from airvec.search.beir import read_beir

CORPUS = [{"_id": "d1", "title": "Köln", "text": "am Rhein\u2028zwei"}, {"_id": "d2", "title": "", "text": "ohne"}]
QUERIES = [{"_id": "q1", "text": "eins"}, {"_id": "q2", "text": "zwei"}, {"_id": "q3", "text": "drei"}]
GRADES = "query-id\tcorpus-id\tscore\nq2\td1\t2\nq1\td9\t0\nq2\td2\t1\n"


@pytest.fixture
def task(tmp_path):
    """A task's folder, and a function that replaces one of its files."""
    folder = tmp_path / "task"
    (folder / "qrels").mkdir(parents=True)

    def write(name: str, content: str | list) -> None:
        text = content if isinstance(content, str) else "".join(json.dumps(row) + "\n" for row in content)
        (folder / name).write_bytes(text.encode())

    write("corpus.jsonl", CORPUS)
    write("queries.jsonl", QUERIES)
    write("qrels/test.tsv", GRADES)
    return folder, write


def test_documents_are_title_and_text_and_only_judged_queries_are_read(task):
    found = read_beir(task[0])
    assert found.corpus == {"d1": "Köln am Rhein\u2028zwei", "d2": "ohne"}
    assert list(found.queries.items()) == [("q2", "zwei"), ("q1", "eins")]
    assert found.relevant == {"q2": {"d1": 2, "d2": 1}, "q1": {"d9": 0}}


def test_a_title_may_be_missing_and_other_keys_and_blank_lines_are_skipped(task):
    folder, write = task
    write("corpus.jsonl", '\r\n{"_id": "d1", "text": "one", "metadata": {}}\r\n\n')
    assert read_beir(folder).corpus == {"d1": "one"}


def test_another_split_is_another_file(task):
    folder, write = task
    write("qrels/train.tsv", "query-id\tcorpus-id\tscore\r\nq3\td1\t1\r\n")
    assert read_beir(folder, "train").relevant == {"q3": {"d1": 1}}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.jsonl", '{"_id": "d1", "text": "x"}\nnot json\n', r"task/corpus\.jsonl: line 2 is 'not json'"),
        ("corpus.jsonl", [{"_id": 1, "text": "x"}], "line 1 .* expected a JSON object whose _id, title and text"),
        ("corpus.jsonl", [{"_id": "d1", "title": "x"}], "line 1"),
        ("corpus.jsonl", [{"_id": "d1", "title": None, "text": "x"}], "line 1"),
        ("corpus.jsonl", [*CORPUS, CORPUS[0]], "line 3 .* another _id than 'd1'"),
        ("queries.jsonl", "[1]\n", "line 1"),
        ("queries.jsonl", QUERIES[1:], r"qrels/test\.tsv: has query 'q1', expected one of queries\.jsonl"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\n", "line 2 is 'q1"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\n", r"qrels/test\.tsv: no grades, expected lines"),
        ("qrels/test.tsv", "", r"qrels/test\.tsv: no grades"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\thigh\n", "line 2 .* a whole number"),
    ],
)
def test_a_line_that_is_wrong_is_named(task, name, content, message):
    task[1](name, content)
    with pytest.raises(InputError, match=message):
        read_beir(task[0])


def test_bytes_that_are_no_text_are_refused(task):
    (task[0] / "corpus.jsonl").write_bytes(b'{"_id": "d1", "text": "\xff"}\n')
    with pytest.raises(InputError, match="line 1"):
        read_beir(task[0])
    (task[0] / "corpus.jsonl").write_text("")
    (task[0] / "qrels" / "test.tsv").write_bytes(b"h\nq1\t\xff\t1\n")
    with pytest.raises(InputError, match="line 2"):
        read_beir(task[0])


def test_a_missing_file_or_split_says_what_is_there(task):
    with pytest.raises(ArgumentError, match=r"qrels: has no dev\.tsv; it holds test\.tsv"):
        read_beir(task[0], "dev")
    (task[0] / "empty").mkdir()
    with pytest.raises(ArgumentError, match=r"empty: has no corpus\.jsonl; it holds nothing"):
        read_beir(task[0] / "empty")


def test_paths_are_told_as_they_were_typed(task, monkeypatch):
    monkeypatch.chdir(task[0].parent)
    name = task[0].name
    with pytest.raises(ArgumentError, match=r"^sci/fct: no such folder. Check the path"):
        read_beir("sci/fct")
    with pytest.raises(ArgumentError, match=rf"^{name}/corpus.jsonl: is a file, expected a folder with corpus.jsonl"):
        read_beir(f"{name}/corpus.jsonl")
    with pytest.raises(ArgumentError, match=rf"^{name}/qrels: has no dev.tsv"):
        read_beir(name, "dev")
    task[1]("qrels/test.tsv", "")
    with pytest.raises(InputError, match=rf"^{name}/qrels/test.tsv: no grades"):
        read_beir(name)
