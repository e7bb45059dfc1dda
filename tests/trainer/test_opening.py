"""A model's folder is opened in the runtime where it has all graphs that it needs, and else in torch."""

import pytest

import airvec
import airvec_trainer
from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec_trainer.opening import open_model, runs_without_torch
from tests.folders import reranker
from tests.tiny.checkpoints import tiny_checkpoint
from tests.trainer.recipes.in_stages import static_base


@pytest.fixture(scope="module")
def torch_only(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("opening") / "tiny")


def test_a_folder_without_a_graph_is_opened_in_torch(torch_only):
    assert not runs_without_torch(torch_only)
    assert isinstance(open_model(torch_only, "dense"), airvec_trainer.SentenceTransformer)


@pytest.mark.parametrize("left", ["onnx", "openvino"])
def test_an_empty_folder_of_graphs_is_none(tmp_path, left):
    folder = tiny_checkpoint(tmp_path / "tiny")
    (folder / left).mkdir()
    assert not runs_without_torch(folder)


def test_a_static_model_needs_no_graph(tmp_path):
    found = open_model(static_base(tmp_path / "static"), "dense")
    assert isinstance(found, airvec.SentenceTransformer)


def test_a_reranker_with_its_graph_is_opened_in_the_runtime_and_by_no_other_kind(tmp_path):
    folder = reranker(tmp_path)
    assert isinstance(open_model(folder, "rerank"), airvec.CrossEncoder)
    with pytest.raises(ModelFolderError, match="Open it with airvec.CrossEncoder"):
        open_model(folder, "dense")


def test_what_is_no_model_runs_nowhere(tmp_path):
    assert not runs_without_torch(tmp_path)
    assert not runs_without_torch(tmp_path / "nowhere")
    with pytest.raises(ModelNotFoundError):
        open_model(tmp_path / "nowhere", "dense")
