"""Mirrors runtime/airvec/deploy/disk.py."""

import errno
import subprocess
from pathlib import Path

import pytest

from airvec.deploy.disk import writing
from airvec.errors import ArgumentError, DownloadError, ProcessError


@pytest.fixture
def small(tmp_path):
    """A disk of 1 MB."""
    disk = tmp_path / "small"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"this user may not mount a small disk: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk):
    try:
        (disk / "large").write_bytes(b"x" * 2_000_000)
    finally:
        (disk / "large").unlink()


def test_a_full_temporary_folder_is_told_with_its_room_and_the_way_out(small, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(small))
    with pytest.raises(OSError, match="a disk is full") as full, writing(tmp_path / "a.zip"):
        fill(small)
    said = str(full.value)
    assert said.startswith(f"{tmp_path / 'a.zip'}: a disk is full. {tmp_path} has ")
    assert f" MB free, and {small}, the temporary folder, 1 MB free. " in said
    assert said.endswith("Nothing was written. Make room, or set TMPDIR to a folder with more.")


@pytest.mark.parametrize("error", [DownloadError, ProcessError])
def test_a_process_that_met_a_full_disk_is_told_the_same_way(tmp_path, error):
    with pytest.raises(OSError, match=r"a.zip: a disk is full\. .* Make room"), writing(tmp_path / "a.zip"):
        raise error("pip: [Errno 28] No space left on device")


def test_a_file_that_is_known_is_named(tmp_path):
    with pytest.raises(OSError, match="a disk is full at model.onnx_data"), writing(tmp_path / "a.zip"):
        raise OSError(errno.ENOSPC, "No space left on device", "model.onnx_data")


@pytest.mark.parametrize("error", [DownloadError("no such wheel"), PermissionError(errno.EACCES, "not yours", "model")])
def test_other_errors_stay_what_they_are(tmp_path, error):
    with pytest.raises(type(error)) as raised, writing(tmp_path / "a.zip"):
        raise error
    assert raised.value is error


def test_a_folder_that_takes_no_files_is_told_before_anything_is_done(tmp_path):
    (tmp_path / "file").write_text("")
    places = [tmp_path / "file" / "a.zip", tmp_path / "file" / "new" / "a.zip"]
    if Path("/proc").is_dir():
        places.append(Path("/proc/a.zip"))
    for place in places:
        with pytest.raises(ArgumentError, match=r"a.zip: cannot be written \((No|Not|Per)"), writing(place):
            pytest.fail("begun")


def test_trying_leaves_nothing_and_makes_no_folder(tmp_path):
    with writing(tmp_path / "new" / "deeper" / "a.zip"):
        assert not list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
