"""Mirrors runtime/airvec/backends/interface.py."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from airvec.backends.interface import OUTPUTS, check_inputs, choose_output
from airvec.errors import ModelFolderError
from airvec.folder import CLASSIFY, FEATURES, FILL_MASK

FILE = Path("mini/onnx/model.onnx")


def body(task, bare=False):
    return SimpleNamespace(task=task, bare=bare)


def test_the_best_of_several_outputs_is_chosen():
    several = ["sentence_embedding", "last_hidden_state"]
    assert choose_output(FILE, several, body(FEATURES)) == ("last_hidden_state", "token_embeddings")
    assert choose_output(FILE, several, body(FEATURES, bare=True))[0] == "sentence_embedding"
    logits = ["logits", "sparse_embedding"]
    assert choose_output(FILE, logits, body(FILL_MASK)) == ("sparse_embedding", "sentence_embedding")
    assert choose_output(FILE, logits, body(CLASSIFY, bare=True)) == ("logits", "scores")
    assert set(OUTPUTS) == {FEATURES, FILL_MASK, CLASSIFY}


def test_inputs_and_outputs_of_other_graphs_are_errors_that_list_them():
    assert check_inputs(FILE, ["attention_mask", "input_ids"]) == ("attention_mask", "input_ids")
    with pytest.raises(ModelFolderError, match=r"onnx/model.onnx: inputs pixels, expected input_ids and any of"):
        check_inputs(FILE, ["pixels"])
    with pytest.raises(ModelFolderError, match=r"onnx/model.onnx: outputs boxes, expected one of logits"):
        choose_output(FILE, ["boxes"], body(CLASSIFY))
