"""Mirrors runtime/airvec/backends/external_data.py."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from airvec.backends.external_data import check_external_data, external_locations, operators
from airvec.errors import ModelFolderError
from tests.folders import lookup_graph, table


def saved(folder, external):
    """A graph that says its weights are in the file `external`."""
    path = folder / "model.onnx"
    path.write_bytes(lookup_graph(external=external).SerializeToString())
    return path


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "sub/../../secret.bin", "C:\\x", "..\\x"])
def test_weights_outside_the_graphs_folder_are_refused(tmp_path, location):
    (tmp_path / "model").mkdir()
    (tmp_path / "secret.bin").write_bytes(table().tobytes())
    with pytest.raises(ModelFolderError, match="leaves the model folder"):
        check_external_data(saved(tmp_path / "model", location))


def test_weights_beside_the_graph_are_fine_and_missing_ones_are_not(tmp_path):
    path = saved(tmp_path, "model.onnx_data")
    assert external_locations(path) == {"model.onnx_data"}
    with pytest.raises(ModelFolderError, match="'model.onnx_data', which does not exist"):
        check_external_data(path)
    (tmp_path / "model.onnx_data").write_bytes(table().tobytes())
    assert check_external_data(path) == {"model.onnx_data"}


def test_a_graph_with_its_weights_inside_names_no_files(tmp_path):
    onnx.save(lookup_graph(), tmp_path / "model.onnx")
    assert external_locations(tmp_path / "model.onnx") == set()


def external_tensor(location):
    """A tensor stored elsewhere."""
    tensor = numpy_helper.from_array(np.ones(2, np.float32), "w")
    onnx.external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    return tensor


def test_tensors_are_found_wherever_a_graph_can_hold_them(tmp_path):
    constant = helper.make_node("Constant", [], ["c"], value=external_tensor("in_node"))
    branch = helper.make_graph([constant], "branch", [], [], [external_tensor("in_branch")])
    choice = helper.make_node("If", ["condition"], ["y"], then_branch=branch, else_branch=branch)
    function = helper.make_function("local", "F", [], ["c"], [helper.make_node(
        "Constant", [], ["c"], value=external_tensor("in_function"))], [helper.make_opsetid("", 18)])  # fmt: skip
    sparse = helper.make_sparse_tensor(external_tensor("in_sparse"), numpy_helper.from_array(np.array([0, 1])), [4])
    graph = helper.make_graph([choice], "g", [], [], sparse_initializer=[sparse])
    model = helper.make_model(graph, functions=[function])
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    expected = {"in_node", "in_branch", "in_function", "in_sparse"}
    assert external_locations(tmp_path / "model.onnx") == expected


def test_tensors_of_sparse_attributes_and_of_a_functions_defaults_are_found(tmp_path):
    def sparse(location):
        index = numpy_helper.from_array(np.array([0, 1]))
        return helper.make_sparse_tensor(external_tensor(location), index, [4])

    one = helper.make_attribute("sparse_value", sparse("in_one"))
    several = helper.make_attribute("sparse_values", [sparse("in_several")])
    node = helper.make_node("Constant", [], ["c"])
    node.attribute.extend([one, several])
    default = helper.make_attribute("value", external_tensor("in_default"))
    function = helper.make_function(
        "local", "F", [], ["c"], [node], [helper.make_opsetid("", 18)], attribute_protos=[default]
    )
    model = helper.make_model(helper.make_graph([node], "g", [], []), functions=[function])
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    assert external_locations(tmp_path / "model.onnx") == {"in_one", "in_several", "in_default"}


def test_graphs_nested_without_end_are_an_error(tmp_path):
    def field(number, content):
        size, length = len(content), b""
        while size >= 0x80:
            size, length = size >> 7, length + bytes([size & 0x7F | 0x80])
        return bytes([number << 3 | 2]) + length + bytes([size]) + content

    graph = b"location"  # messages without the word are not looked into
    for _ in range(700):
        graph = field(1, field(5, field(6, graph)))  # a graph's node's attribute, which is a graph
    (tmp_path / "model.onnx").write_bytes(field(7, graph))
    with pytest.raises(ModelFolderError, match="model.onnx: not a whole ONNX file"):
        external_locations(tmp_path / "model.onnx")


def test_a_file_cut_anywhere_or_of_another_kind_is_an_error(tmp_path):
    whole = lookup_graph().SerializeToString()
    path = tmp_path / "model.onnx"
    for content in (b"", whole[:1], whole[: len(whole) // 2], whole[:-5], b"\xff" * 100, b"\x0b\x00"):
        path.write_bytes(content)
        with pytest.raises(ModelFolderError, match="model.onnx: not a whole ONNX file"):
            external_locations(path)


def test_operators_are_counted_with_their_domains_in_graphs_inside_of_nodes_too(tmp_path):
    constant = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.ones(2, np.float32)))
    branch = helper.make_graph([constant], "branch", [], [])
    nodes = [helper.make_node("If", ["condition"], ["y"], then_branch=branch, else_branch=branch),
             helper.make_node("Gelu", ["y"], ["z"], domain="com.microsoft")]  # fmt: skip
    model = helper.make_model(helper.make_graph(nodes, "g", [], []))
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    found = {("", "If"): 1, ("", "Constant"): 2, ("com.microsoft", "Gelu"): 1}
    assert operators(tmp_path / "model.onnx") == found


def test_a_graph_under_a_key_that_other_readers_cut_to_its_own_is_refused(tmp_path):
    """onnxruntime 1.23 reads such a file, and the weights beside the folder."""
    data = lookup_graph(external="../secret.bin").SerializeToString()
    key = data.index(b"\x3a")  # field 7, with a length
    (tmp_path / "model.onnx").write_bytes(data[:key] + b"\xba\x80\x80\x80\x10" + data[key + 1 :])
    with pytest.raises(ModelFolderError, match="key at byte .* has more than 32 bits"):
        check_external_data(tmp_path / "model.onnx")
