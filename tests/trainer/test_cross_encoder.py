"""Mirrors trainer/airvec_trainer/cross_encoder/model.py: what it takes, what it gives, what it makes of other models.

The numbers against the reference are in tests/parity/trainer/test_sparse_and_rerank.py.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from airvec.errors import AirvecWarning, ArgumentError, InputError, ModelFolderError
from airvec_trainer.cross_encoder import CrossEncoder
from airvec_trainer.modules import Dense, Pooling, Transformer
from tests import tiny

PAIRS = tiny.pairs(6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.reranker_checkpoint(tmp_path_factory.mktemp("rerank") / "model")


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.reranker_checkpoint(tmp_path_factory.mktemp("rerank") / "three", labels=3)


@pytest.fixture
def model(folder: Path) -> CrossEncoder:
    return CrossEncoder(folder, device="cpu")


def test_scores_are_in_input_order_one_a_pair(model: CrossEncoder):
    found = model.predict(PAIRS)
    assert (found.shape, found.dtype) == ((6,), np.float32)
    assert found.std() > 0.1
    assert np.allclose(found, [model.predict(pair) for pair in PAIRS], atol=1e-5)
    assert np.allclose(found, model.predict(PAIRS, batch_size=1), atol=1e-5)
    assert np.allclose(found, model.predict(np.array(PAIRS)), atol=1e-5)
    assert model.predict([]).shape == (0,)


def test_several_labels_are_several_scores(three: Path):
    model = CrossEncoder(three, device="cpu")
    assert model.predict(PAIRS).shape == (6, 3)
    assert model.predict(PAIRS[0]).shape == (3,)
    assert model.predict([]).shape == (0, 3)
    assert np.allclose(model.predict(PAIRS, apply_softmax=True).sum(axis=1), 1)
    with pytest.raises(ArgumentError, match="rank: this model has 3 labels, expected 1"):
        model.rank("a", ["b"])


def test_results_as_tensors(model: CrossEncoder):
    numbers = model.predict(PAIRS)
    assert torch.equal(model.predict(PAIRS, convert_to_tensor=True), torch.from_numpy(numbers))
    rows = model.predict(PAIRS, convert_to_numpy=False)
    assert torch.equal(torch.stack(rows), torch.from_numpy(numbers))


def test_a_forward_pass_gives_logits_with_gradients(model: CrossEncoder):
    features = model.preprocess(PAIRS)
    scores = model(features)["scores"]
    assert scores.shape == (6, 1)
    assert torch.allclose(scores[:, 0], torch.from_numpy(model.predict(PAIRS)), atol=1e-5)  # saved with Identity
    scores.sum().backward()
    assert model.transformers_model.classifier.weight.grad is not None


def test_a_prompt_goes_in_front_of_the_first_text(model: CrossEncoder):
    wanted = model.predict([("on: " + first, second) for first, second in PAIRS])
    assert np.allclose(model.predict(PAIRS, prompt="on: "), wanted, atol=1e-6)
    named = CrossEncoder(modules=list(model), prompts={"web": "on: "}, default_prompt_name="web", device="cpu")
    named.activation_fn = nn.Identity()
    assert np.allclose(named.predict(PAIRS), wanted, atol=1e-6)


@pytest.mark.parametrize(("given", "function"), [
    ("Sigmoid", torch.sigmoid), (nn.Tanh(), torch.tanh), (lambda logits: logits * 2, lambda logits: logits * 2),
    ("torch.nn.modules.activation.ReLU", torch.relu), (lambda logits: logits[:, 0], lambda logits: logits),
])  # fmt: skip
def test_activations_are_named_or_given(folder: Path, model: CrossEncoder, given: Any, function: Any):
    wanted = function(torch.from_numpy(model.predict(PAIRS))).numpy()
    assert np.allclose(model.predict(PAIRS, activation_fn=given), wanted, atol=1e-6)
    opened = CrossEncoder(folder, activation_fn=given, device="cpu")
    assert np.allclose(opened.predict(PAIRS), wanted, atol=1e-6)
    assert [type(module).__name__ for module in opened] == ["Transformer"]


def test_an_activation_that_cannot_be_is_refused(model: CrossEncoder):
    with pytest.raises(ArgumentError, match="activation_fn: 'nothing', expected one of GELU"):
        model.activation_fn = "nothing"
    with pytest.raises(ArgumentError, match=r"gives a tensor of shape \[\] for logits of shape \[6, 1\]"):
        model.predict(PAIRS, activation_fn=torch.sum)


def test_the_activation_is_saved_where_old_and_new_readers_look(model: CrossEncoder, tmp_path: Path):
    model.activation_fn = nn.Tanh()
    model.save_pretrained(tmp_path / "saved")
    name = "torch.nn.modules.activation.Tanh"
    settings = json.loads((tmp_path / "saved" / "config_sentence_transformers.json").read_text())
    assert (settings["activation_fn"], settings["model_type"]) == (name, "CrossEncoder")
    config = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert config["sentence_transformers"]["activation_fn"] == name
    assert not (tmp_path / "saved" / "modules.json").exists()
    assert isinstance(CrossEncoder(tmp_path / "saved").activation_fn, nn.Tanh)


def test_a_function_of_the_caller_s_is_not_saved_and_told(model: CrossEncoder, tmp_path: Path):
    model.activation_fn = lambda logits: logits / 2
    with pytest.warns(AirvecWarning, match="activation_fn: .*lambda.* is not saved"):
        model.save_pretrained(tmp_path / "saved")


def test_code_that_a_folder_names_is_not_run(folder: Path, tmp_path: Path):
    CrossEncoder(folder).save_pretrained(tmp_path / "odd")
    tiny.change(tmp_path / "odd" / "config_sentence_transformers.json", {"activation_fn": "os.system"})
    with pytest.warns(AirvecWarning, match="activation_fn is 'os.system'.* it is not run"):
        found = CrossEncoder(tmp_path / "odd")
    assert isinstance(found.activation_fn, nn.Identity)  # the next place that names one


def test_rank_takes_what_has_no_effect_in_the_reference_either(model: CrossEncoder):
    documents = [second for _, second in PAIRS]
    quiet = {"num_workers": 0, "apply_softmax": True, "convert_to_numpy": False, "convert_to_tensor": True}
    assert model.rank("one", documents, **quiet) == model.rank("one", documents)


def test_documents_are_ranked_best_first(model: CrossEncoder):
    query, documents = PAIRS[0][0], [second for _, second in PAIRS]
    scores = model.predict([(query, document) for document in documents])
    hits = model.rank(query, documents, return_documents=True)
    assert [hit["corpus_id"] for hit in hits] == np.argsort(-scores, kind="stable").tolist()
    assert [hit["text"] for hit in hits] == [documents[hit["corpus_id"]] for hit in hits]
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert model.rank(query, documents, top_k=2) == [
        {"corpus_id": hit["corpus_id"], "score": pytest.approx(hit["score"])} for hit in hits[:2]
    ]
    assert model.rank(query, []) == []


def test_a_fresh_head_is_decided_by_the_seed_and_the_body_kept(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "dense")
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(CrossEncoder(folder, num_labels=2, device="cpu").state_dict())
    first, again, other = found
    changed = {name for name, weight in first.items() if not torch.equal(weight, other[name])}
    assert changed == {"0.model.classifier.weight"}
    assert all(torch.equal(weight, again[name]) for name, weight in first.items())


def test_a_saved_head_that_is_gone_is_an_error_and_not_made_anew(folder: Path, tmp_path: Path):
    from safetensors.torch import load_file, save_file

    CrossEncoder(folder).save_pretrained(tmp_path / "cut")
    state = load_file(tmp_path / "cut" / "model.safetensors")
    del state["classifier.weight"]
    save_file(state, tmp_path / "cut" / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelFolderError, match=r"1 weights are missing, the first 'classifier\.weight'"):
        CrossEncoder(tmp_path / "cut")


def test_a_head_of_its_own_behind_a_pooling(folder: Path, tmp_path: Path):
    body = Transformer(folder, transformer_task="feature-extraction")
    torch.manual_seed(0)
    head = Dense(tiny.HIDDEN, 2, module_output_name="scores")
    model = CrossEncoder(modules=[body, Pooling(tiny.HIDDEN), head], device="cpu")
    assert model.num_labels == 2
    assert model(model.preprocess(PAIRS))["scores"].shape == (6, 2)
    model.save_pretrained(tmp_path / "saved")
    assert np.array_equal(CrossEncoder(tmp_path / "saved", device="cpu").predict(PAIRS), model.predict(PAIRS))


def test_modules_without_scores_are_refused(folder: Path):
    body = Transformer(folder, transformer_task="feature-extraction")
    with pytest.raises(ArgumentError, match="modules: Transformer, Pooling, none of which gives scores"):
        CrossEncoder(modules=[body, Pooling(tiny.HIDDEN)])


def test_the_limit_counts_both_texts(folder: Path):
    model = CrossEncoder(folder, max_length=12, device="cpu")
    assert (model.max_length, model.max_seq_length) == (12, 12)
    assert model.preprocess([("word " * 50, "word " * 50)])["input_ids"].shape == (1, 12)
    model.max_length = 20
    assert model.preprocess([("word " * 50, "word " * 50)])["input_ids"].shape == (1, 20)


@pytest.mark.parametrize(("given", "error", "message"), [
    ({"num_labels": 0}, ArgumentError, "num_labels: 0"),
    ({"max_length": 10_000}, ArgumentError, "max_seq_length: 10000, but the model has positions for 160"),
    ({"num_labels": 4}, ArgumentError, r"num_labels: 4, and \S+ has a head for \d, expected \d\. Leave it out, or"),
])  # fmt: skip
def test_arguments_of_the_constructor_are_checked(folder: Path, given: Any, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        CrossEncoder(folder, **given)


@pytest.mark.parametrize(("inputs", "message"), [
    (["a", "b", "c"], "pair"), ([("a", 1)], "pair 0"), ("a", "pairs: str 'a', expected two texts"),
])  # fmt: skip
def test_inputs_that_are_no_pairs_are_named(model: CrossEncoder, inputs: Any, message: str):
    with pytest.raises(InputError, match=message):
        model.predict(inputs)


@pytest.mark.parametrize(("query", "documents"), [(1, ["a"]), ("a", "b")])
def test_a_query_and_documents_of_another_kind_are_named(model: CrossEncoder, query: Any, documents: Any):
    with pytest.raises(InputError, match="rank: query .* and documents .*, expected a str and a list of str"):
        model.rank(query, documents)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_models_in_16_bits_give_scores_in_float32(folder: Path, dtype: torch.dtype):
    model = CrossEncoder(folder, model_kwargs={"dtype": dtype}, device="cpu")
    found = model.predict(PAIRS)
    assert (model.dtype, found.dtype) == (dtype, np.float32)
    assert np.abs(found - CrossEncoder(folder, device="cpu").predict(PAIRS)).max() < 0.2


def test_a_sparse_model_s_folder_is_refused(tmp_path: Path):
    with pytest.raises(ModelFolderError, match="model_type is 'SparseEncoder', expected 'CrossEncoder'"):
        CrossEncoder(tiny.sparse_checkpoint(tmp_path / "sparse"))


def test_a_head_for_another_number_of_labels_is_made_where_that_is_asked_for(folder: Path):
    fresh = CrossEncoder(folder, num_labels=4, device="cpu", model_kwargs={"ignore_mismatched_sizes": True})
    assert fresh.predict([("a", "b")]).shape == (1, 4)
