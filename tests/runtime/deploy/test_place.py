"""Mirrors runtime/airvec/deploy/place.py."""

import os
import re

import pytest

from airvec.deploy.place import MARKER, new_package, write_marker
from airvec.errors import ArgumentError
from tests.folders import word_model


def write(out, kind="folder"):
    with new_package(out, kind) as fresh:
        (fresh / "lib").mkdir()
        (fresh / "lib" / "code.py").write_text("")
        (fresh / "program").write_text("")
        (fresh / "program").chmod(0o700)
        write_marker(fresh, kind)
    return out


def bytes_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(out, kind="folder") -> str:
    """What is said, once nothing at all has changed."""
    before = bytes_of(out)
    with pytest.raises(ArgumentError, match=f"^OUT_DIR {re.escape(str(out))}: ") as error, new_package(out, kind):
        pytest.fail("it began to write")
    assert bytes_of(out) == before
    assert len(list(out.parent.iterdir())) == 1
    assert "empty it" not in str(error.value)
    return str(error.value)


def test_a_package_of_the_same_kind_is_replaced(tmp_path):
    out = write(tmp_path / "out")
    (out / "program").write_text("changed")
    write(out)
    assert (out / "program").read_text() == ""


def test_bytecode_that_running_it_left_is_nobodys(tmp_path):
    out = write(tmp_path / "out")
    (out / "lib" / "__pycache__").mkdir()
    (out / "lib" / "__pycache__" / "code.pyc").write_bytes(b"")
    write(out)


@pytest.mark.parametrize("name", ["notes.txt", "lib/mine.py"])
def test_a_package_with_files_of_somebody_else_stays(tmp_path, name):
    out = write(tmp_path / "out")
    (out / name).write_text("mine")
    assert f"holds files that airvec package did not write ({name})" in refused(out)


def test_of_many_files_a_few_are_named(tmp_path):
    out = write(tmp_path / "out")
    for name in "abcde":
        (out / name).write_text(name)
    assert "(a, b, c and 2 more)" in refused(out)


def test_a_package_of_another_kind_stays(tmp_path):
    out = write(tmp_path / "out", "dockerfile")
    assert "holds what airvec package dockerfile wrote" in refused(out)


def test_a_model_in_place_of_the_folder_to_write_is_recognised(tmp_path):
    model = word_model(tmp_path / "words")
    said = refused(model)
    assert "is a model folder (it has modules.json)" in said
    assert f"The order is MODEL OUT_DIR: airvec package folder {model} ./package" in said


def test_a_folder_of_somebody_else_stays(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("mine")
    assert f"holds mine and no {MARKER}" in refused(out)


def test_a_file_stays(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ArgumentError, match="is a file"):
        write(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_an_empty_folder_is_filled_and_a_missing_parent_made(tmp_path):
    (tmp_path / "empty").mkdir()
    assert (write(tmp_path / "empty") / MARKER).is_file()
    assert (write(tmp_path / "there" / "out") / MARKER).is_file()


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_everybody_may_read_it_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        out = write(tmp_path / "out")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (out, *out.rglob("*"))}
    assert modes == {"out": 0o755, "lib": 0o755, "code.py": 0o644, "program": 0o755, MARKER: 0o644}
