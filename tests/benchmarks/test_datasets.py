import pytest
from measure.datasets import MissingDataError, read_beir, read_sts, read_texts
from measure.environments import packages_of
from measure.peers import PEERS


def test_pairs_are_read_with_their_scores(tmp_path):
    file = tmp_path / "test.tsv"
    file.write_text('score\tsentence1\tsentence2\tgenre\n2.5\tA "quoted\tB\tnews\n5.0\tC\tD\tnews\n')
    pairs = read_sts(file)
    assert pairs.left == ['A "quoted', "C"]
    assert pairs.right == ["B", "D"]
    assert pairs.scores.tolist() == [2.5, 5.0]


def test_documents_are_title_and_text_and_only_judged_queries_count(tmp_path):
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d1", "title": "T", "text": "text"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "one"}\n{"_id": "q2", "text": "two"}\n')
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq2\td1\t1\nq2\td9\t2\n")
    task = read_beir(tmp_path, "train")
    assert task.corpus == {"d1": "T text"}
    assert task.queries == {"q2": "two"}
    assert task.relevant == {"q2": {"d1": 1, "d9": 2}}


def test_a_missing_file_is_named_with_the_remedy(tmp_path):
    with pytest.raises(MissingDataError, match=r"nowhere\.txt: no such file.*--help"):
        read_texts(tmp_path / "nowhere.txt")


def test_only_line_ends_separate_texts(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("one\x0bstill one\ntwo\u2028still two\n")
    assert read_texts(file) == ["one\x0bstill one", "two\u2028still two"]


@pytest.mark.parametrize("name", sorted({peer.environment for peer in PEERS}))
def test_every_environment_is_pinned_to_the_version(name):
    packages = packages_of(name)
    assert packages
    assert all(package.count("==") == 1 for package in packages)
