"""A tiny model, and texts of three kinds that it can learn to tell apart."""

import pytest
from datasets import Dataset

from airvec_trainer import SentenceTransformer
from airvec_trainer.few_shot import FewShotTrainingArguments
from tests.tiny.checkpoints import tiny_checkpoint

KINDS = {
    "bug": ["app won't start", "keeps crashing", "runtime error on open", "the page is broken"],
    "feature": ["add CSV export", "dark mode please", "need bulk actions", "could you add search"],
    "billing": ["charged twice", "wrong amount billed", "invoice is wrong", "refund my payment"],
}


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    return str(tiny_checkpoint(tmp_path_factory.mktemp("few_shot") / "base"))


@pytest.fixture
def body(base):
    return SentenceTransformer(base, device="cpu")


@pytest.fixture(scope="session")
def rows():
    """Twelve texts, labels 0, 1 and 2."""
    texts = [text for kind in KINDS.values() for text in kind]
    return Dataset.from_dict({"text": texts, "label": [place // 4 for place in range(12)]})


@pytest.fixture
def arguments(tmp_path):
    """A few quick steps, with nothing saved."""
    return FewShotTrainingArguments(
        str(tmp_path / "checkpoints"), num_epochs=1, batch_size=4, num_iterations=2, body_learning_rate=1e-3,
        show_progress_bar=False, save_strategy="no",
    )  # fmt: skip
