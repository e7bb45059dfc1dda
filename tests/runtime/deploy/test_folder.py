"""Mirrors runtime/airvec/deploy/folder.py; pip knows small stand-ins of the packages only, but for the last tests."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import airvec
from airvec import SentenceTransformer
from airvec.deploy import folder as folders
from airvec.deploy.bytecode import find_interpreter
from airvec.deploy.contents import Contents
from airvec.deploy.folder import package_folder
from airvec.deploy.place import MARKER, write_marker
from airvec.deploy.target import Target, target_on, this_platform, this_python
from airvec.errors import DownloadError, ProcessError
from tests import fake_wheels
from tests.folders import word_model

# A system that no test runs on, so that nobody tries to run the stand-ins.
TARGET = Target(this_python(), "x86_64", "windows")


@pytest.fixture
def offline(tmp_path, monkeypatch):
    return fake_wheels.offline(tmp_path / "offline", monkeypatch)


@pytest.fixture
def words(tmp_path):
    return Contents(str(word_model(tmp_path / "words")))


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "package"


@pytest.fixture
def old(out):
    """A package that lies there already."""
    out.mkdir()
    (out / "old").write_text("old")
    write_marker(out, "folder")
    return out


def left(out) -> list[str]:
    return sorted(path.name for path in out.parent.iterdir())


def test_a_folder_holds_programs_packages_model_and_whole_wheels(offline, words, out):
    package = package_folder(out, TARGET, words)
    expected = ["README.txt", "airvec", MARKER, "airvec.cmd", "lib", "model", "run.py", "wheelhouse"]
    assert sorted(path.name for path in out.iterdir()) == expected
    assert (out / "model" / "onnx" / "model.onnx").is_file()
    assert (out / "lib" / "numpy" / "random" / "mtrand.so").is_file()
    assert {"airvec", "numpy", "onnxruntime", "tokenizers"} <= {path.name for path in (out / "lib").iterdir()}
    assert (out / "lib" / "airvec" / "default_model" / "model.safetensors").is_file()
    assert not (out / "lib" / "airvec" / "deploy").exists()
    wheels = sorted(path.name.split("-")[0] for path in (out / "wheelhouse").iterdir())
    assert wheels == ["airvec", "numpy", "onnxruntime", "tokenizers"]
    assert package.trial.startswith("not tried here: it is for windows-x86_64")
    assert left(out) == ["package"]


def test_without_a_model_there_is_no_onnxruntime_and_without_a_wheelhouse_no_wheel(offline, out):
    package_folder(out, TARGET, Contents(), with_wheelhouse=False)
    assert not (out / "lib" / "onnxruntime").exists()
    assert not (out / "model").exists()
    assert not list(out.rglob("*.whl"))
    readme = (out / "README.txt").read_text()
    assert "wheelhouse" not in readme
    assert "Only static models run" in readme


def test_the_readme_names_the_machine_the_commands_and_the_sizes(offline, words, out):
    package_folder(out, TARGET, words)
    readme = (out / "README.txt").read_text()
    for part in (
        f"for Python {this_python()} on windows-x86_64", '\n    airvec encode "a small boat"\n', "graph fp32",
        "--find-links wheelhouse airvec numpy onnxruntime tokenizers\n", "\n    lib/airvec ", "\n    all ",
    ):  # fmt: skip
        assert part in readme


def test_its_marker_says_what_it_is_and_all_that_is_in_it(offline, words, out):
    package_folder(out, TARGET, words)
    said = json.loads((out / MARKER).read_text())
    assert said.pop("files") == sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert said == {
        "package": "folder",
        "airvec": airvec.__version__,
        "targets": {"windows-x86_64": {"python": this_python(), "packages": fake_wheels.VERSIONS}},
    }


def test_a_package_that_lies_there_is_replaced(offline, old):
    package_folder(old, TARGET, Contents(), with_wheelhouse=False)
    assert not (old / "old").exists()
    assert (old / "lib" / "airvec").is_dir()


def test_pip_failing_leaves_nothing(offline, out):
    for path in offline.iterdir():
        path.unlink()
    with pytest.raises(DownloadError):
        package_folder(out, TARGET, Contents())
    assert left(out) == []


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("pack_contents", KeyboardInterrupt()),
        ("stage_packages", KeyboardInterrupt()),
        ("try_package", ProcessError("it does not run")),
        ("write_airvec_wheel", OSError("no space left")),
        ("folder_readme", KeyboardInterrupt()),
    ],
)
def test_what_ends_it_at_any_step_leaves_the_old_package_as_it_was(offline, old, monkeypatch, step, error):
    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(folders, step, failing)
    with pytest.raises(type(error)):
        package_folder(old, TARGET, Contents())
    assert sorted(path.name for path in old.iterdir()) == [MARKER, "old"]
    assert left(old) == ["package"]


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A real folder for this machine, at a path with a space, moved after it was made."""
    target = target_on(this_platform(), "3.13")
    python = find_interpreter(target)
    if python is None:
        pytest.skip("no Python 3.13 on this machine")
    made = tmp_path_factory.mktemp("real") / "made"
    package = package_folder(made, target, Contents())
    assert "it runs alone" in package.trial
    return made.rename(made.parent / "moved here"), python


@pytest.mark.deploy
def test_a_real_folder_runs_where_it_was_moved_to(real, tmp_path):
    folder, python = real
    environment = {"AIRVEC_PYTHON": str(python), "PATH": os.environ["PATH"]}
    command = [str(folder / "airvec"), "encode", "a small boat", "--format", "jsonl"]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    np.testing.assert_allclose(
        json.loads(ran.stdout)["embedding"], SentenceTransformer().encode("a small boat"), atol=1e-6
    )
    assert ran.stderr == ""


@pytest.mark.deploy
def test_pip_installs_a_real_wheelhouse_without_an_index(real, tmp_path):
    folder, python = real
    subprocess.run([str(python), "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    program = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    install = [sys.executable, "-m", "pip", "--python", str(program / "python"), "install", "--quiet", "--no-compile"]
    install += ["--no-index", "--no-deps", "--find-links", str(folder / "wheelhouse"), "airvec", "numpy", "tokenizers"]
    subprocess.run(install, check=True, env={"PIP_CONFIG_FILE": os.devnull})
    ran = subprocess.run(
        [str(program / "airvec"), "similarity", "a boat", "a boat"], capture_output=True, text=True, check=True, env={}
    )
    assert ran.stdout.count("1.000") == 4
