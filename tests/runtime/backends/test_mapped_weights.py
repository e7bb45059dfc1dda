"""Mirrors runtime/airvec/backends/mapped_weights.py."""

import mmap
import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from airvec import SentenceTransformer
from airvec.backends import mapped_weights
from airvec.backends.mapped_weights import map_weights
from airvec.errors import ModelFolderError
from tests.folders import lookup_graph, table, word_model

WIDE = np.random.default_rng(3).normal(size=(256, 128)).astype(np.float32)  # 128 KiB


def product_graph(weights, inputs=()):
    """`y` = x · w + b, with `w` large and `b` small."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["xw"]), helper.make_node("Add", ["xw", "b"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 256]), *inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 128])],
        [weights, numpy_helper.from_array(np.arange(128, dtype=np.float32), "b")],
    )
    model = helper.make_model(graph, producer_name="x" * 200, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    return model


def saved(path, model):
    path.write_bytes(model.SerializeToString())
    return path


def answer(mapped, x):
    """What a session gives that reads the weights where they lie."""
    options = ort.SessionOptions()
    values = {name: ort.OrtValue.ortvalue_from_numpy(array) for name, array in mapped.arrays.items()}
    for name, value in values.items():
        options.add_initializer(name, value)
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(mapped.folder))
    session = ort.InferenceSession(mapped.graph, options, ["CPUExecutionProvider"])
    return session.run(["y"], {"x": x})[0]


def test_large_weights_are_arrays_over_the_file_and_small_ones_stay_in_the_graph(tmp_path):
    file = saved(tmp_path / "model.onnx", product_graph(numpy_helper.from_array(WIDE, "w")))
    mapped = map_weights(file)
    assert list(mapped.arrays) == ["w"]
    np.testing.assert_array_equal(mapped.arrays["w"], WIDE)
    assert not mapped.arrays["w"].flags.owndata
    assert not mapped.arrays["w"].flags.writeable
    assert len(mapped.graph) < 2000 < WIDE.nbytes < file.stat().st_size


def test_the_graph_without_them_gives_the_same_numbers(tmp_path):
    file = saved(tmp_path / "model.onnx", product_graph(numpy_helper.from_array(WIDE, "w")))
    x = np.random.default_rng(1).normal(size=(3, 256)).astype(np.float32)
    expected = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"]).run(["y"], {"x": x})[0]
    mapped = map_weights(file)
    mapped.drop()
    np.testing.assert_array_equal(answer(mapped, x), expected)


def test_what_is_left_is_a_whole_graph_that_names_its_own_file(tmp_path):
    file = saved(tmp_path / "model.onnx", product_graph(numpy_helper.from_array(WIDE, "w")))
    left = onnx.load_from_string(map_weights(file).graph)
    weights, bias = left.graph.initializer
    stated = {entry.key: entry.value for entry in weights.external_data}
    assert stated["location"] == "model.onnx"
    first, size = int(stated["offset"]), int(stated["length"])
    assert file.read_bytes()[first : first + size] == WIDE.tobytes()
    assert (list(weights.dims), weights.data_location, bias.name) == ([256, 128], TensorProto.EXTERNAL, "b")
    assert left.producer_name == "x" * 200


def test_small_weights_weights_that_are_inputs_and_types_that_numpy_lacks_are_left(tmp_path):
    stated = helper.make_tensor_value_info("w", TensorProto.FLOAT, [256, 128])
    as_input = product_graph(numpy_helper.from_array(WIDE, "w"), [stated])
    odd = helper.make_tensor("w", TensorProto.BFLOAT16, [256, 256], b"\0" * 2 * 256 * 256, raw=True)
    for number, model in enumerate([lookup_graph(), as_input, product_graph(odd)]):
        assert map_weights(saved(tmp_path / f"{number}.onnx", model)) is None


def test_weights_as_numbers_and_weights_of_another_size_than_their_shape_are_left(tmp_path):
    numbers = helper.make_tensor("w", TensorProto.FLOAT, [256, 128], WIDE.ravel())
    wrong = helper.make_tensor("w", TensorProto.FLOAT, [256, 128], WIDE.tobytes(), raw=True)
    wrong.raw_data = wrong.raw_data[:-4]
    for number, weights in enumerate([numbers, wrong]):
        assert map_weights(saved(tmp_path / f"{number}.onnx", product_graph(weights))) is None


def test_a_link_is_followed_to_where_the_weights_lie(tmp_path):
    """The Hub's cache: a snapshot holds links to files elsewhere."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    blob = saved(tmp_path / "blobs" / "0f3a", product_graph(numpy_helper.from_array(WIDE, "w")))
    link = tmp_path / "snapshot" / "model.onnx"
    link.symlink_to(blob)
    mapped = map_weights(link)
    assert mapped.folder == str(blob.parent)
    assert len(answer(mapped, np.ones((1, 256), np.float32))) == 1


@pytest.mark.parametrize("data", [b"\x3a\xff\x01", b"\x0b\x01\x02"])
def test_what_is_no_graph_is_an_error(tmp_path, data):
    (tmp_path / "model.onnx").write_bytes(data)
    with pytest.raises(ValueError, match="field"):
        map_weights(tmp_path / "model.onnx")


def turned_graph():
    """`y` = Σ over rows of (xᵀ + w)ᵀ: the optimiser turns `w` in place to be rid of both transpositions."""
    square = np.random.default_rng(5).normal(size=(1, 160, 160)).astype(np.float32)
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 1]), helper.make_node("Add", ["t", "w"], ["a"]),
        helper.make_node("Relu", ["a"], ["r"]), helper.make_node("Transpose", ["r"], ["y"], perm=[0, 2, 1]),
    ]  # fmt: skip
    shape = ["n", 160, 160]
    given, result = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy")
    graph = helper.make_graph(nodes, "turned", [given], [result], [numpy_helper.from_array(square, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    return model


def test_constants_that_an_optimiser_may_turn_are_left(tmp_path):
    assert map_weights(saved(tmp_path / "model.onnx", turned_graph())) is None


def test_weights_of_graphs_with_graphs_inside_are_left(tmp_path):
    model = product_graph(numpy_helper.from_array(WIDE, "w"))
    branch = helper.make_graph([], "branch", [], [helper.make_tensor_value_info("w", TensorProto.FLOAT, [256, 128])])
    model.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=branch, else_branch=branch))
    assert map_weights(saved(tmp_path / "model.onnx", model)) is None


def test_a_graph_inside_is_seen_however_its_field_is_written(tmp_path):
    model = product_graph(numpy_helper.from_array(WIDE, "w"))
    model.graph.node[0].attribute.append(onnx.AttributeProto(name="bodyx", g=onnx.GraphProto()))
    data = model.SerializeToString()
    in_one_byte, in_two = b"\x0a\x05bodyx\x32\x00", b"\x0a\x04body\xb2\x00\x00"
    assert data.count(in_one_byte) == 1
    for content in (data, data.replace(in_one_byte, in_two)):
        (tmp_path / "model.onnx").write_bytes(content)
        assert map_weights(tmp_path / "model.onnx") is None


def test_lengths_of_more_bytes_than_they_need_are_left_to_onnxruntime(tmp_path):
    data = product_graph(numpy_helper.from_array(WIDE, "w")).SerializeToString()
    size = len(WIDE.tobytes())
    short = b"\x4a" + bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])
    assert data.count(short) == 1
    body = data.replace(short, short[:-1] + bytes([short[-1] | 0x80, 0]))
    model = onnx.ModelProto()
    model.ParseFromString(data)
    tensor, graph = model.graph.initializer[0].ByteSize(), model.graph.ByteSize()
    for old in (tensor, graph):  # the messages around it are a byte longer
        body = body.replace(number(old), number(old + 1), 1)
    assert onnx.load_from_string(body) == onnx.load_from_string(data)
    (tmp_path / "model.onnx").write_bytes(body)
    with pytest.raises(ValueError, match="more bytes than it needs"):
        map_weights(tmp_path / "model.onnx")


def number(value):
    """A varint of three bytes."""
    return bytes([value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14])


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_a_second_session_is_not_opened_on_another_file(tmp_path, change):
    model = SentenceTransformer(word_model(tmp_path), threads=2)
    first = model.encode("a b c")
    file = Path(model._pipeline().backend.file)
    data = file.read_bytes()
    file.unlink()
    if change == "replaced":
        file.write_bytes(data)
        os.utime(file, ns=(1, 1))
    np.testing.assert_array_equal(model.encode("a b c"), first)  # the session that is open
    with pytest.raises(ModelFolderError, match=r"model.onnx: written anew since it was opened.*Open the model again"):
        model.encode(["a b c", "c", "b"] * 40, batch_size=1)


def test_a_models_sessions_read_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped_weights, "SMALLEST", 16)
    folder = word_model(tmp_path)
    model = SentenceTransformer(folder, threads=2)
    backend = model._pipeline().backend
    assert list(backend._weights.values) == ["table"]
    found = model.encode(["a b c", "c", "b"] * 40, batch_size=1)
    assert backend._alone is not None
    assert backend._beside is not None
    monkeypatch.setattr(mapped_weights, "SMALLEST", 10**9)
    without = SentenceTransformer(folder, threads=2)
    assert without._pipeline().backend._weights is None
    np.testing.assert_array_equal(found, without.encode(["a b c", "c", "b"] * 40, batch_size=1))
    np.testing.assert_array_equal(backend._weights.mapped.arrays["table"], table())


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="no madvise here")
def test_dropped_weights_come_back_from_the_file(tmp_path):
    mapped = map_weights(saved(tmp_path / "model.onnx", product_graph(numpy_helper.from_array(WIDE, "w"))))
    before = mapped.arrays["w"].sum()
    mapped.drop()
    assert mapped.arrays["w"].sum() == before
