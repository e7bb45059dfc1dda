"""Mirrors runtime/airvec/deploy/archive.py."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from airvec.deploy.archive import check_zip_path, files_below, write_zip
from airvec.errors import ArgumentError


@pytest.fixture
def folder(tmp_path):
    for name in ("b/z.txt", "a.txt", "b/c/y.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(name * 50)
    (tmp_path / "in" / "2_Normalize").mkdir()
    return tmp_path / "in"


def test_bytes_depend_on_names_and_contents_alone(folder, tmp_path):
    write_zip(tmp_path / "one.zip", files_below(folder))
    (folder / "a.txt").touch()
    (folder / "a.txt").chmod(0o700)
    write_zip(tmp_path / "two.zip", dict(reversed(files_below(folder).items())))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_names_are_sorted_and_everybody_may_read(folder, tmp_path):
    write_zip(tmp_path / "one.zip", files_below(folder))
    with ZipFile(tmp_path / "one.zip") as archive:
        modes = {entry.filename: oct(entry.external_attr >> 16) for entry in archive.infolist()}
    assert list(modes.items()) == [
        ("2_Normalize/", "0o40755"), ("a.txt", "0o100644"), ("b/c/y.txt", "0o100644"), ("b/z.txt", "0o100644"),
    ]  # fmt: skip


def test_an_empty_folder_is_a_folder_again(folder, tmp_path):
    write_zip(tmp_path / "one.zip", files_below(folder))
    with ZipFile(tmp_path / "one.zip") as archive:
        archive.extractall(tmp_path / "out")
    assert (tmp_path / "out" / "2_Normalize").is_dir()
    assert (tmp_path / "out" / "b" / "z.txt").read_text() == "b/z.txt" * 50


def test_a_key_press_leaves_the_old_zip_and_nothing_else(folder, tmp_path):
    write_zip(tmp_path / "one.zip", {"old": b"old"})
    before = (tmp_path / "one.zip").read_bytes()

    def pressed(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_zip(tmp_path / "one.zip", files_below(folder), pressed)
    assert (tmp_path / "one.zip").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "one.zip"]


def test_a_file_that_cannot_be_read_leaves_nothing(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_zip(tmp_path / "one.zip", {"gone": tmp_path / "gone"})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("model", None, "ends in .zip"), ("a.zip", "text", "is no zip"), ("a.zip", "", "is no zip")],
)
def test_what_is_no_zip_is_not_replaced(tmp_path, name, content, message):
    path: Path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(ArgumentError, match=message):
        check_zip_path(path)


def test_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "a.zip").mkdir()
    with pytest.raises(ArgumentError, match="exists and is a folder"):
        check_zip_path(tmp_path / "a.zip")
