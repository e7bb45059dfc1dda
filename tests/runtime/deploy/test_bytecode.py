"""Mirrors runtime/airvec/deploy/bytecode.py."""

import subprocess
import sys
from pathlib import Path

import pytest

from airvec.deploy.bytecode import compile_tree, find_interpreter
from airvec.deploy.target import Target, this_python
from airvec.errors import ArgumentError, ProcessError
from tests.runtime.deploy.unpacked import below

HERE = Target(this_python(), "arm64")
FAILING = 'X = {"b", "a", "c"}\n\n\ndef fail():\n    raise ValueError("as asked")\n'
A_PYTHON = '#!/bin/sh\necho "cpython 3.99 final"\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tree" / "package").mkdir(parents=True)
    (tmp_path / "tree" / "package" / "__init__.py").write_text(FAILING)
    (tmp_path / "tree" / "package" / "data.json").write_text("{}")
    return tmp_path / "tree"


@pytest.fixture
def nothing_installed(tmp_path, monkeypatch):
    """A machine with no Python on PATH, in pyenv or in uv."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    (tmp_path / "bin").mkdir()
    return tmp_path


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_bytecode_takes_the_place_of_sources_and_runs_alone(folder):
    compile_tree(folder, Path(sys.executable))
    assert below(folder) == ["package/__init__.pyc", "package/data.json"]
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import package; package.fail()"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert 'File "package/__init__.py", line 5, in fail' in ran.stderr


def test_docstrings_and_assertions_are_left_out(folder):
    words = "what it says of itself"
    (folder / "package" / "said.py").write_text(f'"""{words}"""\n\n\ndef f(x):\n    """{words}"""\n    assert x\n')
    compile_tree(folder, Path(sys.executable))
    assert words.encode() not in (folder / "package" / "said.pyc").read_bytes()
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from package import said; print(said.f(0), said.__doc__)"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "None None\n"


def test_the_same_sources_give_the_same_bytes_wherever_they_lie(folder, tmp_path):
    other = tmp_path / "a" / "longer" / "place" / "package"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text(FAILING)
    for tree in (folder, other.parent):
        compile_tree(tree, Path(sys.executable))
    assert (folder / "package" / "__init__.pyc").read_bytes() == (other / "__init__.pyc").read_bytes()


def test_a_source_that_reads_its_docstrings_keeps_them_and_no_other_does(folder):
    for name in ("keeps", "drops"):
        (folder / "package" / f"{name}.py").write_text('"""A docstring."""\nassert False\n')
    compile_tree(folder, Path(sys.executable), with_docstrings=("package/keeps.py",))
    assert below(folder / "package") == ["__init__.pyc", "data.json", "drops.pyc", "keeps.pyc"]
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from package import drops, keeps"
    shown = f"{code}; print(drops.__doc__, keeps.__doc__)"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", shown], capture_output=True, text=True, check=True)
    assert ran.stdout == "None A docstring.\n"


def test_a_source_that_does_not_compile_is_an_error_that_names_it(folder):
    (folder / "package" / "bad.py").write_text("def")
    with pytest.raises(ProcessError, match=r"bad\.py ended with 1: .*SyntaxError"):
        compile_tree(folder, Path(sys.executable))


def test_this_process_compiles_for_its_own_version():
    assert find_interpreter(HERE) == Path(sys.executable)


def test_an_interpreter_of_another_version_is_refused():
    with pytest.raises(ArgumentError, match=f"cpython {this_python()} final, expected cpython 3.99 final"):
        find_interpreter(Target("3.99"), Path(sys.executable))


def test_an_interpreter_that_is_none_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="does not run as a Python"):
        find_interpreter(Target("3.99"), tmp_path)


def test_no_interpreter_is_none(nothing_installed):
    assert find_interpreter(Target("3.99")) is None


@pytest.mark.skipif(sys.platform == "win32", reason="stand-ins are shell scripts")
@pytest.mark.parametrize("place", ["bin/python3.99", "pyenv/versions/3.99.1/bin/python3.99"])
def test_an_interpreter_is_found_on_the_path_and_in_pyenv(nothing_installed, place):
    there = program(nothing_installed / place, A_PYTHON)
    assert find_interpreter(Target("3.99")) == there


@pytest.mark.skipif(sys.platform == "win32", reason="stand-ins are shell scripts")
def test_an_interpreter_is_found_by_uv(nothing_installed):
    there = program(nothing_installed / "uv's" / "python3.99", A_PYTHON)
    program(nothing_installed / "bin" / "uv", f'#!/bin/sh\necho "{there}"\n')
    assert find_interpreter(Target("3.99")) == there


@pytest.mark.skipif(sys.platform == "win32", reason="stand-ins are shell scripts")
@pytest.mark.parametrize("answer", ["cpython 3.99 candidate", "pypy 3.99 final", "cpython 3.98 final"])
def test_an_interpreter_whose_bytecode_is_another_is_passed_over(nothing_installed, answer):
    program(nothing_installed / "bin" / "python3.99", f'#!/bin/sh\necho "{answer}"\n')
    assert find_interpreter(Target("3.99")) is None
