"""Mirrors runtime/airvec/modules/dropout.py."""

from pathlib import Path

import numpy as np

from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject
from airvec.modules.dropout import Dropout


def test_dropout_is_the_identity_when_encoding():
    module = Dropout.from_spec(ModuleSpec("Dropout", Path("2_Dropout"), JsonObject("m/config.json", {"dropout": 0.9})))
    features = {"sentence_embedding": np.ones((1, 2), np.float32)}
    assert module(features) is features
    assert module.output_dim(2) == 2
