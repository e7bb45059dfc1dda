"""Mirrors runtime/airvec/graph_weights.py."""

import pytest

from airvec.folder import weights_beside


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        ("model.onnx", ["model.onnx.data", "model.onnx_data", "model.onnx_data_1"]),
        ("openvino_model.xml", ["openvino_model.bin"]),
        ("model_O3.onnx", []),
        ("notes.txt", []),
    ],
)
def test_weights_lie_beside_their_graph_under_its_own_name(tmp_path, graph, found):
    for name in ("model.onnx", "model.onnx_data", "model.onnx.data", "model.onnx_data_1", "model.onnx.md",
                 "model_O3.onnx", "openvino_model.xml", "openvino_model.bin", "openvino_model_int8.bin",
                 "notes.txt", "notes.txt_data"):  # fmt: skip
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "model.onnx_data_folder").mkdir()
    assert weights_beside(tmp_path / graph) == [str(tmp_path / name) for name in found]
    assert weights_beside(tmp_path / "nowhere" / graph) == []
