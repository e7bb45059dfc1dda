"""Mirrors trainer/airvec_trainer/model.py: what the three classes share."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from airvec.errors import ArgumentError, InputError, ModelFolderError, ModelNotFoundError
from airvec_trainer.modules import Router
from airvec_trainer.sentence_transformer import SentenceTransformer
from tests import tiny
from tests.trainer.static_models import static_model, table

TEXTS = ["one two", "three"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "model", prompts={"query": "query: "})


def test_modules_may_have_names():
    model = SentenceTransformer(modules=OrderedDict(first=table()), device="cpu")
    assert list(model.state_dict()) == ["first.embedding.weight"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "modules: None, expected at least one"),
        ({"modules": []}, r"modules: \[\], expected at least one, the first of which reads texts. Give SentenceTransf"),
        ({"modules": ["Pooling"]}, "modules: 0 is 'Pooling', expected a torch module"),
        ({"trust_remote_code": True}, "trust_remote_code: True, expected False: airvec runs no code"),
        ({"backend": "onnx"}, "backend: 'onnx', expected 'torch', which trains. Open the model with airvec"),
        ({"processor_kwargs": {"a": 1}, "tokenizer_kwargs": {}}, r"processor_kwargs: \{'a': 1\}, given together with"),
        ({"prompts": "query: "}, "prompts: 'query: ', expected a dict"),
        ({"default_prompt_name": "qeury"}, "default_prompt_name: 'qeury', expected one of 'query', 'document'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_arguments_that_cannot_be_are_refused(given: dict[str, Any], message: str):
    modules = {} if "modules" in given or not given else {"modules": [table()]}
    with pytest.raises(ArgumentError, match=message):
        SentenceTransformer(**modules, **given, device="cpu")


def test_a_name_and_modules_together_are_refused(folder: Path):
    with pytest.raises(ArgumentError, match="modules: given together with model_name_or_path"):
        SentenceTransformer(folder, modules=[table()])


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ModelNotFoundError, match="no such folder"):
        SentenceTransformer(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelNotFoundError, match="a file, expected a model folder"):
        SentenceTransformer(tmp_path / "file")


def test_what_the_caller_says_wins_over_what_is_saved(folder: Path):
    model = SentenceTransformer(folder, device="cpu", prompts={"query": "q: ", "extra": "e: "})
    assert model.prompts == {"query": "q: ", "document": "", "extra": "e: "}
    assert (model.max_seq_length, model.get_max_seq_length()) == (64, 64)
    short = SentenceTransformer(folder, device="cpu", tokenizer_kwargs={"model_max_length": 9})
    assert short.max_seq_length == 9
    model.max_seq_length = 5
    assert model.tokenizer.model_max_length == 5


def test_a_model_is_ready_to_be_used_and_turned_to_training(folder: Path):
    model = SentenceTransformer(folder, device="cpu")
    assert not any(module.training for module in model.modules())
    assert all(module.training for module in model.train().modules())
    assert all(weight.requires_grad for weight in model.parameters())
    assert (model.device, model.dtype) == (torch.device("cpu"), torch.float32)
    assert model.transformers_model is model[0].auto_model
    assert model.config.model_type == "bert"


def test_the_modules_behind_take_the_dtype_of_the_body(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "model", dense="Tanh")
    model = SentenceTransformer(folder, device="cpu", model_kwargs={"torch_dtype": "bfloat16"})
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}
    assert model.half().dtype == torch.float16


def test_a_model_of_tables_has_no_model_of_transformers():
    model = static_model()
    assert model.transformers_model is model.config is None
    assert model.max_seq_length is None


def test_features_are_made_on_the_cpu_and_moved(folder: Path):
    model = SentenceTransformer(folder, device="cpu")
    features = model.preprocess(TEXTS)
    assert {value.device.type for value in features.values()} == {"cpu"}
    moved = model.to("meta").moved({**features, "task": "query"})
    assert {value.device.type for name, value in moved.items() if name != "task"} == {"meta"}
    assert moved["task"] == "query"
    assert model.tokenize(TEXTS)["input_ids"].tolist() == features["input_ids"].tolist()


def test_forward_leaves_the_features_that_it_is_given(folder: Path):
    model = SentenceTransformer(folder, device="cpu")
    features = model.preprocess(TEXTS)
    before = set(features)
    assert set(model(features)) == {*before, "token_embeddings", "sentence_embedding"}
    assert set(features) == before


def test_the_length_of_a_prompt_is_given_where_a_pooling_leaves_prompts_out(folder: Path):
    model = SentenceTransformer(folder, device="cpu")
    assert "prompt_length" not in model.preprocess(TEXTS, prompt="query: ")
    model.set_pooling_include_prompt(False)
    features = model.preprocess(TEXTS, prompt="query: ")
    assert features["prompt_length"] == 1 + len(model.tokenizer.tokenize("query: "))
    assert "prompt_length" not in model.preprocess(TEXTS)


def test_preprocess_wants_a_list():
    with pytest.raises(InputError, match="texts: str 'one', expected a list of str"):
        static_model().preprocess("one")
    assert static_model().preprocess([]) == {}


def test_gradient_checkpointing_changes_no_gradient(folder: Path):
    gradients = []
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    for checkpointing in (False, True):
        model = SentenceTransformer(folder, device="cpu", config_kwargs=still).train()
        if checkpointing:
            model.gradient_checkpointing_enable()
            assert model.transformers_model.is_gradient_checkpointing
        model(model.preprocess(TEXTS))["sentence_embedding"][:, 0].sum().backward()
        gradients.append(model.transformers_model.embeddings.word_embeddings.weight.grad)
    assert gradients[0].abs().max() > 1e-3
    assert torch.allclose(*gradients, atol=1e-7)


def test_weights_of_a_saved_folder_are_taken_back(folder: Path, tmp_path: Path):
    model = SentenceTransformer(folder, device="cpu")
    wanted = model.encode(TEXTS)
    model.save_pretrained(tmp_path / "saved", create_model_card=False)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    places = [weight.data_ptr() for weight in model.parameters()]
    assert abs(model.encode(TEXTS) - wanted).max() > 1e-3
    model.load_weights(tmp_path / "saved")
    assert (model.encode(TEXTS) == wanted).all()
    assert [weight.data_ptr() for weight in model.parameters()] == places, "an optimiser would hold other tensors"
    with pytest.raises(ModelFolderError, match="weights of another model"):
        static_model().load_weights(tmp_path / "saved")


def test_a_limit_for_all_routes_that_have_one(folder: Path):
    body = SentenceTransformer(folder, device="cpu")[0]
    model = SentenceTransformer(modules=[Router({"a": [body], "b": [table()]})], device="cpu")
    assert model.max_seq_length is None
    model.max_seq_length = 7
    assert body.max_seq_length == 7
    assert model.tokenizer is body.tokenizer
    assert model.body("b") is model[0].route("b")[0]


def test_an_evaluator_gets_the_model_and_a_folder_that_is_there(tmp_path: Path):
    def evaluator(model: Any, output_path: str | None = None) -> Any:
        return model, output_path, output_path is None or Path(output_path).is_dir()

    model = static_model()
    assert model.evaluate(evaluator) == (model, None, True)
    assert model.evaluate(evaluator, tmp_path / "a" / "b") == (model, str(tmp_path / "a" / "b"), True)


def test_old_names_of_methods_are_there():
    model = static_model()
    with model.truncate_sentence_embeddings(2):
        assert model.encode(TEXTS).shape == (2, 2)
    assert type(model).save_to_hub is type(model).push_to_hub
