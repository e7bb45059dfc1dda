"""Bytecode in place of the sources: an interpreter of the target's version is found, and compiles.

Lambda's file system is read-only, so what is not compiled beforehand is compiled at every start. The .pyc lies where
the .py lay, and Python loads it alone. Line numbers in tracebacks stay; the lines themselves are not shown.
Knows nothing of packages.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from airvec.deploy.target import Target
from airvec.errors import ArgumentError, ProcessError

_ASK = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2], sys.version_info[3])"
SECONDS_TO_ANSWER = 30
LAST_LINES = 6


def find_interpreter(target: Target, given: Path | None = None) -> Path | None:
    """A released CPython of the target's version on this machine, whatever its processor; None if there is none.

    Looks at the one given, or else at this process's, `pythonX.Y` on PATH, pyenv's and uv's.

    Raises:
        ArgumentError: the one given is not of that version.
    """
    expected = f"cpython {target.python} final"
    if given is None:
        return next((path for path in _candidates(target.python) if _answer(path) == expected), None)
    answer = _answer(given)
    if answer != expected:
        raise ArgumentError(
            f"--interpreter {given}: {answer or 'does not run as a Python'}, expected {expected}: bytecode of another "
            "version does not load. Give a Python of the version of --python, or leave --interpreter out."
        )
    return given


def _candidates(version: str) -> Iterator[Path]:
    yield Path(sys.executable)
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for folder in sorted((pyenv / "versions").glob(f"{version}.*"), reverse=True):
        yield folder / "bin" / f"python{version}"
        yield folder / "python.exe"
    if shutil.which("uv"):
        found = _output(["uv", "python", "find", "--no-project", version])
        if found:
            yield Path(found)


def _answer(python: Path) -> str:
    """What an interpreter says it is, such as `cpython 3.13 final`; empty if it is none."""
    return _output([str(python), "-I", "-S", "-c", _ASK])


def _output(command: list[str]) -> str:
    """What a program prints; empty where it is not there, fails or hangs, since the next candidate is asked then."""
    try:
        ran = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, errors="replace", check=False, timeout=SECONDS_TO_ANSWER
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""


def compile_tree(folder: Path, interpreter: Path, *, with_docstrings: Sequence[str] = ()) -> None:
    """Put a .pyc, without docstrings and assertions, in the place of every .py below a folder.

    The same sources give the same bytes.

    Args:
        folder: the packages.
        interpreter: the Python that compiles.
        with_docstrings: sources that read their own docstrings and keep them, by their path in the folder.

    Raises:
        ProcessError: the interpreter does not compile one of them.
    """
    # As with `python -OO`: a third of NumPy's bytecode are docstrings, 0.6 MB zipped and 2 MB to be read at a start.
    _compile(folder, folder, interpreter, "2")
    for name in with_docstrings:
        _compile(folder / name, folder, interpreter, "1")
    for path in folder.rglob("*.py"):
        path.unlink()


def _compile(path: Path, folder: Path, interpreter: Path, level: str) -> None:
    """Put the .pyc beside a source, or beside all that a folder has."""
    # Unchecked: a hash of the source instead of its time, which nobody compares since no source is there. No -j: with
    # one process and sorted names the bytes do not depend on the order in which files were compiled.
    command = [str(interpreter), "-I", "-S", "-W", "ignore", "-m", "compileall", "-b", "-q", "-f"]
    command += ["-o", level, "--invalidation-mode", "unchecked-hash", "-s", str(folder), str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    left = [source for source in sorted(path.rglob("*.py")) if not source.with_suffix(".pyc").is_file()]
    if ran.returncode != 0 or left:
        said = " | ".join((ran.stdout + ran.stderr).strip().splitlines()[-LAST_LINES:])
        raise ProcessError(
            f"{interpreter}: compiling {left[0] if left else path} ended with {ran.returncode}: {said}. Expected a "
            ".pyc for every .py. Try another --interpreter, or another version of the package by --constraint."
        )
