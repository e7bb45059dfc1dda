"""Mirrors runtime/airvec/modules/normalize.py."""

from pathlib import Path

import numpy as np
import pytest

from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject
from airvec.modules.normalize import Normalize, unit


def test_vectors_get_length_one_and_zero_stays_zero():
    found = unit(np.array([[3, 4], [0, 0], [0, -1e-20]], np.float32))
    np.testing.assert_allclose(found[0], [0.6, 0.8], rtol=1e-6)
    assert not found[1].any()
    assert found.dtype == np.float32


def test_the_folder_may_name_other_features():
    config = JsonObject("m/config.json", {"module_input_name": "token_embeddings", "module_output_name": "unit"})
    module = Normalize.from_spec(ModuleSpec("Normalize", Path("2_Normalize"), config))
    found = module({"token_embeddings": np.array([[[3, 4]]], np.float32)})
    np.testing.assert_allclose(found["unit"], [[[0.6, 0.8]]], rtol=1e-6)


def test_features_that_are_not_there_are_an_error():
    config = JsonObject("m/2_Normalize/config.json", {"module_input_name": "poem"})
    module = Normalize.from_spec(ModuleSpec("Normalize", Path("2_Normalize"), config))
    with pytest.raises(ModelFolderError, match="m/2_Normalize/config.json: reads 'poem', expected one of sentence_emb"):
        module({"sentence_embedding": np.ones((1, 2), np.float32)})
