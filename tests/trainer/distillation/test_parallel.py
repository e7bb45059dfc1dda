"""Mirrors trainer/airvec_trainer/distillation/parallel.py."""

import gzip

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec_trainer import SentenceTransformer, losses
from airvec_trainer.distillation import parallel_dataset
from tests.tiny.checkpoints import tiny_checkpoint
from tests.trainer.distillation.test_teachers import Counting
from tests.trainer.trainings import trainer


def test_a_row_for_each_translation_with_the_vector_of_the_source():
    rows = parallel_dataset(Counting(), [["hello", "hallo", "bonjour"], ["yes", "ja"], ["hello", "hallo"]])
    assert rows.column_names == ["source", "translation", "label"]
    assert rows["source"][:] == ["hello", "hello", "yes"]
    assert rows["translation"][:] == ["hallo", "bonjour", "ja"]
    assert rows["label"][:] == [[5, 0], [5, 0], [3, 0]]


def test_files_are_read_with_the_source_in_any_column(tmp_path):
    (tmp_path / "deu.tsv").write_text("hallo\thello\nja\tyes\n", encoding="utf-8")
    with gzip.open(tmp_path / "fra.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("oui\tyes\n")
    one = parallel_dataset(Counting(), tmp_path / "deu.tsv", source=1)
    assert (one["source"][:], one["translation"][:]) == (["hello", "yes"], ["hallo", "ja"])
    both = parallel_dataset(Counting(), [str(tmp_path / "deu.tsv"), tmp_path / "fra.tsv.gz"], source=1)
    assert both["translation"][:] == ["hallo", "ja", "oui"]


def test_long_sentences_are_left_out():
    rows = [["yes", "ja"], ["a long one", "ein langer"], ["no", "auf keinen Fall"]]
    assert parallel_dataset(Counting(), rows, longest=9)["source"][:] == ["yes"]
    assert len(parallel_dataset(Counting(), rows, longest=None)) == 3
    with pytest.raises(ArgumentError, match="0 rows of 1 characters"):
        parallel_dataset(Counting(), rows, longest=1)


@pytest.mark.parametrize(("row", "source"), [(["hello"], 0), (["hello", ""], 0), (["a", "b"], 2)])
def test_a_row_that_is_no_translation_is_told_with_its_place(row, source):
    with pytest.raises(ArgumentError, match=r"sentences: row [12]: \['.*with source="):
        parallel_dataset(Counting(), [["a", "b", "c"], row], source=source)


def test_a_line_of_a_file_is_told_with_its_number(tmp_path):
    (tmp_path / "deu.tsv").write_text("hallo\thello\nja\n", encoding="utf-8")
    with pytest.raises(ArgumentError, match=r"deu\.tsv: line 2: \['ja'\]"):
        parallel_dataset(Counting(), tmp_path / "deu.tsv")


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(ArgumentError, match=r"sentences: 'nope\.tsv': no such file, expected a text file"):
        parallel_dataset(Counting(), "nope.tsv")
    (tmp_path / "deu.tsv.gz").write_bytes(b"hallo\thello\n")
    with pytest.raises(ArgumentError, match=r"deu\.tsv\.gz': cannot be read \(Not a gzipped file"):
        parallel_dataset(Counting(), tmp_path / "deu.tsv.gz")
    (tmp_path / "deu.tsv").write_bytes(b"hall\xf6\thello\n")
    with pytest.raises(ArgumentError, match=r"deu\.tsv': cannot be read \('utf-8'"):
        parallel_dataset(Counting(), [tmp_path / "deu.tsv"])


def test_nothing_at_all_is_not_a_matter_of_length(tmp_path):
    (tmp_path / "deu.tsv").write_text("")
    with pytest.raises(ArgumentError, match=r"sentences: 0 rows in deu\.tsv, expected some. Look at where"):
        parallel_dataset(Counting(), tmp_path / "deu.tsv")
    with pytest.raises(ArgumentError, match="sentences: 0 rows in an empty list, expected some"):
        parallel_dataset(Counting(), [])


def test_rows_may_come_from_an_iterator():
    assert parallel_dataset(Counting(), zip(["a"], ["b"], strict=True))["translation"][:] == ["b"]


@pytest.mark.parametrize("row", ["ab", 7, None, ["a", None], {"a": "b", "c": "d"}])
def test_what_is_no_row_of_texts_is_told(row):
    with pytest.raises(ArgumentError, match="sentences: row 2: "):
        parallel_dataset(Counting(), [("a", "b"), row])


@pytest.mark.parametrize("given", [{"source": "0"}, {"longest": 0}, {"longest": "long"}, {"source": None}])
def test_arguments_that_cannot_be_are_told(given):
    with pytest.raises(ArgumentError, match=f"{next(iter(given))}: .*, expected a whole number"):
        parallel_dataset(Counting(), [("a", "b")], **given)


def test_tatoeba_is_read(shared):
    files = sorted((shared / "data" / "tatoeba").glob("*.tsv"))
    if not files:
        pytest.skip("no tatoeba/ in the shared data")
    rows = parallel_dataset(Counting(), files, source=1)
    assert len(rows) > 900 * len(files)
    assert "Let's have a look." in set(rows["source"][:])


@pytest.mark.slow
def test_a_student_learns_the_teachers_vectors_in_another_language(teacher, tmp_path):
    pairs = [(f"word{number}", f"wort{number}") for number in range(16)]
    rows = parallel_dataset(teacher, pairs, cache_folder=tmp_path / "cache")
    student = SentenceTransformer(tiny_checkpoint(tmp_path / "student", "xlm-roberta"), device="cpu")
    wanted = teacher.encode([source for source, _ in pairs])

    def distance():
        return float(np.mean((student.encode([translation for _, translation in pairs]) - wanted) ** 2))

    before = distance()
    options = {"max_steps": 40, "per_device_train_batch_size": 16, "learning_rate": 3e-3}
    trainer(None, tmp_path / "out", model=student, data=rows, loss=losses.MSELoss(), options=options).train()
    assert distance() < 0.5 * before
