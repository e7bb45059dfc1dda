"""Mirrors runtime/airvec/json_file.py."""

import pytest

from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.json_file import read_json, read_object, read_object_if_there
from tests.folders import write_json


@pytest.mark.parametrize("content", [b"{", b"", b"9" * 5000, b"\xff\xfe", b'{"a": 1,}', b"[" * 100_000])
def test_broken_json_is_an_error_that_names_the_file(tmp_path, content):
    path = tmp_path / "model" / "config.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ModelFolderError, match="model/config.json: not valid JSON"):
        read_json(path)


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ModelNotFoundError, match="config.json: no such file"):
        read_object(tmp_path / "config.json")
    assert read_object_if_there(tmp_path / "config.json").values == {}


def test_a_list_where_an_object_belongs_is_an_error(tmp_path):
    write_json(tmp_path / "config.json", [1])
    with pytest.raises(ModelFolderError, match="JSON list, expected an object"):
        read_object(tmp_path / "config.json")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("8", lambda found: found.integer("key")),
        (True, lambda found: found.integer("key")),
        (1.5, lambda found: found.integer("key")),
        (0, lambda found: found.need_integer("key")),
        (None, lambda found: found.need_integer("key")),
        (3, lambda found: found.text("key")),
        ("yes", lambda found: found.flag("key", False)),
        ([], lambda found: found.section("key")),
        ({}, lambda found: found.items("key")),
    ],
)
def test_a_value_of_the_wrong_type_is_an_error_that_names_file_key_and_value(tmp_path, value, read):
    write_json(tmp_path / "config.json", {"key": value})
    with pytest.raises(ModelFolderError, match=f"config.json: 'key' is {value!r}".replace("[", r"\[")):
        read(read_object(tmp_path / "config.json"))


def test_absent_and_null_values_read_as_the_default(tmp_path):
    write_json(tmp_path / "config.json", {"null": None, "whole": 512.0, "huge": 1e30})
    found = read_object(tmp_path / "config.json")
    assert (found.text("null", "x"), found.integer("absent", 3), found.flag("absent", True)) == ("x", 3, True)
    assert (found.integer("whole"), found.integer("huge")) == (512, int(1e30))
