"""Mirrors runtime/airvec/deploy/launchers.py; in place of airvec lies a program that says how it was started."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from airvec.deploy.launchers import write_launchers
from airvec.deploy.target import this_python

SAYS = """
import json, os, sys

def main():
    named = {name: value for name, value in os.environ.items() if name.startswith("AIRVEC_")}
    print(json.dumps({"arguments": sys.argv[1:], "path": sys.path, "named": named}))
    return 7
"""
pytestmark = pytest.mark.skipif(os.name != "posix", reason="starts the launcher for POSIX shells")


@pytest.fixture
def folder(tmp_path) -> Path:
    """A package whose path has spaces and signs that shells read."""
    folder = tmp_path / "a folder & more's $HOME"
    (folder / "lib" / "airvec" / "cli").mkdir(parents=True)
    for package in ("airvec", "airvec/cli"):  # without, an airvec that is installed would come first
        (folder / "lib" / package / "__init__.py").touch()
    (folder / "lib" / "airvec" / "cli" / "main.py").write_text(SAYS)
    write_launchers(folder, this_python())
    return folder


def start(launcher: Path, *arguments: str, cwd: Path | None = None, **named: str) -> subprocess.CompletedProcess:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRVEC_", "PYTHON"))}
    environment = kept | {"AIRVEC_PYTHON": sys.executable} | named
    return subprocess.run(
        [str(launcher), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def said(ran: subprocess.CompletedProcess) -> dict:
    assert (ran.returncode, ran.stderr) == (7, "")
    return json.loads(ran.stdout)


def test_arguments_and_the_exit_code_come_through_as_they_are(folder):
    given = ["encode", "two words", "", "$HOME", "it's", '"quoted"', "*", "--flag"]
    assert said(start(folder / "airvec", *given))["arguments"] == given


def test_the_packages_of_the_folder_come_first_and_nothing_from_outside(folder, tmp_path):
    (tmp_path / "numpy.py").write_text("raise SystemExit('of the current folder')")
    found = said(start(folder / "airvec", cwd=tmp_path, PYTHONPATH=str(tmp_path)))
    assert found["path"][0] == str(folder / "lib")
    assert not {"", str(tmp_path), str(folder)} & set(found["path"])


def test_processes_that_it_starts_find_the_packages_too(folder):
    child = "import subprocess, sys; code = 'import airvec.cli.main as m; print(m.__file__)'\n\ndef main():\n"
    child += "    return subprocess.run([sys.executable, '-c', code]).returncode\n"
    (folder / "lib" / "airvec" / "cli" / "main.py").write_text(child)
    ran = start(folder / "airvec")
    assert (ran.returncode, ran.stdout.strip()) == (0, str(folder / "lib" / "airvec" / "cli" / "main.py"))


def test_models_in_the_folder_are_named_unless_the_environment_names_others(folder):
    assert "AIRVEC_MODEL" not in said(start(folder / "airvec"))["named"]
    for name in ("model", "index"):
        (folder / name).mkdir()
    named = said(start(folder / "airvec", AIRVEC_INDEX="elsewhere"))["named"]
    assert named["AIRVEC_MODEL"] == str(folder / "model")
    assert named["AIRVEC_INDEX"] == "elsewhere"
    assert "AIRVEC_RERANKER" not in named


def test_it_runs_from_elsewhere_by_a_relative_path_and_through_links(folder, tmp_path):
    elsewhere = tmp_path / "bin"
    elsewhere.mkdir()
    (elsewhere / "first").symlink_to(folder / "airvec")
    (elsewhere / "second").symlink_to("first")
    for launcher in (elsewhere / "second", Path("..") / folder.name / "airvec"):
        assert said(start(launcher, cwd=elsewhere))["path"][0] == str(folder / "lib")


def test_moved_it_finds_itself_again(folder, tmp_path):
    moved = folder.rename(tmp_path / "moved")
    assert said(start(moved / "airvec"))["path"][0] == str(moved / "lib")


def test_a_python_of_that_version_is_found_on_the_path(folder, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("dirname", "readlink"):
        (programs / name).symlink_to(str(shutil.which(name)))
    (programs / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (programs / "python3").chmod(0o755)
    assert said(start(folder / "airvec", AIRVEC_PYTHON="", PATH=str(programs)))["path"][0] == str(folder / "lib")


def test_no_such_python_is_said_with_what_to_do(folder):
    write_launchers(folder, "3.99")
    ran = start(folder / "airvec", AIRVEC_PYTHON="")
    assert ran.returncode == 1
    assert "no Python 3.99 on PATH" in ran.stderr
    assert "AIRVEC_PYTHON=/path/to/python3.99" in ran.stderr


def test_a_python_of_another_version_is_refused(tmp_path):
    write_launchers(tmp_path, "3.99")
    ran = start(tmp_path / "airvec", AIRVEC_PYTHON=sys.executable)
    assert ran.returncode == 1
    assert f"is Python {this_python()}, and the packages here are made for 3.99" in ran.stderr


def test_windows_gets_its_line_ends_and_the_same_program(folder):
    text = (folder / "airvec.cmd").read_bytes().decode()
    assert text.count("\r\n") == text.count("\n") > 5
    assert f'py -{this_python()} -I "%~dp0run.py" %*' in text
    assert b"\r" not in (folder / "airvec").read_bytes()
