"""Readers of old training code, on small files."""

import gzip

import pytest

from airvec.errors import ArgumentError
from airvec_trainer import readers


def packed(path, text):
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(text)


def test_nli_comes_from_three_files(tmp_path):
    packed(tmp_path / "s1.train.gz", "a man\na dog\n")
    packed(tmp_path / "s2.train.gz", "a person\na cat\n")
    packed(tmp_path / "labels.train.gz", "Entailment\ncontradiction\n")
    reader = readers.NLIDataReader(tmp_path)
    first, second = reader.get_examples("train.gz")
    assert (first.texts, first.label, first.guid) == (["a man", "a person"], 1, "train.gz-0")
    assert (second.texts, second.label) == (["a dog", "a cat"], 0)
    assert len(reader.get_examples("train.gz", max_examples=1)) == 1
    assert reader.get_num_labels() == 3
    with pytest.raises(ArgumentError, match="'maybe'"):
        reader.map_label("maybe")


def test_sts_scores_are_brought_between_0_and_1(tmp_path):
    (tmp_path / "dev.tsv").write_text('one "quoted\ttwo\t5\nthree\tfour\t1\n')
    packed(tmp_path / "dev.tsv.gz", "five\tsix\t2.5\n")
    reader = readers.STSDataReader(tmp_path)
    first, second = reader.get_examples("dev.tsv")
    assert (first.texts, first.label, first.guid) == (['one "quoted', "two"], 1.0, "dev.tsv0")
    assert second.label == pytest.approx(0.2)
    assert reader.get_examples("dev.tsv.gz")[0].label == 0.5
    raw = readers.STSDataReader(tmp_path, normalize_scores=False)
    assert raw.get_examples("dev.tsv", 1)[0].label == 5.0


def test_the_sts_benchmark_has_its_own_columns(tmp_path):
    (tmp_path / "train.csv").write_text("news\tMSR\t2012\t0\t4.0\tone\ttwo\n")
    (row,) = readers.STSBenchmarkDataReader(tmp_path).get_examples("train.csv")
    assert (row.texts, row.label) == (["one", "two"], 0.8)


def test_triplets(tmp_path):
    (tmp_path / "t.tsv").write_text("a\tp\tn\n1\t2\t3\n")
    assert [row.texts for row in readers.TripletReader(tmp_path).get_examples("t.tsv")] == [
        ["a", "p", "n"],
        ["1", "2", "3"],
    ]
    (row,) = readers.TripletReader(tmp_path, has_header=True, s1_col_idx=2, s3_col_idx=0).get_examples("t.tsv")
    assert row.texts == ["3", "2", "1"]


def test_paired_files_end_with_the_shortest(tmp_path):
    (tmp_path / "en.txt").write_text("one\ntwo\nthree\n")
    packed(tmp_path / "de.txt.gz", "eins\nzwei\n")
    rows = readers.PairedFilesReader([tmp_path / "en.txt", str(tmp_path / "de.txt.gz")]).get_examples()
    assert [(row.texts, row.label, row.guid) for row in rows] == [(["one", "eins"], 1, "0"), (["two", "zwei"], 1, "1")]


def test_labels_become_numbers_over_all_files(tmp_path):
    (tmp_path / "a.tsv").write_text("sport\tgoal\nnews\tvote\n")
    (tmp_path / "b.tsv").write_text("news\tlaw\nart\tsong\n")
    reader = readers.LabelSentenceReader(tmp_path)
    rows = reader.get_examples("a.tsv") + reader.get_examples("b.tsv")
    assert [(row.texts, row.label) for row in rows] == [(["goal"], 0), (["vote"], 1), (["law"], 1), (["song"], 2)]


@pytest.mark.parametrize("line", ["one\ttwo\n", "one\ttwo\tmuch\n"])
def test_a_row_that_cannot_be_read_is_named(tmp_path, line):
    (tmp_path / "dev.tsv").write_text("a\tb\t1\n" + line)
    with pytest.raises(ArgumentError, match=r"dev.tsv: row 1 has"):
        readers.STSDataReader(tmp_path).get_examples("dev.tsv")


def test_the_files_of_sts_benchmark_are_read(shared, tmp_path):
    source = shared / "data" / "stsb" / "dev.tsv"
    if not source.is_file():
        pytest.skip(f"no {source.name} of the STS benchmark among the data")
    head, *lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    assert head.split("\t")[:3] == ["score", "sentence1", "sentence2"]
    (tmp_path / "dev.tsv").write_text("".join(lines), encoding="utf-8")
    rows = readers.STSDataReader(tmp_path, 1, 2, 0).get_examples("dev.tsv")
    assert len(rows) == len(lines)
    assert rows[1].texts == ["A young child is riding a horse.", "A child is riding a horse."]
    assert rows[1].label == pytest.approx(0.95)
