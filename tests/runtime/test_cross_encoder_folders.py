"""Which folders `CrossEncoder` opens, what it takes from them, and what it says of the others."""

import numpy as np
import onnx
import pytest

from airvec import AirvecWarning, ArgumentError, CrossEncoder, ModelFolderError, ModelNotFoundError, SentenceTransformer
from airvec.activations import identity, relu, sigmoid, tanh
from tests.folders import (
    MEAN,
    lookup_graph,
    pair_graph,
    pair_logits,
    reranker,
    table,
    word_model,
    write_json,
    write_modules,
    write_tensors,
)

PAIRS = [("a b", "c"), ("d", "e f g"), ("a", "b")]
TRANSFORMER = "sentence_transformers.base.modules.transformer.Transformer"
LOGIT_SCORE = "sentence_transformers.cross_encoder.modules.logit_score.LogitScore"
IDENTITY = "torch.nn.modules.linear.Identity"
TANH, RELU = "torch.nn.modules.activation.Tanh", "torch.nn.modules.activation.ReLU"


def with_settings(folder, **settings):
    """The folder in the layout of today: modules.json, and the model's own settings."""
    write_modules(folder, [TRANSFORMER])
    write_json(folder / "sentence_bert_config.json", {"transformer_task": "sequence-classification"})
    write_json(folder / "config_sentence_transformers.json", {"model_type": "CrossEncoder"} | settings)
    return folder


def head(folder, activation=IDENTITY):
    """A body without a head, then Pooling → Dense → LayerNorm → Dense: two labels from four values."""
    random = np.random.default_rng(3)
    arrays = [random.normal(size=shape).astype(np.float32) for shape in ((3, 4), (3,), (3,), (3,), (2, 3), (2,))]
    word_model(folder)
    kinds = ["Pooling", "Dense", "LayerNorm", "Dense"]
    write_modules(folder, [TRANSFORMER, *(f"sentence_transformers.models.{kind}" for kind in kinds)])
    write_json(folder / "1_Pooling" / "config.json", MEAN)
    dense = {"bias": True, "in_features": 4, "out_features": 3, "activation_function": TANH}
    write_json(folder / "2_Dense" / "config.json", dense)
    write_tensors(folder / "2_Dense" / "model.safetensors", {"linear.weight": arrays[0], "linear.bias": arrays[1]})
    write_json(folder / "3_LayerNorm" / "config.json", {"dimension": 3})
    write_tensors(folder / "3_LayerNorm" / "model.safetensors", {"norm.weight": arrays[2], "norm.bias": arrays[3]})
    last = {"in_features": 3, "out_features": 2, "activation_function": IDENTITY, "module_output_name": "scores"}
    write_json(folder / "4_Dense" / "config.json", {"module_input_name": "sentence_embedding"} | last)
    write_tensors(folder / "4_Dense" / "model.safetensors", {"linear.weight": arrays[4], "linear.bias": arrays[5]})
    settings = {"model_type": "CrossEncoder", "activation_fn": activation}
    write_json(folder / "config_sentence_transformers.json", settings)
    return folder, arrays


def test_a_head_of_modules_is_worked_out_behind_the_pooling(tmp_path):
    folder, (first, shift, scale, centre, last, bias) = head(tmp_path / "head")
    model = CrossEncoder(folder)
    assert (model.num_labels, model.max_length) == (2, 8)
    ids = [2, 4, 5, 3, 6, 3]  # [CLS] a b [SEP] c [SEP]
    hidden = np.tanh(table()[ids].mean(axis=0) @ first.T + shift)
    normal = (hidden - hidden.mean()) / np.sqrt(hidden.var() + 1e-5) * scale + centre
    np.testing.assert_allclose(model.predict(("a b", "c")), normal @ last.T + bias, rtol=1e-4, atol=1e-5)
    assert model.predict([("a b", "c"), ("a", "c")]).shape == (2, 2)


def test_a_head_that_makes_no_scores_is_an_error(tmp_path):
    folder, _ = head(tmp_path / "head")
    config = {"in_features": 3, "out_features": 2, "activation_function": IDENTITY}
    write_json(folder / "4_Dense" / "config.json", config)
    with pytest.raises(ModelFolderError, match="reads 'scores', expected one of"):
        CrossEncoder(folder).predict(PAIRS)


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ({}, sigmoid),
        ({"old": RELU}, relu),
        ({"old": RELU, "config": TANH}, tanh),
        ({"old": RELU, "config": TANH, "settings": IDENTITY}, identity),
        ({"old": RELU, "config": TANH, "settings": IDENTITY, "argument": "Sigmoid"}, sigmoid),
        ({"settings": None, "config": TANH}, tanh),
        ({"config": None, "old": RELU}, relu),
    ],
)
def test_the_activation_comes_from_the_first_of_five_places(tmp_path, places, expected):
    config = {"sentence_transformers": {"activation_fn": places["config"]}} if "config" in places else {}
    if "old" in places:
        config["sbert_ce_default_activation_function"] = places["old"]
    folder = reranker(tmp_path / "m", **config)
    if "settings" in places:
        with_settings(folder, activation_fn=places["settings"])
    assert CrossEncoder(folder, activation_fn=places.get("argument")).activation_fn is expected


def test_several_labels_have_no_activation_by_default(tmp_path):
    assert CrossEncoder(reranker(tmp_path / "m", labels=3)).activation_fn is identity


@pytest.mark.parametrize(("labels", "expected"), [(1, sigmoid), (3, identity)])
def test_code_outside_torch_gives_a_warning_and_the_default(tmp_path, labels, expected):
    folder = with_settings(reranker(tmp_path / "m", labels=labels), activation_fn="my.Squash")
    with pytest.warns(AirvecWarning, match="m: activation_fn is 'my.Squash'"):
        assert CrossEncoder(folder).activation_fn is expected
    assert CrossEncoder(folder, activation_fn="Tanh").activation_fn is tanh


def test_behind_code_outside_torch_the_next_place_counts(tmp_path):
    folder = reranker(tmp_path / "m", sentence_transformers={"activation_fn": TANH})
    with pytest.warns(AirvecWarning, match="m: activation_fn is 'my.Squash'"):
        assert CrossEncoder(with_settings(folder, activation_fn="my.Squash")).activation_fn is tanh


def test_an_activation_of_torch_that_is_not_ours_is_an_error(tmp_path):
    folder = reranker(tmp_path / "m", sbert_ce_default_activation_function="torch.nn.modules.activation.Mish")
    with pytest.raises(ModelFolderError, match="activation_fn is 'torch.nn.modules.activation.Mish', expected one of"):
        CrossEncoder(folder)
    assert CrossEncoder(folder, activation_fn="Identity").activation_fn is identity


def test_saved_prompts_and_the_default_one(tmp_path):
    settings = {"prompts": {"ask": "j "}, "default_prompt_name": "ask", "activation_fn": IDENTITY}
    model = CrossEncoder(with_settings(reranker(tmp_path / "m"), **settings))
    assert model.prompts == {"ask": "j "}
    assert model.predict(("a", "b")) == pytest.approx(pair_logits("j a", "b")[0], rel=1e-5)


def test_num_labels_may_only_repeat_the_models_own(tmp_path):
    folder = reranker(tmp_path / "m", labels=3)
    assert CrossEncoder(folder, num_labels=3).num_labels == 3
    with pytest.raises(ArgumentError, match="num_labels: 1, but this model has 3"):
        CrossEncoder(folder, num_labels=1)


def test_a_variant_and_a_file_are_other_graphs(tmp_path):
    folder = reranker(tmp_path / "m")
    onnx.save(pair_graph(2), folder / "onnx" / "model_two.onnx")
    assert CrossEncoder(folder, variant="two").num_labels == 2
    assert CrossEncoder(folder, model_kwargs={"file_name": "onnx/model_two.onnx"}).num_labels == 2


def test_a_copy_gives_the_same_scores(tmp_path):
    model = CrossEncoder(reranker(tmp_path / "m", sbert_ce_default_activation_function=TANH))
    model.save_pretrained(tmp_path / "copy")
    assert CrossEncoder(tmp_path / "copy").predict(PAIRS).tolist() == model.predict(PAIRS).tolist()


def test_a_model_of_embeddings_is_refused_and_a_reranker_is_no_such_model(tmp_path):
    words, ranker = word_model(tmp_path / "words"), with_settings(reranker(tmp_path / "m"))
    with pytest.raises(ModelFolderError, match=r"words: model_type is 'SentenceTransformer', expected 'CrossEncoder'"):
        CrossEncoder(words)
    with pytest.raises(ModelFolderError, match=r"Open it with airvec.CrossEncoder"):
        SentenceTransformer(ranker)


def test_a_graph_without_logits_is_an_error(tmp_path):
    folder = reranker(tmp_path / "m")
    onnx.save(lookup_graph(), folder / "onnx" / "model.onnx")
    with pytest.raises(ModelFolderError, match=r"outputs last_hidden_state, expected one of logits"):
        CrossEncoder(folder)


def test_a_folder_without_a_graph_says_how_to_make_one(tmp_path):
    folder = reranker(tmp_path / "m")
    (folder / "onnx" / "model.onnx").unlink()
    with pytest.raises(ModelFolderError, match="airvec export"):
        CrossEncoder(folder)


def test_language_models_are_refused_by_their_type(tmp_path):
    plain = reranker(tmp_path / "plain", architectures=["Qwen3ForCausalLM"])
    with pytest.raises(ModelFolderError, match=r"architectures is 'Qwen3ForCausalLM'.*airvec runs no rerankers"):
        CrossEncoder(plain)
    folder = with_settings(reranker(tmp_path / "m"))
    write_json(folder / "sentence_bert_config.json", {"transformer_task": "text-generation"})
    with pytest.raises(ModelFolderError, match="transformer_task is 'text-generation', expected one of"):
        CrossEncoder(folder)


def test_an_unknown_module_is_refused_by_its_type(tmp_path):
    folder = with_settings(reranker(tmp_path / "m"))
    write_modules(folder, [TRANSFORMER, LOGIT_SCORE])
    with pytest.raises(ModelFolderError, match="module 1 has type 'LogitScore', expected one of Dense"):
        CrossEncoder(folder)


def test_a_folder_that_is_not_there_and_a_name_that_is_none(tmp_path):
    with pytest.raises(ModelNotFoundError):
        CrossEncoder(tmp_path / "absent" / "deep" / "model")
    with pytest.raises(TypeError):
        CrossEncoder()
