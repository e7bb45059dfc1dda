"""The public names of the trainer, and what importing it costs."""

import pytest

import airvec_trainer
from tests.house.probe import probe


def test_importing_the_trainer_loads_no_torch():
    seen = probe("import airvec_trainer")
    assert seen.problem is None
    assert not seen.heavy()


@pytest.mark.parametrize("name", airvec_trainer.__all__)
def test_every_public_name_is_there(name):
    found = getattr(airvec_trainer, name)
    assert name == getattr(found, "__name__", "").rpartition(".")[2]


def test_the_modules_are_those_of_the_old_imports():
    from airvec_trainer import InputExample, datasets, evaluation, losses, models, readers

    assert readers.InputExample is InputExample
    assert hasattr(evaluation, "EmbeddingSimilarityEvaluator")
    assert hasattr(losses, "CoSENTLoss")
    assert hasattr(models, "Pooling")
    assert hasattr(datasets, "NoDuplicatesDataLoader")


def test_a_name_that_is_not_there_is_an_error_that_names_it():
    with pytest.raises(AttributeError, match="'NoSuchLoss'"):
        _ = airvec_trainer.NoSuchLoss


def test_the_public_names_are_listed_before_they_are_imported():
    seen = probe("import airvec_trainer; assert set(airvec_trainer.__all__) <= set(dir(airvec_trainer))")
    assert seen.problem is None
    assert not seen.heavy()
