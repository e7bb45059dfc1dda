"""Mirrors runtime/airvec/cli/starts.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import airvec
from airvec.cli.starts import NEEDED, OLD_CPU, main, why_not


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Make a package of that name and source, which is found before all others."""

    def make(name, source):
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)

    return make


def test_what_can_be_imported_is_no_problem():
    assert why_not("json") is None


def test_what_only_this_process_has_on_its_path_is_found(tmp_path, monkeypatch):
    (tmp_path / "only_here.py").touch()
    assert why_not("only_here") == "its import fails: ModuleNotFoundError: No module named 'only_here'"
    monkeypatch.syspath_prepend(tmp_path)
    assert why_not("only_here") is None


def test_an_error_is_told_by_its_last_line(package):
    package("broken", "raise ImportError('no such symbol')")
    assert why_not("broken") == "its import fails: ImportError: no such symbol"


def test_a_signal_is_told_by_its_name(package):
    package("broken", "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)")
    assert why_not("broken") == "its import ends with SIGTERM"


@pytest.mark.parametrize(
    "source",
    [
        "import os, signal\nos.kill(os.getpid(), signal.SIGILL)",
        "raise RuntimeError('NumPy was built with baseline optimizations: (X86_V2) but …')",
    ],
)
def test_a_numpy_that_this_cpu_is_too_old_for_is_told_with_an_older_one(package, source):
    package("numpy", source)
    assert OLD_CPU in why_not("numpy")


def test_as_a_program_it_names_each_package_and_fails_if_one_does(package, capsys):
    assert main() == 0
    assert capsys.readouterr().out == "numpy: starts\nonnxruntime: starts\ntokenizers: starts\n"
    package("tokenizers", "raise ImportError('no such symbol')")
    assert main() == 1
    assert "tokenizers: its import fails: ImportError: no such symbol\n" in capsys.readouterr().out


def test_it_runs_where_none_of_the_packages_can_be_imported(package, tmp_path):
    for name in NEEDED:
        package(name, "import os\nos.abort()")
    path = os.pathsep.join([str(tmp_path), str(Path(airvec.__file__).parents[1])])
    command = [sys.executable, "-m", "airvec.cli.starts"]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "".join(f"{name}: its import ends with SIGABRT\n" for name in NEEDED)
