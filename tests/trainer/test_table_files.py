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
    with pytest.raises(ArgumentError, match="cannot be read"):
        read_table(tmp_path / "a.tsv.gz")
