"""Mirrors runtime/airvec/modules/splade_pooling.py; the reference's own numbers are in tests/parity."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject
from airvec.modules.splade_pooling import TOKENS_AT_ONCE, SpladePooling

# Two texts of 3 and 2 tokens, two words; the padding holds large numbers that must never show.
LOGITS = np.array([[[1, -1], [3, -2], [-5, -3]], [[0, 2], [-1, 4], [99, 99]]], np.float32)
MASK = np.array([[1, 1, 1], [1, 1, 0]])
EXPECTED = {
    ("max", "relu"): [[np.log(4), 0], [0, np.log(5)]],
    ("sum", "relu"): [[np.log(2) + np.log(4), 0], [0, np.log(3) + np.log(5)]],
    ("max", "log1p_relu"): [[np.log1p(np.log(4)), 0], [0, np.log1p(np.log(5))]],
    ("sum", "log1p_relu"): [
        [np.log1p(np.log(2)) + np.log1p(np.log(4)), 0],
        [0, np.log1p(np.log(3)) + np.log1p(np.log(5))],
    ],
}


def spec(**config):
    return ModuleSpec("SpladePooling", Path("1_SpladePooling"), JsonObject("m/1_SpladePooling/config.json", config))


def pooled(logits=LOGITS, mask=MASK, strategy="max", activation="relu"):
    features = {"token_embeddings": logits, "attention_mask": mask}
    return SpladePooling(strategy, activation)(features)["sentence_embedding"]


@pytest.mark.parametrize(("strategy", "activation"), EXPECTED)
def test_every_strategy_and_activation_gives_what_paper_gives(strategy, activation):
    module = SpladePooling.from_spec(spec(pooling_strategy=strategy, activation_function=activation))
    found = module({"token_embeddings": LOGITS, "attention_mask": MASK})["sentence_embedding"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, EXPECTED[strategy, activation], rtol=1e-6)


@pytest.mark.parametrize("strategy", ["max", "sum"])
def test_padding_on_the_left_gives_nothing_either(strategy):
    left = np.stack([LOGITS[0], np.roll(LOGITS[1], 1, axis=0)])
    found = pooled(left, np.array([[1, 1, 1], [0, 1, 1]]), strategy)
    np.testing.assert_allclose(found, EXPECTED[strategy, "relu"], rtol=1e-6)


@pytest.mark.parametrize("strategy", ["max", "sum"])
def test_a_text_without_tokens_has_no_words(strategy):
    assert not pooled(mask=np.zeros_like(MASK), strategy=strategy).any()


def test_long_texts_are_summed_in_pieces():
    logits = np.random.default_rng(0).normal(size=(1, 3 * TOKENS_AT_ONCE + 5, 7)).astype(np.float32)
    expected = np.log1p(np.maximum(logits[0].astype(np.float64), 0)).sum(axis=0)
    np.testing.assert_allclose(pooled(logits, np.ones(logits.shape[:2], int), "sum")[0], expected, rtol=1e-5)


@pytest.mark.parametrize("strategy", ["max", "sum"])
def test_logits_are_neither_changed_nor_kept_nor_copied(strategy):
    logits = np.random.default_rng(0).normal(size=(4, 128, 2000)).astype(np.float32)  # 4 MB
    before = logits.copy()
    features = {"token_embeddings": logits, "attention_mask": np.ones((4, 128), int)}
    tracemalloc.start()
    try:
        found = SpladePooling(strategy)(features)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert set(found) == {"attention_mask", "sentence_embedding"}
    assert np.array_equal(logits, before)
    assert peak < logits.nbytes / 4


def test_the_width_is_that_of_the_logits_and_else_what_was_saved():
    assert SpladePooling().output_dim(30522) == 30522
    assert SpladePooling.from_spec(spec(embedding_dimension=7)).output_dim(None) == 7
    assert SpladePooling.from_spec(spec(word_embedding_dimension=8)).output_dim(None) == 8
    assert SpladePooling.from_spec(spec(word_embedding_dimension=None)).output_dim(None) is None


@pytest.mark.parametrize("config", [{"pooling_strategy": "mean"}, {"activation_function": "gelu"}])
def test_an_unknown_setting_is_an_error_that_names_it(config):
    ((key, value),) = config.items()
    with pytest.raises(ModelFolderError, match=rf"m/1_SpladePooling/config.json: {key} is '{value}', expected"):
        SpladePooling.from_spec(spec(**config))


def test_without_logits_before_it_the_error_names_what_is_missing():
    with pytest.raises(ModelFolderError, match="reads 'token_embeddings'"):
        SpladePooling()({"attention_mask": MASK})
