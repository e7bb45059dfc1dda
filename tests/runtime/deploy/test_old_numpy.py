"""Mirrors runtime/airvec/deploy/old_numpy.py."""

import subprocess
from pathlib import Path

import pytest

from airvec.cli.main import main
from airvec.deploy.bytecode import find_interpreter
from airvec.deploy.target import Target, this_platform, this_python
from airvec.deploy.tree import stage_packages
from tests import fake_wheels
from tests.runtime.deploy.unpacked import below

DOCSTRING = '"""A docstring."""'
FILES = {
    "numpy/__init__.py": DOCSTRING,
    "numpy/_core/multiarray.py": DOCSTRING,
    "numpy/_core/_multiarray_tests.cpython.so": "a module",
    "numpy/_core/_umath_tests.cpython.so": "a module",
    "numpy/_core/tests/_natype.py": "",
    "numpy/_core/tests/test_it.py": "",
}
MODULE, NATYPE = "numpy/_core/_multiarray_tests.cpython.so", "numpy/_core/tests/_natype.pyc"
IMPORTS = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy, numpy.ma, numpy.testing, numpy.polynomial, numpy.random, numpy.fft, numpy.f2py
numpy.testing.assert_allclose(numpy.median([1, 2, 3]), 2)
print(numpy.__version__)
"""


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """Stage the packages with a stand-in of one version of NumPy."""
    wheels = fake_wheels.offline(tmp_path / "offline", monkeypatch)

    def staged(version: str) -> Path:
        fake_wheels.wheel(wheels, "numpy", version, files=FILES)
        constraint = tmp_path / "versions.txt"
        constraint.write_text(f"numpy=={version}\n")
        stage_packages(Target(this_python(), "arm64"), tmp_path / "python", constraint=constraint)
        return tmp_path / "python"

    return staged


@pytest.mark.parametrize(
    ("version", "kept"), [("2.0.2", {MODULE, NATYPE}), ("2.1.0", {NATYPE}), ("2.2.6", {NATYPE}), ("2.3.0", set())]
)
def test_test_modules_stay_for_the_versions_that_load_them(stage, version, kept):
    names = below(stage(version) / "numpy")
    assert {f"numpy/{name}" for name in names} == {"numpy/__init__.pyc", "numpy/_core/multiarray.pyc", *kept}


@pytest.mark.parametrize(("version", "kept"), [("2.3.5", True), ("2.4.0", False)])
def test_docstrings_stay_in_the_one_file_of_the_versions_that_read_them(stage, version, kept):
    numpy = stage(version) / "numpy"
    assert (b"A docstring." in (numpy / "_core" / "multiarray.pyc").read_bytes()) == kept
    assert b"A docstring." not in (numpy / "__init__.pyc").read_bytes()


@pytest.mark.deploy
@pytest.mark.parametrize("version", ["2.0.2", "2.1.3", "2.2.6", "2.3.5"])
def test_real_old_versions_run_in_a_package(tmp_path, capsys, version):
    interpreter = find_interpreter(Target("3.12"))
    if interpreter is None or this_platform() != "linux-x86_64":
        pytest.skip(f"needs Python 3.12, the newest that NumPy 2.0 has wheels for, on Linux: {this_platform()}")
    constraint, out = tmp_path / "versions.txt", tmp_path / "package"
    constraint.write_text(f"numpy=={version}\n")
    words = ["--python", "3.12", "--constraint", str(constraint), "--no-wheelhouse"]
    assert main(["package", "folder", str(out), *words]) == 0
    assert "self-check: it runs alone on Python 3.12" in capsys.readouterr().out
    command = [str(interpreter), "-I", "-S", "-B", "-c", IMPORTS, str(out / "lib")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == (f"{version}\n", "")
