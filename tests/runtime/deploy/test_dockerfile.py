"""Mirrors runtime/airvec/deploy/dockerfile.py; pip knows small stand-ins only, but for the last test."""

import json
import os
import re
import subprocess
from http.client import HTTPConnection
from pathlib import Path

import pytest

from airvec.deploy import dockerfile
from airvec.deploy.bytecode import find_interpreter
from airvec.deploy.contents import Contents
from airvec.deploy.dockerfile import package_dockerfile
from airvec.deploy.place import MARKER
from airvec.deploy.target import Target, target_on, this_platform, this_python
from airvec.errors import ArgumentError, ProcessError
from tests import fake_wheels
from tests.folders import word_model

TARGETS = [Target(this_python(), arch, "linux") for arch in ("x86_64", "arm64")]


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """Nobody tries to run the stand-ins."""
    monkeypatch.setattr(dockerfile, "try_package", lambda *_: "not tried")
    return fake_wheels.offline(tmp_path / "offline", monkeypatch)


def copied(folder: Path, processor: str) -> list[str]:
    """What the Dockerfile copies for a processor."""
    sources = re.findall(r"^COPY (\S+) ", (folder / "Dockerfile").read_text(), re.MULTILINE)
    return [source.replace("${TARGETARCH}", processor) for source in sources]


def test_all_that_is_copied_lies_there_for_each_processor_and_nothing_else(offline, tmp_path):
    model = word_model(tmp_path / "words")
    image = package_dockerfile(tmp_path / "image", TARGETS, Contents(str(model)))
    for processor in ("amd64", "arm64"):
        found = copied(image.path, processor)
        assert found == [f"{processor}/lib/", f"{processor}/model/"]
        assert sorted(path.name for path in (image.path / processor).iterdir()) == ["lib", "model"]
        assert (image.path / processor / "lib" / "airvec" / "http_server.pyc").is_file()
        assert (image.path / processor / "lib" / "numpy" / "random" / "mtrand.so").is_file()
    said = json.loads((image.path / MARKER).read_text())
    assert (said["package"], sorted(said["targets"])) == ("dockerfile", ["linux-arm64", "linux-x86_64"])
    assert image.trials == ("not tried", "not tried")


def test_without_a_model_the_default_one_is_in_the_packages(offline, tmp_path):
    image = package_dockerfile(tmp_path / "image", TARGETS[:1], Contents())
    assert copied(image.path, "amd64") == ["amd64/lib/"]
    lib = image.path / "amd64" / "lib"
    assert (lib / "airvec" / "default_model" / "model.safetensors").is_file()
    assert not (lib / "onnxruntime").exists()


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_the_server_s_user_can_read_all_whatever_the_umask(offline, tmp_path):
    before = os.umask(0o077)
    try:
        image = package_dockerfile(tmp_path / "image", TARGETS[:1], Contents())
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in image.path.rglob("*") if path.is_file()}
    assert modes == {0o644}
    assert {path.stat().st_mode & 0o777 for path in image.path.rglob("*") if path.is_dir()} == {0o755}


@pytest.mark.parametrize(
    "targets",
    [
        [],
        [Target("3.13", "arm64", "macos")],
        [Target("3.13", "x86_64", "linux"), Target("3.13", "x86_64", "linux")],
        [Target("3.13", "x86_64", "linux"), Target("3.12", "arm64", "linux")],
    ],
)
def test_targets_that_are_no_image_s_are_refused(tmp_path, targets):
    with pytest.raises(ArgumentError, match=r"^(--platform|targets: Pythons)"):
        package_dockerfile(tmp_path / "image", targets, Contents())
    assert not list(tmp_path.iterdir())


def test_packages_that_do_not_run_leave_nothing(offline, tmp_path, monkeypatch):
    def failing(*_: object) -> str:
        raise ProcessError(f"the package: does not run ({1})")

    monkeypatch.setattr(dockerfile, "try_package", failing)
    (tmp_path / "out").mkdir()
    with pytest.raises(ProcessError):
        package_dockerfile(tmp_path / "out" / "image", TARGETS[:1], Contents())
    assert not list((tmp_path / "out").iterdir())


def in_image(folder: Path, instruction: str) -> str:
    """The words of an instruction of the Dockerfile, as they stand for a folder in the place of /opt/airvec."""
    text = (folder / "Dockerfile").read_text()
    found = re.findall(rf"^{instruction} (.*)", text, re.MULTILINE)
    return found[0].replace("/opt/airvec", str(folder / "amd64"))


@pytest.mark.deploy
def test_the_image_s_commands_serve_and_check_with_its_packages_alone(tmp_path):
    if this_platform() != "linux-x86_64" or not (python := find_interpreter(Target("3.13"))):
        pytest.skip(f"no Python 3.13 for x86-64 Linux on this machine ({this_platform()})")
    image = package_dockerfile(tmp_path / "image", [target_on("linux-x86_64", "3.13")], Contents())
    assert "it runs alone" in image.trials[0]
    named = dict(one.split("=", 1) for one in in_image(image.path, "ENV").split()) | {"AIRVEC_PORT": "0"}
    serve = [str(python), *json.loads(in_image(image.path, "CMD"))[1:]]
    check = [str(python), *json.loads(in_image(image.path, "HEALTHCHECK").partition("CMD ")[2])[1:]]
    assert subprocess.run(check, env=named | {"AIRVEC_PORT": "9"}, check=False).returncode == 1
    with subprocess.Popen(serve, env=named, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = process.stdout.readline().split()[-1]
        assert subprocess.run(check, env=named | {"AIRVEC_PORT": port}, check=False).returncode == 0
        connection = HTTPConnection("127.0.0.1", int(port), timeout=60)
        connection.request("POST", "/encode", '{"texts": ["a boat"]}')
        assert json.loads(connection.getresponse().read())["dim"] == 256
        process.terminate()
        assert process.wait(60) == 0
