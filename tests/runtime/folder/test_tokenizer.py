"""Mirrors runtime/airvec/folder/tokenizer.py: limits, padding and normalisation, from several files."""

import pytest

from airvec.folder import read_folder
from tests.folders import word_model, write_json

LIMITS = [
    ({"max_seq_length": 256}, {"model_max_length": 512}, {"max_position_embeddings": 512}, 256),
    ({"max_seq_length": 600}, {"model_max_length": 512}, {"max_position_embeddings": 512}, 600),
    ({}, {"model_max_length": 512}, {"max_position_embeddings": 514}, 512),
    ({}, {"model_max_length": 1000}, {"max_position_embeddings": 514}, 514),
    ({}, {"model_max_length": 1e30}, {"max_position_embeddings": 128}, 128),
    ({}, {"model_max_length": 1e30}, {"max_position_embeddings": -1}, None),
    ({}, {}, {}, None),
    ({"processor_kwargs": {"model_max_length": 77}, "max_seq_length": 256}, {}, {}, 77),
    ({"tokenizer_args": {"model_max_length": 78}}, {"model_max_length": 512}, {}, 78),
    ({"max_seq_length": None}, {"model_max_length": 99}, {}, 99),
]


@pytest.mark.parametrize(("saved", "tokenizer", "config", "limit"), LIMITS)
def test_the_length_limit_is_found_in_the_references_order(tmp_path, saved, tokenizer, config, limit):
    word_model(tmp_path, limits=saved or {"do_lower_case": False})
    write_json(tmp_path / "tokenizer_config.json", tokenizer)
    write_json(tmp_path / "config.json", config)
    assert read_folder(tmp_path).tokenizer.max_length == limit


def test_harmless_arguments_of_the_tokenizer_are_read_over(tmp_path):
    word_model(tmp_path, limits={"tokenizer_args": {"use_fast": True, "padding_side": "left"}})
    found = read_folder(tmp_path).tokenizer
    assert (found.padding_side, found.saved_arguments) == ("left", {"padding_side": "left"})


def test_a_first_generation_config_name_is_read(tmp_path):
    word_model(tmp_path)
    (tmp_path / "sentence_bert_config.json").rename(tmp_path / "sentence_roberta_config.json")
    assert read_folder(tmp_path).tokenizer.max_length == 8


def test_bert_tokenizers_take_their_normaliser_from_tokenizer_config(tmp_path):
    word_model(tmp_path)
    write_json(tmp_path / "tokenizer_config.json", {"tokenizer_class": "BertTokenizerFast", "do_lower_case": False})
    expected = {"lowercase": False, "strip_accents": None, "handle_chinese_chars": True}
    assert read_folder(tmp_path).tokenizer.bert_options == expected
    write_json(tmp_path / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
    assert read_folder(tmp_path).tokenizer.bert_options is None


@pytest.mark.parametrize("pad", ["<pad>", {"content": "<pad>", "lstrip": False}])
def test_the_padding_token_is_read_in_both_spellings_from_both_files(tmp_path, pad):
    word_model(tmp_path)
    write_json(tmp_path / "tokenizer_config.json", {"pad_token": pad})
    assert read_folder(tmp_path).tokenizer.pad_token == "<pad>"
    write_json(tmp_path / "tokenizer_config.json", {})
    write_json(tmp_path / "special_tokens_map.json", {"pad_token": pad})
    assert read_folder(tmp_path).tokenizer.pad_token == "<pad>"
