"""Mirrors trainer/airvec_trainer/modules/transformer.py: transformers' model and its tokenizer, to be trained."""

from pathlib import Path

import pytest
import torch

from airvec.errors import ArgumentError, InputError, ModelFolderError, ModelNotFoundError
from airvec_exporter.errors import ExportError
from airvec_trainer.modules import Transformer
from tests import tiny
from tests.tiny.checkpoints import write_body


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "bert"
    return write_body(folder, tiny.tiny_body("bert"), "bert", padding_side="right", limit=100)


def test_a_folder_of_transformers_gives_token_embeddings(bert: Path):
    body = Transformer(bert)
    features = body.preprocess(["one text", "and another, longer one"])
    assert {name: value.dtype for name, value in features.items()} == dict.fromkeys(
        ("input_ids", "token_type_ids", "attention_mask"), torch.int64
    )
    made = body(features)
    assert made["token_embeddings"].shape == (*features["input_ids"].shape, tiny.HIDDEN)
    assert made["input_ids"] is features["input_ids"]
    assert (body.get_word_embedding_dimension(), body.max_seq_length) == (tiny.HIDDEN, 100)
    assert body.auto_model is body.model


def test_the_limit_is_the_argument_s_and_can_be_set(bert: Path):
    body = Transformer(bert, max_seq_length=6)
    assert body.preprocess(["a long text of many words " * 9])["input_ids"].shape == (1, 6)
    body.max_seq_length = 4
    assert body.preprocess(["a long text of many words"])["input_ids"].shape == (1, 4)
    assert Transformer(bert, processor_kwargs={"model_max_length": 9}).max_seq_length == 9
    with pytest.raises(ArgumentError, match=f"max_seq_length: 900, but the model has positions for {tiny.POSITIONS}"):
        body.max_seq_length = 900
    with pytest.raises(ArgumentError, match="max_seq_length: 0, expected a whole number of at least 1"):
        body.max_seq_length = 0


def test_lower_case_can_be_asked_for(tmp_path: Path):
    folder = write_body(tmp_path, tiny.tiny_body("roberta"), "roberta", padding_side="right", limit=100)
    plain, lower = Transformer(folder), Transformer(folder, do_lower_case=True)
    assert plain.tokenizer.tokenize("TEXT") != plain.tokenizer.tokenize("text")
    assert lower.tokenizer.tokenize("TEXT") == plain.tokenizer.tokenize("text")
    assert lower.limits()["do_lower_case"] is True


def test_dropout_works_in_training_only(bert: Path):
    body = Transformer(bert)
    features = body.preprocess(["one text"])
    assert not body.model.training
    before = body(features)["token_embeddings"]
    assert torch.equal(body(features)["token_embeddings"], before)
    body.train()
    assert not torch.equal(body(features)["token_embeddings"], before)


def test_values_of_the_config_and_arguments_of_transformers(bert: Path):
    body = Transformer(bert, config_kwargs={"hidden_dropout_prob": 0.5}, model_kwargs={"torch_dtype": torch.bfloat16})
    assert body.config.hidden_dropout_prob == 0.5
    assert body.model.dtype == torch.bfloat16
    eager = Transformer(bert, model_kwargs={"attn_implementation": "eager"})
    assert eager.config._attn_implementation == "eager"
    with pytest.raises(ArgumentError, match="config_kwargs: 'dropuot', which BertConfig does not have"):
        Transformer(bert, config_kwargs={"dropuot": 0.5})
    with pytest.raises(ArgumentError, match="model_kwargs: .*'colour'"):
        Transformer(bert, model_kwargs={"colour": "red"})


def test_all_layers_are_given_where_the_config_asks_for_them(bert: Path):
    body = Transformer(bert, config_kwargs={"output_hidden_states": True})
    made = body(body.preprocess(["one text"]))
    assert len(made["all_layer_embeddings"]) == tiny.LAYERS + 1
    assert torch.equal(made["all_layer_embeddings"][-1], made["token_embeddings"])


@pytest.mark.parametrize("labels", [None, 3])
def test_a_head_that_a_base_model_has_not_is_new(bert: Path, labels: int | None):
    given = {} if labels is None else {"num_labels": labels}
    body = Transformer(bert, transformer_task="sequence-classification", config_kwargs=given)
    made = body(body.preprocess([("one", "text"), ("and", "another")]))
    assert made["scores"].shape == (2, labels or 1)
    assert body.get_embedding_dimension() == (labels or 1)
    assert torch.equal(
        body.model.bert.embeddings.word_embeddings.weight, Transformer(bert).model.embeddings.word_embeddings.weight
    )


def test_a_body_that_lacks_weights_is_refused_with_a_new_head_or_without(bert: Path, tmp_path: Path):
    model = tiny.tiny_body("bert")
    del model.encoder.layer[1]
    folder = write_body(tmp_path, model, "bert", padding_side="right", limit=100)
    tiny.change(folder / "config.json", {"num_hidden_layers": tiny.LAYERS})
    for task in ("feature-extraction", "sequence-classification", "fill-mask"):
        with pytest.raises(ModelFolderError, match=r"16 weights are missing, the first '.*encoder.layer.1"):
            Transformer(folder, transformer_task=task)


def test_logits_over_the_vocabulary_are_token_embeddings(bert: Path):
    body = Transformer(bert, transformer_task="fill-mask")
    made = body(body.preprocess(["one text"]))
    assert made["token_embeddings"].shape[-1] == body.get_embedding_dimension() == body.config.vocab_size


def test_pairs_are_read_together_with_the_prompt_before_the_first(bert: Path):
    body = Transformer(bert)
    ids = body.preprocess([("one", "two")], prompt="a: ")["input_ids"][0]
    assert body.tokenizer.decode(ids) == body.tokenizer.decode(body.tokenizer("a: one", "two")["input_ids"])
    with pytest.raises(ArgumentError, match=r"pair 1: \('one',\), expected two texts"):
        body.preprocess([("one", "two"), ("one",)])


def test_the_length_of_a_prompt_is_counted_without_a_last_special_token(bert: Path):
    body = Transformer(bert)
    plain = body.tokenizer("a prompt: ", add_special_tokens=False)["input_ids"]
    assert body.prompt_length("a prompt: ") == 1 + len(plain)


@pytest.mark.parametrize("texts", [["one", None], [None], [("one", None)]])
def test_what_is_no_text_is_named(bert: Path, texts: list):
    with pytest.raises(InputError, match=r"text [01]: None, expected a str"):
        Transformer(bert).preprocess(texts)


def test_wrong_names_are_refused(bert: Path, tmp_path: Path):
    with pytest.raises(ArgumentError, match="transformer_task: 'translation', expected one of feature-extraction"):
        Transformer(bert, transformer_task="translation")
    with pytest.raises(ModelNotFoundError, match="no such folder"):
        Transformer(tmp_path / "none")
    with pytest.raises(ArgumentError, match="model_name_or_path: 3, expected"):
        Transformer(3)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ExportError, match="transformers cannot load the model"):
        Transformer(tmp_path / "empty")


@pytest.mark.parametrize("place", ["model_kwargs", "config_kwargs", "processor_kwargs"])
def test_code_from_a_folder_is_never_run(bert: Path, place: str):
    with pytest.raises(ArgumentError, match=f"{place}: trust_remote_code True, expected False: airvec runs no code"):
        Transformer(bert, **{place: {"trust_remote_code": True}})
    assert Transformer(bert, **{place: {"trust_remote_code": False}}).max_seq_length == 100


def test_a_device_map_is_refused(bert: Path):
    with pytest.raises(ArgumentError, match="model_kwargs: device_map 'auto', expected none"):
        Transformer(bert, model_kwargs={"device_map": "auto"})
