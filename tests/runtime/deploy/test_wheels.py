"""Mirrors runtime/airvec/deploy/wheels.py."""

import hashlib
import tomllib
from socket import socket
from stat import S_IFLNK
from zipfile import ZipFile, ZipInfo

import pytest

from airvec.deploy import wheels
from airvec.deploy.target import Target
from airvec.deploy.wheels import REQUIREMENTS, fetch_wheels, read_wheel, unpack
from airvec.errors import ArgumentError, DownloadError, MissingPackageError
from tests import fake_wheels
from tests.conftest import ROOT

TARGET = Target("3.13", "arm64")


@pytest.fixture
def offline(tmp_path, monkeypatch):
    return fake_wheels.offline(tmp_path / "offline", monkeypatch)


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_the_requirements_are_those_that_airvec_states():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert list(REQUIREMENTS.values()) == project["dependencies"]


def test_wheels_of_the_target_are_fetched_and_locked(offline, out):
    fake_wheels.wheel(offline, "numpy", "9.5.0", "cp313-cp313-manylinux_2_28_aarch64")
    fake_wheels.wheel(offline, "numpy", "9.6.0", "cp312-cp312-manylinux_2_28_aarch64")  # another Python
    fake_wheels.wheel(offline, "numpy", "9.7.0", "cp313-cp313-manylinux_2_28_x86_64")  # another processor
    fake_wheels.wheel(offline, "numpy", "9.8.0", "cp313-cp313-manylinux_2_35_aarch64")  # a newer glibc than Lambda's
    fake_wheels.wheel(offline, "tokenizers", "9.9.0", "cp310-abi3-manylinux_2_17_aarch64.manylinux2014_aarch64")
    found = fetch_wheels(TARGET, ("numpy", "tokenizers"), out, None)
    assert [(wheel.name, wheel.version) for wheel in found] == [("numpy", "9.5.0"), ("tokenizers", "9.9.0")]
    digest = hashlib.sha256(found[0].path.read_bytes()).hexdigest()
    assert found[0].locked == f"numpy==9.5.0 --hash=sha256:{digest}"


def test_a_constraint_fixes_a_version(offline, out, tmp_path):
    fake_wheels.wheel(offline, "numpy", "9.5.0")
    (tmp_path / "versions.txt").write_text("numpy==9.1.0\n")
    assert [wheel.version for wheel in fetch_wheels(TARGET, ("numpy",), out, tmp_path / "versions.txt")] == ["9.1.0"]


def test_a_constraint_that_is_no_file_is_an_error(tmp_path):
    with pytest.raises(ArgumentError, match="gone.txt: no such file"):
        fetch_wheels(TARGET, ("numpy",), tmp_path, tmp_path / "gone.txt")


def test_no_wheel_for_the_target_is_an_error_with_what_pip_said(offline, out):
    (offline / "numpy-9.1.0-py3-none-any.whl").rename(offline / "numpy-9.1.0-cp312-cp312-win_amd64.whl")
    with pytest.raises(DownloadError, match=r"Python 3.13 on linux-arm64 .*No matching distribution found for numpy"):
        fetch_wheels(TARGET, ("numpy",), out, None)


def test_of_pip_without_a_network_the_errors_are_told_and_not_its_retries(offline, out, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with socket() as held:  # bound and not listening: what connects is refused
        held.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{held.getsockname()[1]}/simple")
        with pytest.raises(
            DownloadError, match=r"ended with 1: ERROR: Could not find a version .* \| ERROR: "
        ) as found:
            fetch_wheels(TARGET, ("numpy",), out, None)
    assert "Retrying" not in str(found.value)
    assert wheels._said("WARNING: a\nb") == "WARNING: a | b", "without an error, the last lines"


def test_a_python_without_pip_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(wheels, "find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match="python -m ensurepip"):
        fetch_wheels(TARGET, ("numpy",), tmp_path, None)


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "numpy/../../evil.py", "C:/evil.py", "numpy\\..\\evil.py"])
def test_a_file_that_would_leave_the_folder_is_an_error_and_not_written(tmp_path, out, name):
    path = fake_wheels.wheel(tmp_path, "numpy", files={name: "evil"})
    with pytest.raises(DownloadError, match="would be written outside of the package folder"):
        unpack(read_wheel(path), out)
    assert not list(tmp_path.rglob("*evil*"))


def test_a_link_in_a_wheel_is_an_error(tmp_path, out):
    path = fake_wheels.wheel(tmp_path, "numpy")
    link = ZipInfo("numpy/link")
    link.external_attr = (S_IFLNK | 0o777) << 16
    with ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DownloadError, match="'numpy/link' is a link"):
        unpack(read_wheel(path), out)


def test_a_damaged_wheel_is_an_error(tmp_path, out):
    path = fake_wheels.wheel(tmp_path, "numpy")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DownloadError, match="not a whole wheel"):
        unpack(read_wheel(path), out)


def test_a_wheels_data_lands_where_pip_would_put_it(tmp_path, out):
    data = "numpy-9.0.0.data"
    files = {f"{data}/purelib/numpy/a.py": "1", f"{data}/platlib/numpy/b.so": "2", f"{data}/scripts/f2py": "3"}
    unpack(read_wheel(fake_wheels.wheel(tmp_path, "numpy", files=files)), out)
    assert (out / "numpy" / "a.py").is_file()
    assert (out / "numpy" / "b.so").is_file()
    assert not list(out.rglob("f2py"))
