"""Mirrors runtime/airvec/folder/settings.py: what a folder says of the model as a whole."""

import pytest

from airvec.errors import ModelFolderError
from airvec.folder import KINDS, check_kind, read_folder
from tests.folders import reranker, word_model, write_json
from tests.sparse_folders import csr_model, inference_free, splade_model


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("config_sentence_transformers.json", {"similarity_fn_name": "angle"}),
        ("config_sentence_transformers.json", {"default_prompt_name": "nope"}),
        ("config_sentence_transformers.json", {"truncate_dim": 0}),
        ("config_sentence_transformers.json", {"max_active_dims": "all"}),
        ("tokenizer_config.json", {"padding_side": "up"}),
        ("tokenizer_config.json", {"truncation_side": "down"}),
        ("tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "strip_accents": 1}),
        ("sentence_bert_config.json", {"tokenizer_args": {"torch_dtype": "float16"}}),
    ],
)
def test_a_value_that_cannot_be_is_an_error_that_names_the_file(tmp_path, file, values):
    word_model(tmp_path)
    write_json(tmp_path / file, values)
    with pytest.raises(ModelFolderError, match=rf"{file}: .*{next(iter(values))}|{file}: .*torch_dtype|strip_accents"):
        read_folder(tmp_path)


def test_prompts_start_from_the_two_names_that_always_exist(tmp_path):
    word_model(tmp_path, settings={"prompts": {"query": "q: ", "other": None}, "default_prompt_name": "query"})
    found = read_folder(tmp_path)
    assert found.prompts == {"query": "q: ", "document": "", "other": ""}
    assert found.default_prompt_name == "query"


def test_a_folder_that_does_not_say_whose_it_is_is_judged_by_its_modules(tmp_path):
    makers = {
        "SentenceTransformer": [word_model],
        "SparseEncoder": [splade_model, inference_free, lambda folder: csr_model(folder)[0]],
        "CrossEncoder": [reranker],
    }
    assert set(makers) == set(KINDS)
    for kind, made in makers.items():
        for number, make in enumerate(made):
            folder = make(tmp_path / f"{kind}{number}")
            (folder / "config_sentence_transformers.json").unlink(missing_ok=True)
            found = read_folder(folder, kind if kind == "CrossEncoder" else None)
            assert found.model_type == kind
            check_kind(found, kind)


def test_a_folder_of_a_class_that_airvec_does_not_have_is_refused(tmp_path):
    found = read_folder(word_model(tmp_path, settings={"model_type": "MultiVectorEncoder"}))
    with pytest.raises(ModelFolderError, match="model_type is 'MultiVectorEncoder'.*one of airvec's three classes"):
        check_kind(found, "SentenceTransformer")


def test_a_reranker_s_activation_is_found_in_the_references_order(tmp_path):
    folder = reranker(tmp_path, sbert_ce_default_activation_function="old")
    assert read_folder(folder).activations == ("old",)
    config = {"architectures": ["XForSequenceClassification"], "sbert_ce_default_activation_function": "old"}
    write_json(folder / "config.json", {**config, "sentence_transformers": {"activation_fn": "new"}})
    assert read_folder(folder).activations == ("new",)
    write_json(folder / "config_sentence_transformers.json", {"activation_fn": "own", "model_type": "CrossEncoder"})
    assert read_folder(folder).activations == ("own", "new")


def test_only_the_other_two_classes_always_have_prompts(tmp_path):
    settings = {"model_type": "CrossEncoder", "prompts": {"x": "y"}}
    folder = word_model(tmp_path, settings=settings)
    assert read_folder(folder).prompts == {"x": "y"}


@pytest.mark.parametrize(
    ("options", "typed"),
    [
        ({"tokenizer_class": "BertTokenizer"}, True),
        ({"tokenizer_class": "BertTokenizerFast"}, True),
        ({"tokenizer_class": "AlbertTokenizer"}, False),
        ({"tokenizer_class": "PreTrainedTokenizerFast"}, False),
        ({"tokenizer_class": "BertTokenizer", "model_input_names": ["input_ids", "attention_mask"]}, False),
        ({"tokenizer_class": "AlbertTokenizer", "model_input_names": ["input_ids", "token_type_ids"]}, True),
        ({}, True),
    ],
)
def test_token_types_are_those_of_the_tokenizer_that_transformers_would_make(tmp_path, options, typed):
    folder = reranker(tmp_path)
    write_json(folder / "tokenizer_config.json", options)
    assert read_folder(folder).tokenizer.token_types is typed
