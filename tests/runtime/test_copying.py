"""Mirrors runtime/airvec/copying.py."""

import shutil
from pathlib import Path

import pytest

from airvec.copying import copy_folder
from airvec.errors import ArgumentError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "modules.json").write_text("new")
    (folder / "1_Pooling" / "config.json").write_text("{}")
    return folder


def files(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def test_all_files_are_copied_into_a_folder_that_is_made(source, tmp_path):
    copy_folder(source, tmp_path / "deep" / "er" / "copy")
    assert files(tmp_path / "deep" / "er") == ["copy/1_Pooling/config.json", "copy/modules.json"]


def test_a_model_folder_that_lies_there_is_replaced_whole(source, tmp_path):
    target = tmp_path / "copy"
    (target / "2_Dense").mkdir(parents=True)
    (target / "modules.json").write_text("old")
    copy_folder(source, target)
    assert files(target) == files(source)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "source"]


def test_links_are_followed_as_the_hubs_cache_is_made_of_them(source, tmp_path):
    blob = tmp_path / "blob"
    blob.write_text("weights")
    (source / "model.onnx").symlink_to(blob)
    copy_folder(source, tmp_path / "copy")
    assert not (tmp_path / "copy" / "model.onnx").is_symlink()
    assert (tmp_path / "copy" / "model.onnx").read_text() == "weights"


def test_code_is_left_behind(source, tmp_path):
    (source / "modeling.py").write_text("raise SystemExit")
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "modeling.pyc").write_text("")
    copy_folder(source, tmp_path / "copy")
    assert files(tmp_path / "copy") == ["1_Pooling/config.json", "modules.json"]


def test_an_empty_folder_may_be_filled(source, tmp_path):
    (tmp_path / "copy").mkdir()
    copy_folder(source, tmp_path / "copy")
    assert files(tmp_path / "copy") == files(source)


def test_a_folder_copied_onto_itself_stays_as_it_is(source, tmp_path):
    (tmp_path / "link").symlink_to(source)
    before = files(source)
    copy_folder(source, source)
    copy_folder(source, tmp_path / "link")
    copy_folder(tmp_path / "link", source)
    assert files(source) == before


def test_what_is_no_model_folder_is_not_replaced(source, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").write_text("mine")
    for name in ("notes", "notes/diary.txt"):
        with pytest.raises(ArgumentError, match=f"{name}' exists and is no model folder"):
            copy_folder(source, tmp_path / name)
    assert files(tmp_path / "notes") == ["diary.txt"]


@pytest.mark.parametrize("place", ["source/copy", "source/1_Pooling/copy", "."])
def test_folders_inside_one_another_are_refused(source, tmp_path, place):
    (tmp_path / "modules.json").write_text("a model around the model")
    before = files(tmp_path)
    with pytest.raises(ArgumentError, match="lie in one another"):
        copy_folder(source, tmp_path / place)
    assert files(tmp_path) == before


def test_a_copy_that_fails_leaves_what_was_there(source, tmp_path, monkeypatch):
    target = tmp_path / "copy"
    target.mkdir()
    (target / "modules.json").write_text("old")

    def half(source, fresh, ignore):
        (fresh / "half").mkdir(parents=True)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", half)
    with pytest.raises(OSError, match="No space left"):
        copy_folder(source, target)
    assert (target / "modules.json").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "source"]


def test_a_renaming_that_fails_brings_back_what_was_there(source, tmp_path, monkeypatch):
    target = tmp_path / "copy"
    target.mkdir()
    (target / "modules.json").write_text("old")
    rename = Path.rename

    def failing(self, other):
        if other == target and self.name == "new":
            raise PermissionError(13, "Permission denied")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(PermissionError):
        copy_folder(source, target)
    assert (target / "modules.json").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "source"]


def test_the_users_own_folders_beside_the_target_stay(source, tmp_path):
    (tmp_path / "copy").mkdir()
    for mine in (".copy.new", ".copy.old"):
        (tmp_path / mine).mkdir()
        (tmp_path / mine / "diary.txt").write_text("mine")
    copy_folder(source, tmp_path / "copy")
    copy_folder(source, tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".copy.new", ".copy.old", "copy", "source"]
    assert files(tmp_path / ".copy.new") == files(tmp_path / ".copy.old") == ["diary.txt"]


def test_two_copies_at_once_do_not_meet(source, tmp_path, monkeypatch):
    copytree, copying = shutil.copytree, []

    def beside_another(*arguments, **options):
        if not copying:
            copying.append(True)
            copy_folder(source, tmp_path / "copy")
        return copytree(*arguments, **options)

    monkeypatch.setattr(shutil, "copytree", beside_another)
    copy_folder(source, tmp_path / "copy")
    assert files(tmp_path / "copy") == files(source)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "source"]


def test_the_copy_may_be_entered_by_whom_any_new_folder_may(source, tmp_path):
    source.chmod(0o755)
    copy_folder(source, tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o755
