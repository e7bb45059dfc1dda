"""Mirrors runtime/airvec/paths.py; pathlib says what is right."""

import itertools
import ntpath
import posixpath
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import SimpleNamespace

import pytest

from airvec import paths
from airvec.paths import join_inside, leaves, names_in, path_inside, plain

SYSTEMS = {"posix": (posixpath, PurePosixPath, "/srv/m"), "windows": (ntpath, PureWindowsPath, "C:\\srv\\m")}
ODD = [  # all texts of up to four of these
    "".join(parts)
    for count in range(5)
    for parts in itertools.product(["a", "C", ":", "/", "\\", ".", "..", "\0", " ", "é"], repeat=count)
]


@pytest.fixture(params=SYSTEMS)
def system(request, monkeypatch):
    """Another system's rules for paths, pathlib's name for them, and a folder."""
    module, pure, folder = SYSTEMS[request.param]
    rules = SimpleNamespace(path=module, sep=module.sep, altsep=module.altsep, fspath=paths.os.fspath)
    monkeypatch.setattr(paths, "os", rules)
    return module, pure, folder


def test_no_path_that_may_lead_out_of_a_folder_on_any_system_passes():
    for stated in ODD:
        posix, windows = PurePosixPath(stated), PureWindowsPath(stated)
        out = posix.is_absolute() or windows.drive or windows.root or ".." in (*windows.parts, *posix.parts)
        assert leaves(stated) or not out, repr(stated)
    assert not any(map(leaves, ["", "a", "1_Pooling", "onnx/model.onnx", "./a", "a/.", "a.b/..c", "a b"]))


def test_a_path_that_passes_is_joined_as_pathlib_does_and_stays_inside(system):
    module, pure, folder = system
    for stated in ODD:
        if not leaves(stated):
            found = join_inside(folder, stated)
            assert found == str(pure(folder) / stated), repr(stated)
            assert (module.normpath(found) + module.sep).startswith(folder + module.sep), repr(stated)


@pytest.mark.parametrize(
    "path", ["model", "model/", "./model", "a//b/./c/", "/", "/srv/../m/", ".", "..", "../m/.", "./.", "~/m"]
)
def test_a_plain_path_is_the_one_that_pathlib_writes(path, system):
    _, pure, _ = system
    assert plain(path) == plain(pure(path)) == str(pure(path))


@pytest.mark.parametrize("inside", ["model.onnx", "onnx/model.onnx", "1_A/2_B/config.json"])
@pytest.mark.parametrize("folder", ["model", "/srv/models/model", "../model", "model/"])
def test_the_path_inside_is_found_again_wherever_the_folder_lies(folder, inside):
    assert path_inside(folder, join_inside(folder, inside)) == inside
    assert path_inside(Path(folder), Path(folder, inside)) == inside


def test_a_folder_that_is_none_or_that_may_not_be_listed_holds_no_names(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    assert names_in(tmp_path) == ["file"]
    assert names_in(tmp_path / "file") == names_in(tmp_path / "nothing") == []
    monkeypatch.chdir(tmp_path)
    assert names_in("") == ["file"]
    monkeypatch.setattr(paths.os, "listdir", denied)
    assert names_in(tmp_path) == []


def denied(folder):
    raise PermissionError(13, "Permission denied", folder)
