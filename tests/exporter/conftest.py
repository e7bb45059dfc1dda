"""One tiny BERT, exported once, for all tests of the exporter."""

from pathlib import Path

import pytest

from airvec_exporter.graph import Graph, write_portable
from airvec_exporter.load import Checkpoint, load
from airvec_exporter.pipeline import export
from airvec_exporter.report import ExportReport
from tests import tiny

PROMPTS = {"query": "search query: ", "document": ""}


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with every module that is easily forgotten: Dense, Normalize, a prompt that pooling leaves out."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny-bert"
    return tiny.tiny_checkpoint(folder, dense="Tanh", include_prompt=False, prompts=PROMPTS)


@pytest.fixture(scope="session")
def loaded(tiny_bert: Path) -> Checkpoint:
    return load(tiny_bert)


@pytest.fixture(scope="session")
def report(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    return export(tiny_bert, tmp_path_factory.mktemp("exported") / "tiny-bert")


@pytest.fixture(scope="session")
def graph(loaded: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """The graph by itself, from a second trace."""
    return write_portable(loaded.body, tmp_path_factory.mktemp("graph") / "onnx")
