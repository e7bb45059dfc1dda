"""Where sentence-transformers 6 has its names: `sparse_encoder.losses`, `cross_encoder.evaluation`."""

from importlib import import_module

import pytest

import airvec_trainer
from airvec_trainer import evaluation, losses, models
from tests.house.probe import probe

CLASSES = {
    "cross_encoder": "CrossEncoder",
    "sentence_transformer": "SentenceTransformer",
    "sparse_encoder": "SparseEncoder",
}
ENDINGS = {"model_card": "ModelCardData", "trainer": "Trainer", "training_args": "TrainingArguments"}
SOURCES = {"evaluation": evaluation, "losses": losses, "modules": models}


@pytest.mark.parametrize("place", CLASSES)
def test_a_models_place_has_its_trainer_arguments_and_card(place: str):
    name, module = CLASSES[place], import_module(f"airvec_trainer.{place}")
    assert module.__all__ == sorted([name, f"{name}ModelCardData", f"{name}Trainer", f"{name}TrainingArguments"])
    for each in module.__all__:
        assert getattr(module, each) is getattr(airvec_trainer, each)
    assert import_module(f"airvec_trainer.{place}.model").__name__ == getattr(module, name).__module__
    for inner, ending in (
        ("model_card", "ModelCardData"),
        ("trainer", "Trainer"),
        ("training_args", "TrainingArguments"),
    ):
        found = getattr(import_module(f"airvec_trainer.{place}.{inner}"), name + ending)
        assert found is getattr(airvec_trainer, name + ending)
    with pytest.raises(AttributeError, match=f"'airvec_trainer.{place}' has no attribute 'Trainer', expected one of"):
        module.Trainer  # noqa: B018


@pytest.mark.parametrize("inner", SOURCES)
@pytest.mark.parametrize("place", CLASSES)
def test_inside_it_are_its_losses_evaluators_and_modules(place: str, inner: str):
    module = import_module(f"airvec_trainer.{place}.{inner}")
    source = losses.rerank if (place, inner) == ("cross_encoder", "losses") else SOURCES[inner]
    assert module.__all__
    for name in module.__all__:
        assert getattr(module, name) is getattr(source, name)


def test_evaluators_there_need_no_torch():
    code = "import airvec_trainer.sparse_encoder.evaluation, airvec_trainer.cross_encoder.evaluation"
    assert "torch" not in probe(code).modules
