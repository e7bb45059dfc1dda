"""Mirrors runtime/airvec/cli/texts.py."""

import argparse
import io
import json
import os
import re
import sys
from threading import Thread

import pytest

from airvec.cli.texts import add_text_arguments, documents, json_lines, numbered, read_file, read_texts, written
from airvec.errors import ArgumentError, InputError, ModelNotFoundError


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_text_arguments(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def file(tmp_path):
    def write(name: str, content: str | bytes):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("one\r\ntwo\r\n", ["one", "two"]),
        ("one\n\ntwo\n\n \n", ["one", "", "two"]),
        ("\ufeffone", ["one"]),
        (' {"text": 1}\n', [' {"text": 1}']),
        ("a\u2028b\x0cc\n", ["a\u2028b\x0cc"]),
        ("", []),
        ("\n\n", []),
    ],
)
def test_a_text_file_holds_a_text_a_line(file, content, expected):
    assert list(read_file(file("texts.txt", content))) == expected


@pytest.mark.parametrize("name", ["texts.jsonl", "texts.ndjson"])
def test_json_lines_hold_texts_or_objects_with_one(file, name):
    path = file(name, '"one\\ntwo"\n{"text": "three", "id": 3}\n{"id": 4, "text": ""}\n')
    assert list(read_file(path)) == ["one\ntwo", "three", ""]


def test_documents_are_the_texts_that_are_not_blank_with_their_lines(file):
    assert documents(file("texts.txt", "one\n\n \t\r\ntwo\r\n")) == [(1, "one"), (4, "two")]
    assert documents(file("texts.jsonl", '{"text": ""}\n\n" "\n" two"\n')) == [(4, " two")]


@pytest.mark.parametrize(("name", "content"), [("a.txt", ""), ("a.txt", "\n \n\n"), ("a.jsonl", '\n""\n')])
def test_a_file_without_documents_is_named(file, name, content):
    path = file(name, content)
    with pytest.raises(InputError, match=rf"{re.escape(str(path))}: no texts in it, expected one a line, or JSONL"):
        documents(path)


def test_blank_lines_among_json_lines_are_skipped_and_counted(file):
    path = file("texts.jsonl", '\n"one"\n \r\n\n"two"\n\n')
    assert list(read_file(path)) == ["one", "two"]
    assert list(numbered(path)) == [(2, "one"), (5, "two")]
    assert list(numbered(file("texts.txt", "one\n\ntwo\n"))) == [(1, "one"), (2, ""), (3, "two")]
    with pytest.raises(InputError, match="line 3: 7, expected a text"):
        list(read_file(file("texts.jsonl", '"one"\n\n7\n')))


def test_another_field_may_hold_the_text(file):
    assert list(read_file(file("texts.jsonl", '{"body": "one", "text": 2}'), "body")) == ["one"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: not JSON"),
        ('{"body": "b", "id": 1}', "line 2: no key 'text', found body, id. Name it with --field"),
        ("{}", "line 2: no key 'text', found none"),
        ("3", "line 2: 3, expected a text"),
        ("null", "line 2: None, expected a text"),
        ('{"text": ["a", "b"]}', r"line 2: \['a', 'b'\], expected a text"),
        ("[" * 100_000, "line 2: not JSON"),
        ("9" * 5000, "line 2: not JSON"),
    ],
)
def test_a_line_without_a_text_is_named(file, line, message):
    with pytest.raises(InputError, match=message):
        list(read_file(file("texts.jsonl", f'"one"\n{line}\n"three"\n')))


def test_bytes_that_are_no_utf8_are_named(file):
    with pytest.raises(InputError, match="latin.txt: byte 3 is not UTF-8"):
        list(read_file(file("latin.txt", b"caf\xe9")))


def test_a_file_that_does_not_exist_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "nowhere.txt", tmp_path):
        with pytest.raises(ModelNotFoundError, match=f"{path.name}: no such file"):
            list(read_file(path))


def test_a_named_pipe_is_read(tmp_path):
    """What the shell's `<(…)` makes."""
    os.mkfifo(tmp_path / "pipe")
    writer = Thread(target=(tmp_path / "pipe").write_text, args=("one\ntwo\n",))
    writer.start()
    assert list(read_file(tmp_path / "pipe")) == ["one", "two"]
    writer.join()


@pytest.mark.parametrize(
    ("content", "expected"), [("one\ntwo", ["one", "two"]), ('{"text": "one"}\n{"text": "two"}\n', ["one", "two"])]
)
def test_standard_input_holds_lines_or_json_lines(monkeypatch, content, expected):
    for arguments in ([], ["--file", "-"]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
        assert read_texts(parsed(*arguments)) == expected


def test_texts_from_arguments_are_taken_as_they_are(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert read_texts(parsed("one", "two\n", "")) == ["one", "two\n", ""]


def test_texts_and_a_file_are_too_much_and_a_terminal_gives_none(file, monkeypatch):
    path = file("texts.txt", "one")
    assert read_texts(parsed("--file", str(path))) == ["one"]
    with pytest.raises(ArgumentError, match="texts.txt' given together with texts"):
        read_texts(parsed("one", "--file", str(path)))
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(ArgumentError, match="texts: none given"):
        read_texts(parsed())


def test_a_file_takes_its_name_when_it_is_whole(tmp_path):
    with written(tmp_path / "new" / "out") as file:
        file.write(b"all")
        assert not (tmp_path / "new" / "out").exists()
    assert (tmp_path / "new" / "out").read_bytes() == b"all"


def test_a_file_that_fails_leaves_the_old_one(tmp_path):
    (tmp_path / "out").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), written(tmp_path / "out") as file:
        file.write(b"%d" % (1 // 0))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").read_bytes() == b"old"


def test_a_file_of_the_user_beside_the_new_one_stays_and_two_writers_do_not_meet(tmp_path):
    (tmp_path / ".out.new").write_bytes(b"mine")
    with written(tmp_path / "out") as one, written(tmp_path / "out") as other:
        one.write(b"one")
        other.write(b"other")
    assert (tmp_path / ".out.new").read_bytes() == b"mine"
    assert (tmp_path / "out").read_bytes() == b"one"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.new", "out"]


def test_a_file_may_be_read_by_whom_any_new_file_may(tmp_path):
    (tmp_path / "plain").touch()
    with written(tmp_path / "out") as file:
        file.write(b"all")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_device_is_written_to_and_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    seen: list[bytes] = []
    reader = Thread(target=lambda: seen.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    with written(tmp_path / "pipe") as file:
        file.write(b"all")
    reader.join()
    assert seen == [b"all"]
    assert (tmp_path / "pipe").is_fifo()


def test_json_lines_leave_other_alphabets_readable_and_read_back():
    (line,) = json_lines([{"text": "世\n\u2028", "n": 1}])
    assert line.startswith('{"text": "世\\n')
    assert line.endswith("}\n")
    assert json.loads(line) == {"text": "世\n\u2028", "n": 1}
