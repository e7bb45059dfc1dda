"""What the layers of real packages hold: sizes, public names, licences. Their requests are test_lambda_proof.py's."""

import subprocess
from pathlib import Path

import pytest

from airvec.cli.main import main
from tests.runtime.deploy.conftest import PYTHON
from tests.runtime.deploy.unpacked import below

pytestmark = pytest.mark.deploy
NAMES = """
import sys, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")  # names that NumPy is about to drop say so
import numpy, onnxruntime, tokenizers
exec("from numpy import *")
import numpy.char, numpy.ctypeslib, numpy.dtypes, numpy.exceptions, numpy.lib.stride_tricks, numpy.matlib, numpy.rec
import numpy.strings, numpy.testing, numpy.typing
modules = [numpy, numpy.random, numpy.fft, numpy.linalg, numpy.ma, numpy.polynomial, numpy.lib, numpy.testing]
for module in [*modules, onnxruntime, tokenizers]:
    for name in {*dir(module), *getattr(module, "__all__", ())}:
        getattr(module, name)
numpy.testing.assert_allclose(numpy.fft.ifft(numpy.fft.fft([1, 2, 3])).real, [1, 2, 3])
numpy.random.default_rng(0).normal(); numpy.random.rand(); numpy.linalg.svd(numpy.eye(3)); numpy.ma.array([1]).sum()
from importlib.metadata import version
print(*map(version, ("numpy", "onnxruntime", "tokenizers")))
"""


def megabytes(files: list[Path]) -> float:
    return sum(path.stat().st_size for path in files) / 1e6


def test_every_public_name_works_for_handlers_of_ones_own_and_nothing_is_said(minilm_layer, interpreter):
    command = [interpreter, "-I", "-S", "-B", "-c", NAMES, str(minilm_layer / "python")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    locked = (minilm_layer / "python" / "requirements.txt").read_text().splitlines()
    assert ran.stdout.split() == [line.split()[0].partition("==")[2] for line in locked]


def test_the_runtime_is_as_small_as_promised_and_holds_no_sources(minilm_layer):
    files = [path for path in (minilm_layer / "python").rglob("*") if path.is_file()]
    assert 50 < megabytes(files) <= 95
    assert not [path for path in files if path.suffix == ".py"]


def test_the_licences_are_there(minilm_layer):
    names = below(minilm_layer / "python")
    assert "onnxruntime/ThirdPartyNotices.txt" in names
    assert "onnxruntime/LICENSE" in names
    assert [name for name in names if name.startswith("numpy-") and name.endswith("licenses/LICENSE.txt")]


def test_the_static_layer_is_as_small_as_promised_and_the_same_bytes_again(static_layer, tmp_path, capsys):
    first = static_layer.with_name(f"{static_layer.name}.zip")
    out = tmp_path / "again.zip"
    assert main(["package", "lambda", str(out), "--python", PYTHON, "--arch", "x86_64"]) == 0
    assert f"self-check: it runs alone on Python {PYTHON}" in capsys.readouterr().out
    assert out.read_bytes() == first.read_bytes()
    assert 10 < out.stat().st_size / 1e6 <= 25
