"""What the layers of real packages hold: sizes, public names, licences. Their requests are test_lambda_proof.py's."""

import subprocess
from pathlib import Path

import pytest

from airvec.cli.main import main
from airvec.deploy.bytecode import find_interpreter
from airvec.deploy.prune import UNUSED_NUMPY
from airvec.deploy.target import Target
from tests.runtime.deploy.conftest import PYTHON
from tests.runtime.deploy.unpacked import below

pytestmark = pytest.mark.deploy
# What a program of one's own may do. The words after the layer's folder: names of NumPy to leave alone.
NAMES = """
import importlib, io, pathlib, sys, tempfile, warnings
from importlib.metadata import version
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")  # names that NumPy is about to drop say so
import numpy
lock = pathlib.Path(sys.argv[1], "requirements.txt").read_text().splitlines()
packages = [line.partition("==")[0] for line in lock]
left_out = {name.removeprefix("numpy.") for name in sys.argv[2:]}
exec("from numpy import " + ", ".join({*numpy.__all__} - left_out))
import numpy.char, numpy.ctypeslib, numpy.dtypes, numpy.exceptions, numpy.lib.format, numpy.lib.recfunctions
import numpy.lib.stride_tricks, numpy.ma.mrecords, numpy.ma.testutils, numpy.rec, numpy.strings, numpy.testing
import numpy.testing.overrides, numpy.typing
modules = [numpy, numpy.linalg, numpy.ma, numpy.polynomial, numpy.lib, numpy.testing, numpy.char, numpy.rec]
for module in [*modules, numpy.strings, numpy.typing, *map(importlib.import_module, packages)]:
    for name in {*dir(module), *getattr(module, "__all__", ())} - (left_out if module is numpy else set()):
        getattr(module, name)
x = numpy.arange(12.0).reshape(3, 4)
numpy.testing.assert_allclose(numpy.einsum("ij,kj->ik", x, x, optimize="greedy"), x @ x.T)
assert numpy.median(x) == numpy.quantile(x, 0.5) == numpy.ma.median(numpy.ma.array(x)) == 5.5
numpy.save(file := io.BytesIO(), x); file.seek(0); numpy.testing.assert_equal(numpy.load(file), x)
numpy.linalg.svd(x); numpy.polynomial.Polynomial.fit([1, 2, 3], [1, 4, 9], 2).roots(); numpy.histogram(x, "auto")
numpy.rec.fromrecords([(1, "a")], names="a,b"); numpy.char.upper(["a"]); numpy.typing.NDArray[numpy.float32]
loaded = {f"numpy.{name}" for name in ("random", "fft", "f2py")} & {*sys.modules}
assert loaded == set() or not left_out, loaded
print(*map(version, packages))
"""
WHOLE = """
import sys
sys.path.insert(0, sys.argv[1])
import warnings; warnings.simplefilter("ignore")
from numpy import *
import numpy, numpy.matlib, numpy.f2py
numpy.testing.assert_allclose(numpy.fft.ifft(numpy.fft.fft([1, 2, 3])).real, [1, 2, 3])
numpy.random.default_rng(0).normal(); numpy.random.rand(); numpy.matlib.rand(2)
"""
LEFT_OUT = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy
for code in sys.argv[2:]:
    try:
        exec(code)
    except ImportError as error:
        print(error)
    else:
        print("nothing was said")
"""


def megabytes(files: list[Path]) -> float:
    return sum(path.stat().st_size for path in files) / 1e6


def run(python: str, program: str, layer: Path, *words: str) -> list[str]:
    """The lines that a program prints with nothing but a layer on its path."""
    command = [python, "-I", "-S", "-B", "-c", program, str(layer / "python"), *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.splitlines()


def versions(layer: Path) -> list[str]:
    """Those of a layer's packages, in the order of its lock."""
    lines = (layer / "python" / "requirements.txt").read_text().splitlines()
    return [line.split()[0].partition("==")[2] for line in lines]


@pytest.fixture(scope="module")
def whole_layer(interpreter, minilm, tmp_path_factory) -> Path:
    """The layer of all-MiniLM-L6-v2 with all of NumPy, unzipped."""
    from measure.layers import package

    out = tmp_path_factory.mktemp("whole") / "layer"
    return package(out, PYTHON, str(minilm), "--variant", "fp32", "--whole-numpy")


def test_every_public_name_but_what_was_left_out_works_for_handlers_of_ones_own(minilm_layer, interpreter):
    assert run(interpreter, NAMES, minilm_layer, *UNUSED_NUMPY)[-1].split() == versions(minilm_layer)


def test_what_was_left_out_says_so_and_how_to_keep_it(minilm_layer, interpreter):
    for name in UNUSED_NUMPY:
        codes = [f"{name}.anything()", f"import {name}", f"import {name}.anything", "from numpy import " + name[6:]]
        for said in run(interpreter, LEFT_OUT, minilm_layer, *codes):
            assert said.startswith(f"{name} was left out of this layer")
            assert said.endswith("run airvec package lambda with --whole-numpy.")
    for said in run(interpreter, LEFT_OUT, minilm_layer, "from numpy import *", "import numpy.matlib"):
        assert said.startswith(tuple(f"{name} was left out of this layer" for name in UNUSED_NUMPY))


def test_a_layer_with_all_of_numpy_has_every_public_name(whole_layer, minilm_layer, interpreter):
    assert run(interpreter, NAMES, whole_layer)[-1].split() == versions(whole_layer)
    assert run(interpreter, WHOLE, whole_layer) == []
    more = set(below(whole_layer / "python")) - set(below(minilm_layer / "python"))
    assert {name.split("/")[1] for name in more} == {"random", "fft", "f2py"}


@pytest.mark.usefixtures("interpreter")  # skips on machines that run no layer
def test_the_oldest_numpy_needs_no_more_than_the_newest(tmp_path, capsys):
    from measure.function import unzip

    interpreter = find_interpreter(Target("3.12"))
    if interpreter is None:
        pytest.skip("no Python 3.12 on this machine, the newest that NumPy 2.0 has wheels for")
    (tmp_path / "versions.txt").write_text("numpy==2.0.2\n")
    out, constraint = tmp_path / "layer.zip", str(tmp_path / "versions.txt")
    assert main(["package", "lambda", str(out), "--python", "3.12", "--constraint", constraint]) == 0
    assert "self-check: it runs alone on Python 3.12" in capsys.readouterr().out
    layer = unzip(out, tmp_path / "layer")
    assert run(str(interpreter), NAMES, layer, *UNUSED_NUMPY)[-1].split() == versions(layer)
    assert versions(layer)[0] == "2.0.2"


def test_the_runtime_is_as_small_as_promised_and_holds_no_sources(minilm_layer):
    files = [path for path in (minilm_layer / "python").rglob("*") if path.is_file()]
    assert 50 < megabytes(files) <= 95
    assert not [path for path in files if path.suffix == ".py"]


def test_the_licences_are_there(minilm_layer):
    names = below(minilm_layer / "python")
    assert "onnxruntime/ThirdPartyNotices.txt" in names
    assert "onnxruntime/LICENSE" in names
    assert "numpy/random/LICENSE.md" in names
    assert [name for name in names if name.startswith("numpy-") and name.endswith("licenses/LICENSE.txt")]


def test_the_static_layer_is_as_small_as_promised_and_the_same_bytes_again(static_layer, tmp_path, capsys):
    first = static_layer.with_name(f"{static_layer.name}.zip")
    out = tmp_path / "again.zip"
    assert main(["package", "lambda", str(out), "--python", PYTHON, "--arch", "x86_64"]) == 0
    assert f"self-check: it runs alone on Python {PYTHON}" in capsys.readouterr().out
    assert out.read_bytes() == first.read_bytes()
    assert 10 < out.stat().st_size / 1e6 <= 25
