"""A small hub on the loopback address, with one model, and a client process for it."""

from pathlib import Path

import pytest

from tests.folders import word_model
from tests.hub_process import Client
from tests.hub_server import Hub, serving


@pytest.fixture
def words(tmp_path) -> Path:
    """A model as the Hub has them: torch's weights in two forms, and more graphs than one."""
    folder = word_model(tmp_path / "repositories" / "words")
    for name in ("pytorch_model.bin", "model.safetensors", "onnx/model_O3.onnx", "onnx/model_int8.onnx", "README.md"):
        (folder / name).write_bytes(b"large")
    (folder / "openvino").mkdir()
    (folder / "openvino" / "openvino_model.xml").write_bytes(b"large")
    return folder


@pytest.fixture
def hub(words):
    with serving(Hub({"org/words": words})) as running:
        yield running


@pytest.fixture
def client(hub, tmp_path) -> Client:
    return Client(tmp_path / "home", hub.address)
