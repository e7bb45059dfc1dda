"""Mirrors runtime/airvec/backends/onnx_saving.py."""

import errno
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from airvec.backends.external_data import external_locations, operators
from airvec.backends.onnx_saving import save_graph
from airvec.errors import ModelFolderError
from tests.folders import lookup_graph

IDS = np.random.default_rng(3).integers(0, 50, (3, 7))
INT64, FLOAT, HALF = TensorProto.INT64, TensorProto.FLOAT, TensorProto.FLOAT16


def graph_of(nodes, tensors, width=64):
    """`input_ids` (b, t) → `last_hidden_state` (b, t, width): `nodes` on rows `x` of a table of 300 (77 kB)."""
    random = np.random.default_rng(5)
    table = numpy_helper.from_array(random.normal(size=(300, width)).astype(np.float32), "table")
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["x"]), *nodes],
        "graph",
        [helper.make_tensor_value_info("input_ids", INT64, ["b", "t"])],
        [helper.make_tensor_value_info("last_hidden_state", FLOAT, ["b", "t", width])],
        [table, *(numpy_helper.from_array(array, name) for name, array in tensors.items())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    return model


def gelu_spelt_out():
    """x · (1 + erf(x / √2)) / 2 in five nodes, which ONNX Runtime has one of its own for."""
    steps = [("Div", ["x", "root"], "a"), ("Erf", ["a"], "b"), ("Add", ["b", "one"], "c"), ("Mul", ["x", "c"], "d"),
             ("Mul", ["d", "half"], "last_hidden_state")]  # fmt: skip
    tensors = {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}
    return graph_of([helper.make_node(kind, taken, [made]) for kind, taken, made in steps], tensors)


def half_precision():
    """Products in float16, which no CPU kernel computes, after Concat, which takes any type: casts on both sides."""
    weight = np.random.default_rng(6).normal(size=(128, 64)).astype(np.float16)
    steps = [
        ("Concat", ["h", "h"], "a"),
        ("MatMul", ["a", "weight"], "b"),
        ("Concat", ["b", "b"], "c"),
        ("MatMul", ["c", "weight"], "d"),
    ]
    more = {"Concat": {"axis": -1}}
    nodes = [helper.make_node(kind, taken, [made], **more.get(kind, {})) for kind, taken, made in steps]
    first = helper.make_node("Cast", ["x"], ["h"], to=HALF)
    return graph_of(
        [first, *nodes, helper.make_node("Cast", ["d"], ["last_hidden_state"], to=FLOAT)], {"weight": weight}
    )


def signed_quantised():
    """A product of signed 8-bit numbers, between QuantizeLinear and DequantizeLinear."""
    weight = np.random.default_rng(6).integers(-127, 127, (64, 64)).astype(np.int8)
    steps = [("QuantizeLinear", ["x", "s", "z"], "q"), ("DequantizeLinear", ["q", "s", "z"], "d"),
             ("DequantizeLinear", ["weight", "s", "zero"], "w"), ("MatMul", ["d", "w"], "y"),
             ("QuantizeLinear", ["y", "s", "z"], "yq"),
             ("DequantizeLinear", ["yq", "s", "z"], "last_hidden_state")]  # fmt: skip
    tensors = {"weight": weight, "s": np.float32(0.02), "z": np.int8(3), "zero": np.int8(0)}
    return graph_of([helper.make_node(kind, taken, [made]) for kind, taken, made in steps], tensors)


def save(model, folder, *, optimized=False, arch="x86_64"):
    """The original's file, the saved one's, and what was said of it."""
    (folder / "from").mkdir(exist_ok=True)
    (folder / arch).mkdir(exist_ok=True)
    source, target = folder / "from" / "model.onnx", folder / arch / "model.onnx"
    onnx.save(model, source)
    return source, target, save_graph(source, target, optimized=optimized, arch=arch)


def run(file, *, optimise):
    options = ort.SessionOptions()
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimise else levels.ORT_DISABLE_ALL
    return ort.InferenceSession(str(file), options, ["CPUExecutionProvider"]).run(None, {"input_ids": IDS})[0]


def test_a_saved_graph_needs_no_optimisation_and_gives_the_same_numbers(tmp_path):
    source, target, said = save(gelu_spelt_out(), tmp_path)
    assert operators(target) == Counter({("", "Gather"): 1, ("com.microsoft", "Gelu"): 1})
    assert np.array_equal(run(target, optimise=False), run(source, optimise=True))
    assert (said.inputs, said.outputs, said.optimized) == (("input_ids",), ("last_hidden_state",), True)


def test_operators_of_onnx_runtimes_own_ask_for_the_version_that_put_them_in(tmp_path):
    assert save(gelu_spelt_out(), tmp_path)[2].min_onnxruntime == ".".join(ort.__version__.split(".")[:2])
    assert save(lookup_graph(), tmp_path)[2].min_onnxruntime is None


def test_a_graph_that_is_optimised_keeps_its_operators(tmp_path):
    source, target, said = save(gelu_spelt_out(), tmp_path, optimized=True)
    assert operators(target) == operators(source)
    assert (said.optimized, said.min_onnxruntime) == (True, None)
    assert np.array_equal(run(target, optimise=False), run(source, optimise=False))


def test_weights_lie_in_a_file_beside_the_graph_wherever_they_were(tmp_path):
    source, target, _ = save(graph_of([helper.make_node("Neg", ["x"], ["last_hidden_state"])], {}), tmp_path)
    assert external_locations(target) == {"model.onnx_data"}
    assert target.stat().st_size < 2000 < 300 * 64 * 4 <= (tmp_path / "x86_64/model.onnx_data").stat().st_size
    outside = tmp_path / "outside"
    outside.mkdir()
    onnx.save(
        onnx.load(source), outside / "m.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    source.unlink()
    save_graph(outside / "m.onnx", outside / "again.onnx", optimized=False, arch="x86_64")
    (outside / "weights.bin").unlink()
    assert external_locations(outside / "again.onnx") == {"again.onnx_data"}
    assert np.array_equal(run(outside / "again.onnx", optimise=False), run(target, optimise=False))


def test_small_weights_stay_in_the_graph(tmp_path):
    """ONNX Runtime's own bound is 1 kB; the shift has 16, the table 77."""
    shift = np.random.default_rng(1).normal(size=(64, 64)).astype(np.float32)
    product = helper.make_node("MatMul", ["x", "shift"], ["last_hidden_state"])
    _, target, _ = save(graph_of([product], {"shift": shift}), tmp_path)
    found = onnx.load(target, load_external_data=False).graph.initializer
    places = {tensor.name: tensor.data_location == TensorProto.EXTERNAL for tensor in found}
    assert places == {"shift": False, "table": True}


def test_a_graph_in_half_precision_stays_to_be_optimised(tmp_path):
    source, target, said = save(half_precision(), tmp_path)
    extra = operators(target)["", "Cast"] - operators(source)["", "Cast"]
    assert (extra > 0, said.optimized) == (True, False)
    assert np.array_equal(run(target, optimise=True), run(source, optimise=True))


def test_signed_numbers_stay_signed_for_arm64_and_are_made_unsigned_for_x86(tmp_path):
    """What a session does by itself is what suits the machine that it runs on, not the one that the graph is for."""
    kinds = {}
    for arch in ("x86_64", "arm64"):
        _, target, _ = save(signed_quantised(), tmp_path, arch=arch)
        kinds[arch] = {tensor.data_type for tensor in onnx.load(target).graph.initializer}
        assert ("", "QLinearMatMul") in operators(target)
    assert kinds["x86_64"] - kinds["arm64"] == {TensorProto.UINT8}


def test_nothing_that_is_saved_is_for_one_cpu_only(tmp_path):
    for arch in ("x86_64", "arm64"):
        for make in (gelu_spelt_out, half_precision, signed_quantised):
            _, target, _ = save(make(), tmp_path, arch=arch)
            assert {domain for domain, _ in operators(target)} <= {"", "com.microsoft"}


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[: len(whole) // 2], lambda whole: b"x" * 99])
def test_a_damaged_graph_is_an_error_that_names_it(tmp_path, damage):
    source, _, _ = save(gelu_spelt_out(), tmp_path)
    source.write_bytes(damage(source.read_bytes()))
    with pytest.raises(ModelFolderError, match=r"from/model.onnx: .*fetch"):
        save_graph(source, tmp_path / "again.onnx", optimized=False, arch="x86_64")


def test_a_graph_whose_weights_are_cut_short_or_missing_is_an_error(tmp_path):
    _, target, _ = save(gelu_spelt_out(), tmp_path)
    data = target.with_name("model.onnx_data")
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(ModelFolderError, match="cannot open it"):
        save_graph(target, tmp_path / "again.onnx", optimized=True, arch="x86_64")
    data.unlink()
    with pytest.raises(ModelFolderError, match="which does not exist"):
        save_graph(target, tmp_path / "again.onnx", optimized=True, arch="x86_64")


def test_a_full_disk_is_said_to_be_full(tmp_path):
    source, _, _ = save(gelu_spelt_out(), tmp_path)
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"this user may not mount a small disk: {mounted.stderr.decode().strip()}")
    try:
        with pytest.raises(OSError, match="make room on the disk") as full:
            save_graph(source, disk / "model.onnx", optimized=False, arch="x86_64")
        assert full.value.errno == errno.ENOSPC
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


REPORTS = """
import os, sys
class Watch:
    def find_spec(self, name, *_):
        if name == "onnxruntime":
            print(os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Watch())
import airvec.backends.onnx_saving
"""


def test_onnx_runtime_is_told_not_to_report_its_use_before_it_is_imported():
    clean = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    seen = subprocess.run([sys.executable, "-c", REPORTS], env=clean, capture_output=True, text=True, check=True)
    assert seen.stdout.split() == ["1"]
