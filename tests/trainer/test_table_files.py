"""Tables on disk: columns, the line of each row, and files that are wrong."""

import gzip

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.table_files import read_table


def written(folder, name, text):
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.tsv", 'x\ty\n1\t"a\n2\tb\n', [2, 3]),
        ("a.tsv.gz", 'x\ty\r\n1\t"a\r\n2\tb\r\n', [2, 3]),
        ("a.csv", 'x,y\n1,"""a"\n2,b\n', [2, 3]),
        ("a.jsonl", '{"x": "1", "y": "\\"a"}\n\n{"x": "2", "y": "b"}\n', [1, 3]),
        ("a.tsv", '\ufeffx\ty\n1\t"a\n2\tb\n', [2, 3]),
    ],
)
def test_every_kind_gives_columns_and_the_line_of_each_row(tmp_path, name, text, lines):
    found = read_table(written(tmp_path, name, text))
    assert found.columns == {"x": ["1", "2"], "y": ['"a', "b"]}
    assert found.lines == lines


def test_a_quoted_cell_may_go_over_lines(tmp_path):
    found = read_table(written(tmp_path, "a.csv", 'x,y\n1,"a\nb"\n2,c\n'))
    assert found.columns["y"] == ["a\nb", "c"]
    assert found.lines == [3, 4]


def test_a_file_without_a_header_has_columns_by_number(tmp_path):
    found = read_table(written(tmp_path, "a.tsv", "a\tb\nc\td\n"), header=False)
    assert found.columns == {"1": ["a", "c"], "2": ["b", "d"]}
    assert found.lines == [1, 2]
    assert read_table(written(tmp_path, "empty.tsv", ""), header=False).lines == []


def test_long_cells_are_read_and_what_a_row_lacks_is_none(tmp_path):
    assert len(read_table(written(tmp_path, "a.tsv", f"x\n{'a' * 200_000}\n")).columns["x"][0]) == 200_000
    assert read_table(written(tmp_path, "a.jsonl", '{"x": 1}\n{"y": 2}\n')).columns == {"x": [1, None], "y": [None, 2]}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "", r"a\.txt: ends in '\.txt', expected one of \.tsv, \.csv, \.jsonl"),
        ("a.tsv", "x\ty\n1\n", r"a\.tsv: line 2 has 1 columns, expected 2"),
        ("a.tsv", "x\ty\tx\n1\t2\t3\n", r"a\.tsv: 2 columns are called 'x', expected one"),
        ("a.jsonl", "{}\n[1]\n", r"a\.jsonl: line 2 is \[1\], expected an object"),
        ("a.jsonl", "{}\n{\n", r"a\.jsonl: line 2 is no JSON"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path, name, text, message):
    with pytest.raises(ArgumentError, match=message):
        read_table(written(tmp_path, name, text))


def test_no_file_and_no_text_are_told(tmp_path):
    with pytest.raises(ArgumentError, match="none.tsv: no such file"):
        read_table(tmp_path / "none.tsv")
    (tmp_path / "a.tsv").write_bytes(b"x\n\xff\n")
    with pytest.raises(ArgumentError, match="a.tsv: cannot be read .*expected UTF-8"):
        read_table(tmp_path / "a.tsv")
    (tmp_path / "a.tsv.gz").write_bytes(b"no gzip")
    with pytest.raises(ArgumentError, match=r"a.tsv.gz: is not gzip .*Leave .gz out of its name"):
        read_table(tmp_path / "a.tsv.gz")


@pytest.mark.parametrize(("change", "message"), [
    (lambda packed: packed[:-9], "ends too early, expected a whole gzip file. Copy it again"),
    (lambda packed: packed[:10] + b"\xff" * 20, "is damaged .*Copy it again"),
    (lambda packed: packed[:-8] + bytes(8), "is damaged .*Copy it again"),
])  # fmt: skip
def test_a_gz_that_was_cut_off_or_changed_is_not_blamed_on_its_letters(tmp_path, change, message):
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(change(gzip.compress(b"x\ty\n" + b"1\t2\n" * 100)))
    with pytest.raises(ArgumentError, match=message) as told:
        read_table(path)
    assert "UTF-8" not in str(told.value)


@pytest.mark.parametrize(("name", "text", "lines"), [
    ("a.tsv", "\nx\ty\n1\ta\n\n2\tb\n\n  \n", [3, 5]),
    ("a.csv", "x,y\r\n1,a\r\n\r\n2,b\r\n\r\n", [2, 4]),
])  # fmt: skip
def test_blank_lines_are_skipped(tmp_path, name, text, lines):
    found = read_table(written(tmp_path, name, text))
    assert (found.columns, found.lines) == ({"x": ["1", "2"], "y": ["a", "b"]}, lines)
