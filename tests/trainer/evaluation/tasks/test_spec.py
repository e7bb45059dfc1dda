"""The words of a task on the command line."""

from pathlib import Path

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.tasks import KINDS, parse_task


def test_a_task_is_a_kind_a_file_and_options():
    spec = parse_task("classification:data/val.tsv.gz?train=data/train.tsv&seed=3&name=mine", KINDS)
    assert (spec.kind, spec.place, spec.name, spec.title) == (
        "classification", Path("data/val.tsv.gz"), "mine", "mine",
    )  # fmt: skip
    assert spec.options == {"train": "data/train.tsv", "seed": "3", "name": "mine"}
    assert (spec.number("seed", 42), spec.number("experiments", 10)) == (3, 10)


def test_the_name_is_the_files(tmp_path):
    spec = parse_task(f"stsb:{tmp_path}/stsb/test.v2.tsv.gz", KINDS)
    assert (spec.name, spec.title) == ("test.v2", "stsb/test.v2")
    (tmp_path / "sci.fact").mkdir()
    split = parse_task(f"beir:{tmp_path}/sci.fact?split=dev", KINDS)
    assert (split.name, split.title) == ("sci.fact_dev", "sci.fact_dev")
    assert parse_task(f"beir:{tmp_path}/sci.fact", KINDS).title == "sci.fact"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sts:a.tsv", "--task 'sts:a.tsv': expected KIND:FILE with a KIND of stsb, beir"),
        ("stsb", "--task 'stsb': expected KIND:FILE"),
        ("stsb:", "--task 'stsb:': expected KIND:FILE"),
        ("stsb:a.tsv?label=x", "--task stsb: option 'label=x', expected OPTION=VALUE with one of sentence1, sentence2"),
        ("stsb:a.tsv?score", "--task stsb: option 'score', expected OPTION=VALUE"),
        ("stsb:a.tsv?score=", "--task stsb: option 'score='"),
    ],
)
def test_wrong_words_are_told(text, message):
    with pytest.raises(ArgumentError, match=message):
        parse_task(text, KINDS)


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_number_that_is_none_is_told(value):
    with pytest.raises(ArgumentError, match=f"--task clustering: seed='{value}', expected a whole number"):
        parse_task(f"clustering:a.tsv?seed={value}", KINDS).number("seed", 1)
