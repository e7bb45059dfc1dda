"""Mirrors runtime/airvec/deploy/airvec_wheel.py."""

import csv
import subprocess
import sys
from base64 import urlsafe_b64decode
from email import message_from_string
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

import airvec
from airvec.deploy import airvec_wheel
from airvec.deploy.airvec_wheel import write_airvec_wheel
from airvec.deploy.wheels import REQUIREMENTS


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return write_airvec_wheel(tmp_path_factory.mktemp("wheel"))


def test_its_record_names_every_file_with_its_hash_and_size(wheel):
    with ZipFile(wheel) as archive:
        assert archive.testzip() is None
        records = f"airvec-{airvec.__version__}.dist-info/RECORD"
        rows = {name: (digest, size) for name, digest, size in csv.reader(archive.read(records).decode().splitlines())}
        assert sorted(rows) == sorted(archive.namelist())
        assert rows.pop(records) == ("", "")
        for name, (digest, size) in rows.items():
            content = archive.read(name)
            kind, _, value = digest.partition("=")
            assert (kind, int(size)) == ("sha256", len(content))
            assert urlsafe_b64decode(value + "=" * (-len(value) % 4)) == sha256(content).digest()


def test_it_holds_the_sources_and_the_default_model_and_no_bytecode(wheel):
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    home = Path(airvec.__file__).parent
    sources = {f"airvec/{path.relative_to(home).as_posix()}" for path in home.rglob("*.py")}
    assert sources <= names
    assert "airvec/default_model/model.safetensors" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_its_metadata_says_what_it_needs(wheel):
    with ZipFile(wheel) as archive:
        said = message_from_string(archive.read(f"airvec-{airvec.__version__}.dist-info/METADATA").decode())
    assert (said["Name"], said["Version"]) == ("airvec", airvec.__version__)
    assert said.get_all("Requires-Dist") == list(REQUIREMENTS.values())


def test_the_same_sources_give_the_same_bytes(wheel, tmp_path):
    assert write_airvec_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_the_licence_comes_along_where_airvec_was_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(airvec_wheel, "_licence", lambda: "Apache")
    with ZipFile(write_airvec_wheel(tmp_path)) as archive:
        assert archive.read(f"airvec-{airvec.__version__}.dist-info/licenses/LICENSE") == b"Apache"


@pytest.mark.slow
def test_pip_installs_it_with_its_program(wheel, tmp_path):
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    subprocess.run([*install, "--target", str(tmp_path), str(wheel)], check=True)
    code = "import airvec, importlib.metadata as m; print(airvec.__file__, m.version('airvec'))"
    command, path = [sys.executable, "-c", code], {"PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(tmp_path / "airvec" / "__init__.py"), airvec.__version__]
    assert list((tmp_path / "bin").glob("airvec*"))
