"""A folder is in its place whole or not at all."""

from pathlib import Path

import pytest

from airvec_exporter.placing import put, temporary_beside


def test_if_the_swap_fails_the_old_folder_is_put_back(tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "modules.json").write_text("[]")
    with pytest.raises(FileNotFoundError):
        put(tmp_path / "not there", tmp_path / "out")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "modules.json"]


def test_what_is_kept_moves_over_and_the_rest_goes(tmp_path: Path):
    for folder, name in (("out", "mine"), ("out", "both"), ("out", "stale"), ("new", "both")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(folder)
    put(tmp_path / "new", tmp_path / "out", lambda name: name != "stale")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {"mine": "out", "both": "new"}


def test_the_temporary_folder_is_gone_whatever_happens(tmp_path: Path):
    def fail() -> None:
        with temporary_beside(tmp_path / "new" / "out") as folder:
            assert folder.parent == tmp_path / "new"
            raise RuntimeError(folder)

    with pytest.raises(RuntimeError, match="out"):
        fail()
    assert not list((tmp_path / "new").iterdir())
