"""Mirrors exporter/airvec_exporter/body_folder.py: what tokenizer_config.json says for other tools."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from airvec.folder import TokenizerSpec
from airvec_exporter.body_folder import _tokenizer_config
from tests.folders import write_json

NAMES = ["input_ids", "attention_mask"]


@pytest.fixture
def stated(tmp_path):
    """Writes a checkpoint's tokenizer_config.json; gives what an export of it states."""

    def write(limit, **settings):
        write_json(tmp_path / "tokenizer_config.json", settings)
        tokenizer = SimpleNamespace(pad_token="[PAD]", model_input_names=NAMES)
        return _tokenizer_config(tokenizer, TokenizerSpec(Path("tokenizer.json"), limit), tmp_path)

    return write


def test_a_tokenizer_without_a_class_of_its_own_has_the_name_that_transformers_4_knows(stated):
    found = stated(64, tokenizer_class="TokenizersBackend")
    assert found["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert found["model_input_names"] == NAMES
    assert stated(64, tokenizer_class="TokenizersBackend", model_input_names=["a"])["model_input_names"] == ["a"]
    found = stated(64, tokenizer_class="BertTokenizer")
    assert found["tokenizer_class"] == "BertTokenizer"
    assert "model_input_names" not in found


def test_the_limit_of_the_model_stands_where_tools_without_modules_look_for_it(stated):
    assert stated(64, tokenizer_class="BertTokenizer", model_max_length=512)["model_max_length"] == 64
    assert stated(None, tokenizer_class="BertTokenizer", model_max_length=512)["model_max_length"] == 512
