"""all-MiniLM-L6-v2 in int8, packed: no weights in fp32, a stated peak of memory, and bulk encoding held to 512 MB."""

import subprocess
import sys
from collections import Counter
from importlib import import_module

import numpy as np
import onnx
import pytest

from airvec.deploy.model import pack_model
from tests.conftest import ROOT

pytestmark = pytest.mark.slow
# What docs/edge.md states, in MB (10^6 bytes): see benchmarks/results/ceilings.md for what was measured.
STATED_MB = {1: 200, 2: 300}
DEVICE_MIB = 512
EXPORT = """
import sys
from airvec_exporter import export
export(sys.argv[1], sys.argv[2], variants=("fp32", "int8-x86"), texts=["one text", "another"] * 4, speed=False,
       weights=False, accept_worse=True, show_progress_bar=False)
"""


@pytest.fixture(scope="module")
def packed(checkpoint, tmp_path_factory):
    """What `airvec package folder MODEL --variant int8` puts into its folder model/ for x86-64."""
    scratch = tmp_path_factory.mktemp("int8")
    subprocess.run([sys.executable, "-c", EXPORT, checkpoint, scratch / "exported"], capture_output=True, check=True)
    return pack_model(scratch / "exported", scratch / "model", variant="int8")


@pytest.fixture(scope="module")
def ceilings():
    """The benchmark whose numbers the documents state."""
    return import_module("ceilings")  # in benchmarks/, which conftest.py puts on the path


def case(ceilings, packed, threads):
    return ceilings.Case("int8, packed", str(packed.path), "auto", threads)


def test_no_weights_of_it_are_fp32(packed):
    (name,) = (name for name in packed.files if name.endswith(".onnx"))
    arrays = [onnx.numpy_helper.to_array(one) for one in onnx.load(packed.path / name).graph.initializer]
    sizes = Counter({"float32": 0})
    for array in arrays:
        sizes[str(array.dtype)] += array.nbytes
    tables = [array for array in arrays if array.dtype != np.float32 and 30522 in array.shape]
    assert [array.dtype.itemsize for array in tables] == [1]  # the embeddings of words
    matrices = [array for array in arrays if array.dtype == np.float32 and array.size > max(array.shape, default=1)]
    assert [array.shape for array in matrices] == [(2, 384)]  # the embeddings of token types
    assert sizes["float32"] < 0.02 * sum(sizes.values())  # scales, biases, layer norms
    assert not [name for name in packed.files if name.endswith((".safetensors", ".bin"))]


@pytest.mark.parametrize("threads", [1, 2])
def test_its_peak_is_below_what_the_documents_state(ceilings, packed, threads):
    assert ceilings.peak(case(ceilings, packed, threads), "stream") < STATED_MB[threads]
    page = (ROOT / "docs" / "edge.md").read_text(encoding="utf-8")
    assert f"{STATED_MB[threads]} MB" in page


def test_a_device_of_512_mb_encodes_10_000_texts(ceilings, packed):
    from measure import sandbox

    problem = sandbox.why_not()
    if problem:
        pytest.skip(f"no cgroup here: {problem}")
    command = case(ceilings, packed, 2).command("stream")
    try:
        with sandbox.limits(2.0, DEVICE_MIB) as words:
            beyond = [sys.executable, "-c", f"bytearray({2 * DEVICE_MIB} * 2**20)"]
            assert subprocess.run([*words, *beyond], capture_output=True, check=False).returncode != 0
            done = subprocess.run([*words, *command], capture_output=True, text=True, check=False)
    except sandbox.SandboxError as error:
        pytest.skip(f"no cgroup here: {error}")
    assert (done.returncode, done.stderr) == (0, "")
    assert float(done.stdout) < DEVICE_MIB
