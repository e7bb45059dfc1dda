"""Mirrors trainer/airvec_trainer/identity.py: what changes an answer changes the digest, nothing else."""

import shutil
from pathlib import Path

import pytest
import torch

import airvec
from airvec.errors import ArgumentError
from airvec_trainer import SentenceTransformer
from airvec_trainer.identity import can_be_told, model_digest
from tests.folders import word_model
from tests.tiny.checkpoints import tiny_checkpoint
from tests.trainer.static_models import static_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A dense checkpoint of two layers, 32 dimensions."""
    return tiny_checkpoint(tmp_path_factory.mktemp("identity") / "tiny", prompts={"query": "query: "})


@pytest.fixture
def teacher(folder):
    return SentenceTransformer(str(folder), device="cpu")


@pytest.fixture
def static(tmp_path):
    """A model that both packages open."""
    static_model().save_pretrained(tmp_path / "static")
    return tmp_path / "static"


def test_the_same_model_has_the_same_digest_wherever_it_lies(teacher, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "moved")
    assert model_digest(teacher) == model_digest(SentenceTransformer(str(tmp_path / "moved"), device="cpu"))


@pytest.mark.parametrize(
    "change",
    [
        lambda model: next(model.parameters()).data.view(-1)[0].add_(1e-3),
        lambda model: model.prompts.update(query="other: "),
        lambda model: setattr(model, "max_seq_length", 8),
        lambda model: setattr(model, "truncate_dim", 8),
        lambda model: model.set_pooling_include_prompt(False),
        lambda model: setattr(model, "default_prompt_name", "query"),
    ],
    ids=["weights", "prompts", "limit", "truncation", "pooling", "default prompt"],
)
def test_a_change_of_the_answers_changes_the_digest(teacher, change):
    before = model_digest(teacher)
    with torch.no_grad():
        change(teacher)
    assert model_digest(teacher) != before


def test_asking_changes_nothing(teacher):
    before = model_digest(teacher)
    teacher.encode(["a text"])
    assert model_digest(teacher) == before


def test_a_folder_of_the_runtime_is_known_by_its_files_but_not_by_its_card(static):
    before = model_digest(airvec.SentenceTransformer(str(static)))
    (static / "README.md").write_text("Another card.")
    assert model_digest(airvec.SentenceTransformer(str(static))) == before
    weights = next(static.glob("1_Dense/*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert model_digest(airvec.SentenceTransformer(str(static))) != before


def test_the_runtime_and_torch_are_not_taken_for_one_another(static):
    torch_model = SentenceTransformer(str(static), device="cpu")
    assert model_digest(torch_model) != model_digest(airvec.SentenceTransformer(str(static)))


def test_an_adapter_has_the_digest_of_the_weights_that_it_makes(teacher):
    peft = pytest.importorskip("peft")
    before = model_digest(teacher)
    teacher.add_adapter(peft.LoraConfig(r=2, target_modules=["query"], init_lora_weights=False))
    assert model_digest(teacher) != before


def test_the_runtimes_digest_holds_its_variant_and_limit_but_neither_threads_nor_place(tmp_path):
    home = word_model(tmp_path / "words")
    shutil.copytree(home, tmp_path / "moved")
    digest = model_digest(airvec.SentenceTransformer(home))
    assert model_digest(airvec.SentenceTransformer(tmp_path / "moved", threads=2)) == digest
    for given in ({"max_seq_length": 5}, {"variant": "fp32"}, {"truncate_dim": 2}):
        assert model_digest(airvec.SentenceTransformer(home, **given)) != digest
    changed = airvec.SentenceTransformer(home)
    changed.max_seq_length = 5
    assert model_digest(changed) == model_digest(airvec.SentenceTransformer(home, max_seq_length=5))


class OfAnother:
    """A model of another library: it saves itself, and knows nothing of cards."""

    def __init__(self, number):
        self.number = number

    def save_pretrained(self, path):
        Path(path).mkdir()
        (Path(path) / "weights").write_bytes(bytes([self.number]))


def test_a_model_of_another_library_is_known_by_what_it_saves():
    assert model_digest(OfAnother(1)) == model_digest(OfAnother(1)) != model_digest(OfAnother(2))


def test_what_cannot_be_saved_is_refused():
    assert not can_be_told(object())
    with pytest.raises(ArgumentError, match="object has neither a folder nor save_pretrained"):
        model_digest(object())
