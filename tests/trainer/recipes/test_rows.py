"""Mirrors trainer/airvec_trainer/recipes/rows.py."""

import gzip
import json

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.recipes import rows
from airvec_trainer.recipes.rows import columns_of, parts_of_data, read_rows
from airvec_trainer.recipes.sections import DataSection, RowsSection

TSV = 'label\tleft\tright\nyes\ta "quoted\tb\nno\tc\td\nyes\te\tf\n'


@pytest.fixture
def tsv(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text(TSV, encoding="utf-8")
    return str(path)


def test_rows_are_filtered_and_columns_taken_in_the_order_of_the_recipe(tsv):
    section = RowsSection(file=tsv, where={"label": "yes"}, columns={"positive": "right", "anchor": "left"})
    assert columns_of(section) == {"positive": ["b", "f"], "anchor": ['a "quoted', "e"]}


def test_columns_can_be_named_without_renaming(tsv):
    assert columns_of(RowsSection(file=tsv, columns=["right"], limit=2)) == {"right": ["b", "d"]}


def test_values_are_replaced_and_divided(tsv):
    section = RowsSection(file=tsv, values={"label": {"yes": 4, "no": 0}}, divide={"label": 5}, columns=["label"])
    assert columns_of(section) == {"label": [0.8, 0.0, 0.8]}


def test_several_columns_behind_one_name_are_tuples(tsv):
    section = RowsSection(file=tsv, columns={"sentence_pairs": ["left", "right"]}, where={"label": ["no"]})
    assert columns_of(section) == {"sentence_pairs": [("c", "d")]}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "0"], [1, 0]),
        (["1", "0.5"], [1.0, 0.5]),
        (["9e-1", "1e-1"], [0.9, 0.1]),
        (["1e2", "3"], [100.0, 3.0]),
        (["9007199254740993", "-1"], [9007199254740993, -1]),  # which no float holds
    ],
)
def test_labels_of_a_text_file_become_numbers(tmp_path, texts, expected):
    path = tmp_path / "scored.csv"
    path.write_text("text,score\n" + "".join(f'"x, y",{text}\n' for text in texts))
    found = columns_of(RowsSection(file=str(path)))
    assert found == {"text": ["x, y"] * 2, "score": expected}
    assert [type(value) for value in found["score"]] == [type(value) for value in expected]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", "text,score\na,1\nb,{}\n"),
        ("rows.tsv", "text\tlabel\na\t1\nb\t{}\n"),
        ("rows.jsonl", '{{"text": "a", "score": 1}}\n{{"text": "b", "score": {}}}\n'),
    ],
)
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_labels_that_are_no_finite_numbers_are_refused(tmp_path, name, content, value):
    (tmp_path / name).write_text(content.format(value))
    with pytest.raises(ArgumentError, match=r"column '(score|label)' is (nan|-?inf) in row 1 of those taken, expected"):
        columns_of(RowsSection(file=str(tmp_path / name)))


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz"])
def test_json_lines_keep_their_types(tmp_path, ending):
    path = tmp_path / f"rows{ending}"
    lines = [{"query": "q", "docs": ["a", "b"], "labels": [1, 0]}, {"query": "r", "docs": ["c"], "labels": [1]}]
    text = "\n".join(json.dumps(line) for line in lines) + "\n\n"
    path.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())
    found = read_rows(RowsSection(file=str(path)))
    assert found.column_names == ["query", "docs", "labels"]
    assert found["docs"][:] == [["a", "b"], ["c"]]


def test_parquet_is_read(tmp_path):
    from datasets import Dataset

    Dataset.from_dict({"a": ["x", "y"], "score": [0.5, 1.0]}).to_parquet(str(tmp_path / "rows.parquet"))
    assert columns_of(RowsSection(file=str(tmp_path / "rows.parquet"))) == {"a": ["x", "y"], "score": [0.5, 1.0]}


def test_a_data_set_of_the_hub_is_asked_for_with_its_subset_split_and_revision(monkeypatch):
    import datasets

    asked = []

    def load_dataset(*names, **settings):
        asked.append((names, settings))
        return datasets.Dataset.from_dict({"a": ["x", "y"], "label": [1, 0]})

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    section = RowsSection(hub="org/set", subset="pair", split="dev", revision="v1", where={"label": 1})
    assert columns_of(section) == {"a": ["x"], "label": [1]}
    assert asked == [(("org/set", "pair"), {"split": "dev", "revision": "v1"})]


@pytest.mark.parametrize(("held_out", "train", "out"), [(0, 3, None), (1, 2, 1), (0.34, 2, 1)])
def test_rows_at_the_end_are_held_out(tsv, held_out, train, out):
    trained, kept = parts_of_data(DataSection(file=tsv, held_out=held_out, columns=["left"]))
    assert len(trained) == train
    assert (None if kept is None else len(kept)) == out
    assert kept is None or kept["left"][:] == ["e"]


def test_rows_are_augmented_as_the_recipe_says(tsv):
    swap = {"name": "Replacement", "column": "left", "into": "positive", "synonyms": {"c": ["x"]}, "share": 1.0}
    trained, _ = parts_of_data(DataSection(file=tsv, columns=["left"], augment=[swap]))
    assert trained.to_dict() == {"left": ['a "quoted', "c", "e"], "positive": ['a "quoted', "x", "e"]}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"name": "Delete"}, r"data: augment 0.name: 'Delete', expected one of Cropping, Deletion, Replacement"),
        ({"name": "Deletion"}, "augment 0: no 'column' among"),
        ({"name": "Deletion", "column": "left", "shares": 1}, r"unknown key 'shares'.*Did you mean 'share'\?"),
        ({"name": "Deletion", "column": "left", "seed": "x"}, r"augment 0.seed: 'x', expected a whole number"),
    ],
)
def test_a_wrong_augmentation_is_refused_with_its_place(tsv, table, message):
    with pytest.raises(ArgumentError, match=message):
        parts_of_data(DataSection(file=tsv, columns=["left"], augment=[table]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"columns": ["centre"]}, r"pairs.tsv: no column 'centre', expected one of label, left, right"),
        ({"where": {"label": "maybe"}}, r"no row with label = 'maybe'; it is \['no', 'yes'\]"),
        ({"values": {"label": {"yes": 1}}}, "label is 'no' in a row, expected one of yes"),
        ({}, "the label column 'label' holds what is no number .*'yes'"),
        ({"divide": {"left": 2}, "columns": ["left"]}, "label column 'left' holds what is no number"),
        ({"divide": {"label": 0}, "values": {"label": {"yes": 1, "no": 0}}}, "divide label by 0"),
        ({"held_out": 3, "columns": ["left"]}, "3 of 3 rows held out"),
    ],
)
def test_what_cannot_be_done_is_refused(tsv, settings, message):
    with pytest.raises(ArgumentError, match=message):
        parts_of_data(DataSection(file=tsv, **settings))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.tsv", None, "gone.tsv: no such file"),
        ("rows.doc", b"x", r"ends in '.doc', expected one of .tsv, .csv, .jsonl, .txt, .parquet"),
        ("rows.tsv", b"a\tb\nx\n", "line 2 has 1 columns, expected 2"),
        ("rows.tsv", b"a\n\xff\n", r"rows.tsv: cannot be read \(.*, expected UTF-8"),
        ("rows.tsv.gz", b"a\tb\n", "rows.tsv.gz: is not gzip"),
        ("rows.jsonl", b"{}\n{", "line 2 is no JSON"),
        ("rows.parquet.gz", b"x", r"ends in '.gz', expected one of"),
        ("rows.jsonl", b"[1]\n", r"line 1 is \[1\], expected an object"),
        ("rows.parquet", b"nothing of the kind", "no parquet file"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ArgumentError, match=message):
        columns_of(RowsSection(file=str(tmp_path / name)))


def test_every_kind_of_file_that_is_offered_is_read():
    assert set(rows.KINDS) == {".tsv", ".csv", ".jsonl", ".txt", ".parquet"}
