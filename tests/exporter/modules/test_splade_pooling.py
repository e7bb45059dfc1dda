"""SPLADE pooling in torch, by numbers that can be checked by hand."""

from pathlib import Path

import pytest
import torch

from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject
from airvec_exporter.modules import SpladePooling

E = torch.e
# One text of three tokens, the last of them padding; a vocabulary of three words.
LOGITS = torch.tensor([[[E - 1, -5.0, 0.0], [E**2 - 1, -1.0, E - 1], [100.0, 100.0, 100.0]]])
MASK = torch.tensor([[1, 1, 0]])


@pytest.mark.parametrize(
    ("strategy", "activation", "wanted"),
    [("max", "relu", [2.0, 0.0, 1.0]), ("sum", "relu", [3.0, 0.0, 1.0]),
     ("max", "log1p_relu", [1.0986123, 0.0, 0.6931472])],
)  # fmt: skip
def test_weights_are_logarithms_of_what_is_above_zero(strategy: str, activation: str, wanted: list[float]):
    pooled = SpladePooling(strategy, activation)({"token_embeddings": LOGITS, "attention_mask": MASK})
    assert torch.allclose(pooled["sentence_embedding"], torch.tensor([wanted]), atol=1e-6)


@pytest.mark.parametrize("key", ["word_embedding_dimension", "embedding_dimension"])
def test_both_generations_of_configs_are_read_and_the_old_one_written(key: str):
    settings = {"pooling_strategy": "sum", "activation_function": "log1p_relu"}
    module = SpladePooling.from_spec(spec({**settings, key: 380}))
    assert module.config() == {**settings, "word_embedding_dimension": 380}


@pytest.mark.parametrize(("key", "value"), [("pooling_strategy", "mean"), ("activation_function", "gelu")])
def test_what_is_none_of_them_is_named(key: str, value: str):
    with pytest.raises(ModelFolderError, match=f"config.json: {key} '{value}', expected one of"):
        SpladePooling.from_spec(spec({key: value}))


def spec(settings: dict[str, object]) -> ModuleSpec:
    return ModuleSpec("SpladePooling", Path("1_SpladePooling"), JsonObject("1_SpladePooling/config.json", settings))
