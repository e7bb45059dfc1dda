"""Mirrors runtime/airvec/modules/pooling.py: values that can be checked on paper; the reference's in tests/parity."""

from pathlib import Path

import numpy as np
import pytest

from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject
from airvec.modules.pooling import MODES, OLD_KEYS, Pooling

# Two texts of 3 and 2 tokens, two dimensions; the padding holds large numbers that must never show.
HIDDEN = np.array([[[1, 4], [2, -5], [6, 1]], [[3, 3], [5, 7], [99, 99]]], np.float32)
MASK = np.array([[1, 1, 1], [1, 1, 0]])
LEFT = np.array([[1, 1, 1], [0, 1, 1]])
LEFT_HIDDEN = np.stack([HIDDEN[0], np.roll(HIDDEN[1], 1, axis=0)])
EXPECTED = {
    "cls": [[1, 4], [3, 3]],
    "max": [[6, 4], [5, 7]],
    "mean": [[3, 0], [4, 5]],
    "mean_sqrt_len_tokens": [[9 / 3**0.5, 0], [8 / 2**0.5, 10 / 2**0.5]],
    "weightedmean": [[(1 + 4 + 18) / 6, (4 - 10 + 3) / 6], [13 / 3, 17 / 3]],
    "lasttoken": [[6, 1], [5, 7]],
}


def spec(config):
    """A module's entry with this config.json."""
    return ModuleSpec("Pooling", Path("1_Pooling"), JsonObject("m/1_Pooling/config.json", config))


def pooled(modes, hidden=HIDDEN, mask=MASK, prompt_length=None, include_prompt=True):
    """Run one Pooling."""
    features = {"token_embeddings": hidden, "attention_mask": mask}
    if prompt_length is not None:
        features["prompt_length"] = np.array([prompt_length])
    return Pooling(2, modes, include_prompt)(features)["sentence_embedding"]


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_gives_what_paper_and_pencil_give(mode):
    np.testing.assert_allclose(pooled((mode,)), EXPECTED[mode], rtol=1e-6)
    assert pooled((mode,)).dtype == np.float32


@pytest.mark.parametrize("mode", MODES)
def test_left_padding_changes_nothing(mode):
    np.testing.assert_allclose(pooled((mode,), LEFT_HIDDEN, LEFT), EXPECTED[mode], rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_padding_never_shows(mode):
    wide = np.concatenate([HIDDEN, np.full((2, 5, 2), 1e6, np.float32)], axis=1)
    mask = np.concatenate([MASK, np.zeros((2, 5), int)], axis=1)
    np.testing.assert_allclose(pooled((mode,), wide, mask), pooled((mode,)), rtol=1e-6)


def test_several_modes_stand_side_by_side_in_the_order_given():
    expected = np.concatenate([EXPECTED["max"], EXPECTED["cls"]], axis=1)
    np.testing.assert_allclose(pooled(("max", "cls")), expected)


@pytest.mark.parametrize(("hidden", "mask"), [(HIDDEN, MASK), (LEFT_HIDDEN, LEFT)])
def test_the_prompt_is_left_out_only_where_the_folder_says_so(hidden, mask):
    np.testing.assert_allclose(pooled(("mean",), hidden, mask, 1, False), [[4, -2], [5, 7]])
    np.testing.assert_allclose(pooled(("cls",), hidden, mask, 1, False), [[2, -5], [5, 7]])
    np.testing.assert_allclose(pooled(("mean",), hidden, mask, 1, True), EXPECTED["mean"])


def test_a_text_without_tokens_is_zero_and_for_max_minus_infinity():
    mask = np.zeros((2, 3), int)
    for mode in ("mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"):
        assert not pooled((mode,), mask=mask).any()
    assert (pooled(("max",), mask=mask) == -np.inf).all()


def test_old_keys_are_read_in_the_references_order():
    flags = dict.fromkeys(reversed(OLD_KEYS), True)
    found = Pooling.from_spec(spec({"word_embedding_dimension": 2, **flags}))
    assert found.modes == ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
    assert found.output_dim(2) == 12


@pytest.mark.parametrize(
    ("config", "modes"),
    [
        ({"pooling_mode": "cls"}, ("cls",)),
        ({"pooling_mode": ["mean", "max"]}, ("mean", "max")),
        ({"pooling_mode_mean_tokens": False}, ("mean",)),
        ({}, ("mean",)),
    ],
)
def test_new_keys_and_no_keys(config, modes):
    assert Pooling.from_spec(spec({"embedding_dimension": 2, **config})).modes == modes


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"embedding_dimension": 2, "pooling_mode": "median"}, "pooling_mode is 'median', expected one of cls, max"),
        ({}, "'word_embedding_dimension' is None"),
        ({"embedding_dimension": -2}, "'embedding_dimension' is -2"),
        ({"embedding_dimension": 2, "pooling_mode": 7}, "pooling_mode"),
    ],
)
def test_a_config_that_cannot_be_is_an_error(config, message):
    with pytest.raises(ModelFolderError, match=message):
        Pooling.from_spec(spec(config))


def test_token_embeddings_of_another_width_are_an_error():
    with pytest.raises(ModelFolderError, match="embedding dimension 2, but the graph's token embeddings have 3"):
        Pooling(2).output_dim(3)


def test_pooling_of_a_graph_without_token_embeddings_is_an_error():
    with pytest.raises(ModelFolderError, match="Pooling: reads 'token_embeddings', expected one of sentence_embedding"):
        Pooling(2)({"sentence_embedding": HIDDEN[0]})
