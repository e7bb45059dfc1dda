"""Teachers and students with random weights, and texts for them."""

import pytest

from airvec_trainer import CrossEncoder, SentenceTransformer
from tests.tiny.checkpoints import reranker_checkpoint, tiny_checkpoint
from tests.trainer.trainings import words


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A dense checkpoint of two layers, 32 dimensions."""
    return tiny_checkpoint(tmp_path_factory.mktemp("distillation") / "tiny", prompts={"query": "query: "})


@pytest.fixture
def teacher(folder):
    return SentenceTransformer(str(folder), device="cpu")


@pytest.fixture(scope="session")
def reranker(tmp_path_factory):
    return CrossEncoder(str(reranker_checkpoint(tmp_path_factory.mktemp("rerank") / "tiny")), device="cpu")


@pytest.fixture
def texts():
    return words(30)
