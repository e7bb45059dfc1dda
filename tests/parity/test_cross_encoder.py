"""CrossEncoder against sentence-transformers on tiny random rerankers: activations, shapes, long pairs, modular heads.

The graphs are traced here, by the project's export recipe.
Knows nothing of the exporter.
"""

import logging
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder as Reference
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling
from torch import nn

from airvec import AirvecWarning, ArgumentError, CrossEncoder
from airvec.activations import LABEL_ACTIVATIONS, given_activation
from tests import tiny

pytestmark = [pytest.mark.parity, pytest.mark.slow]

PAIRS = tiny.pairs()
SHORT = [("a b", "c"), ("", "x y"), ("late parcel", "")]
# Architecture and labels of the models with a classification head.
HEADS = (("bert", 1), ("roberta", 1), ("distilbert", 3))
ACTIVATION = "torch.nn.modules.activation.{}"


class Traced(nn.Module):
    """A model with positional inputs and one output."""

    def __init__(self, model: nn.Module, output: str) -> None:
        super().__init__()
        self.model, self.output = model, output

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        names = ("input_ids", "attention_mask", "token_type_ids")[: len(inputs)]
        return getattr(self.model(**dict(zip(names, inputs, strict=True))), self.output)


def add_graph(folder: Path, model: Any, output: str) -> Path:
    """Trace a transformers model and write `onnx/model.onnx`."""
    types = model.config.model_type == "bert"
    names = ("input_ids", "attention_mask", "token_type_ids")[: 3 if types else 2]
    ids = torch.arange(14).reshape(2, 7) + 10
    example = (ids, torch.ones_like(ids), torch.zeros_like(ids))[: len(names)]
    (folder / "onnx").mkdir()
    logging.getLogger("torch.onnx._internal.exporter").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program: Any = torch.onnx.export(
            Traced(model, output).eval(), example, dynamo=True, opset_version=23, verbose=False,
            input_names=list(names), output_names=[output],
            dynamic_shapes=(tuple({0: "batch", 1: "sequence"} for _ in names),),
        )  # fmt: skip
    program.save(folder / "onnx" / "model.onnx")
    return folder


@pytest.fixture(scope="module", params=HEADS, ids=lambda head: f"{head[0]}-{head[1]}")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    architecture, labels = request.param
    home = tmp_path_factory.mktemp("reranker") / architecture
    tiny.reranker_checkpoint(home, architecture, labels=labels)
    return add_graph(home, tiny.tiny_model(architecture, "sequence-classification", labels), "logits")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One label, and nothing said of its activation."""
    home = tiny.reranker_checkpoint(tmp_path_factory.mktemp("plain") / "bert", activation=None)
    return add_graph(home, tiny.tiny_model("bert", "sequence-classification", 1), "logits")


def assert_close(found: np.ndarray, wanted: np.ndarray) -> None:
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= 1e-4 * max(1, np.abs(wanted).max())


def reference(folder: Path, **arguments: Any) -> Reference:
    return Reference(str(folder), device="cpu", **arguments)


def test_the_reference_s_scores_spread_and_pairs_are_cut(folder: Path):
    model = reference(folder)
    assert np.ptp(model.predict(PAIRS), axis=0).min() > 0.5
    lengths = [len(ids) for ids in model.tokenizer([a for a, _ in PAIRS], [b for _, b in PAIRS])["input_ids"]]
    assert sum(length > 64 for length in lengths) > 5
    assert model.max_seq_length == 64


@pytest.mark.parametrize("batch_size", [None, 1, 7])
def test_scores_equal_the_reference_s(folder: Path, batch_size: int | None):
    found = CrossEncoder(folder).predict(PAIRS + SHORT, batch_size=batch_size)
    assert_close(found, reference(folder).predict(PAIRS + SHORT))


@pytest.mark.parametrize("pair", [PAIRS[3], list(PAIRS[3]), np.array(PAIRS[3])])
def test_a_single_pair_has_the_reference_s_shape(folder: Path, pair: Any):
    found, wanted = CrossEncoder(folder).predict(pair), reference(folder).predict(pair)
    assert (type(found), found.dtype) == (type(wanted), wanted.dtype)
    assert_close(found, wanted)


@pytest.mark.parametrize("activation", [None, nn.Sigmoid(), nn.Softmax(dim=1), nn.Identity()])
def test_softmax_follows_the_activation_as_in_the_reference(folder: Path, activation: nn.Module | None):
    arguments = {"apply_softmax": True, "activation_fn": activation}
    if isinstance(activation, nn.Softmax) and CrossEncoder(folder).num_labels == 1:
        assert CrossEncoder(folder).predict(PAIRS, **arguments).tolist() == [1.0] * len(PAIRS)
    found, wanted = (model.predict(PAIRS, **arguments) for model in (CrossEncoder(folder), reference(folder)))
    assert_close(found, wanted)


@pytest.mark.parametrize("limit", [9, 20, 120])
def test_a_shorter_limit_cuts_as_in_the_reference(folder: Path, limit: int):
    found = CrossEncoder(folder, max_length=limit).predict(PAIRS)
    wanted = reference(folder, max_length=limit).predict(PAIRS)
    assert np.abs(wanted - reference(folder).predict(PAIRS)).max() > 0.1
    assert_close(found, wanted)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_side_that_is_cut_comes_from_the_folder(folder: Path, side: str, tmp_path: Path):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    tiny.change(copy / "tokenizer_config.json", {"truncation_side": side})
    assert_close(CrossEncoder(copy).predict(PAIRS), reference(copy).predict(PAIRS))


def test_prompts_stand_in_front_of_the_first_text_as_in_the_reference(folder: Path):
    arguments = {"prompts": {"ask": "search query: "}, "default_prompt_name": "ask"}
    found = CrossEncoder(folder, **arguments).predict(PAIRS)
    wanted = reference(folder, **arguments).predict(PAIRS)
    assert np.abs(wanted - reference(folder).predict(PAIRS)).max() > 0.1
    assert_close(found, wanted)


PLACES: dict[str, dict[str, Any]] = {
    "argument": {"argument": nn.Tanh(), "settings": "Sigmoid", "config": "SiLU", "old": "ReLU"},
    "settings": {"settings": "Tanh", "config": "SiLU", "old": "ReLU"},
    "config": {"config": "SiLU", "old": "ReLU"},
    "old": {"old": "ReLU"},
    "default": {},
}


@pytest.mark.parametrize("place", PLACES)
def test_the_activation_comes_from_the_reference_s_place(bert: Path, place: str, tmp_path: Path):
    given, copy = PLACES[place], tmp_path / "copy"
    if "settings" in given:
        reference(bert).save_pretrained(str(copy))
        shutil.copytree(bert / "onnx", copy / "onnx")
        settings = {"activation_fn": ACTIVATION.format(given["settings"])}
        tiny.change(copy / "config_sentence_transformers.json", settings)
    else:
        shutil.copytree(bert, copy)
    if "config" in given:
        saved = {"sentence_transformers": {"activation_fn": ACTIVATION.format(given["config"])}}
        tiny.change(copy / "config.json", saved)
    if "old" in given:
        tiny.change(copy / "config.json", {"sbert_ce_default_activation_function": ACTIVATION.format(given["old"])})
    arguments = {"activation_fn": given["argument"]} if "argument" in given else {}
    model = reference(copy, **arguments)
    assert type(model.activation_fn).__name__ == {
        "argument": "Tanh", "settings": "Tanh", "config": "SiLU", "old": "ReLU", "default": "Sigmoid"
    }[place]  # fmt: skip
    assert_close(CrossEncoder(copy, **arguments).predict(PAIRS), model.predict(PAIRS))


def test_an_activation_that_is_not_trusted_falls_back_as_in_the_reference(bert: Path, tmp_path: Path):
    copy = Path(shutil.copytree(bert, tmp_path / "copy"))
    tiny.change(copy / "config.json", {"sbert_ce_default_activation_function": "my.module.Squash"})
    with pytest.warns(AirvecWarning, match=r"my\.module\.Squash"):
        found = CrossEncoder(copy).predict(PAIRS)
    assert_close(found, reference(copy).predict(PAIRS))


@pytest.mark.parametrize("return_documents", [True, False])
@pytest.mark.parametrize("top_k", [None, 1, 5, 500])
def test_rank_equals_the_reference_s(bert: Path, top_k: int | None, return_documents: bool):
    query, documents = PAIRS[5][0], [second for _, second in PAIRS]
    found = CrossEncoder(bert).rank(query, documents, top_k, return_documents)
    wanted = reference(bert).rank(query, documents, top_k, return_documents)
    assert [hit.keys() for hit in found] == [hit.keys() for hit in wanted]
    assert [hit["corpus_id"] for hit in found] == [hit["corpus_id"] for hit in wanted]
    assert [hit.get("text") for hit in found] == [hit.get("text") for hit in wanted]
    assert {type(hit["score"]) for hit in found + wanted} == {float}
    assert_close(np.array([hit["score"] for hit in found]), np.array([hit["score"] for hit in wanted]))


def test_equal_documents_keep_their_order_as_in_the_reference(bert: Path):
    documents = [PAIRS[row][1] for row in (3, 8, 3, 8, 3, 11, 8, 3)]
    found = CrossEncoder(bert).rank(PAIRS[5][0], documents)
    # One at a time: in its batches, equal documents may differ in the last digit.
    wanted = reference(bert).rank(PAIRS[5][0], documents, batch_size=1)
    assert [hit["corpus_id"] for hit in found] == [hit["corpus_id"] for hit in wanted]
    assert len({hit["score"] for hit in found}) == 3


@pytest.fixture(scope="module")
def modular(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Transformer → Pooling → Dense → LayerNorm → Dense "scores", as published by the reference itself."""
    home = tmp_path_factory.mktemp("modular")
    body = tiny.tiny_checkpoint(home / "body")
    torch.manual_seed(tiny.architectures.SEED)
    modules = [
        Transformer(str(body), max_seq_length=64),
        Pooling(tiny.HIDDEN, "mean", include_prompt=False),
        Dense(tiny.HIDDEN, 24, activation_function=nn.GELU()),
        LayerNorm(24),
        Dense(24, 2, activation_function=nn.Identity(), module_output_name="scores"),
    ]
    with torch.no_grad():
        for parameter in nn.ModuleList(modules[2:]).parameters():
            parameter.normal_(std=0.3)
    Reference(modules=modules, device="cpu", activation_fn=nn.Tanh()).save_pretrained(str(home / "model"))
    return add_graph(home / "model", tiny.tiny_body("bert"), "last_hidden_state")


@pytest.mark.parametrize("prompt", [None, "search query: "])
def test_a_head_of_modules_equals_the_reference_s(modular: Path, prompt: str | None):
    ours, theirs = CrossEncoder(modular), reference(modular)
    assert (ours.num_labels, ours.max_length) == (theirs.num_labels, theirs.max_seq_length) == (2, 64)
    for activation in (None, nn.Identity()):
        wanted = theirs.predict(PAIRS, prompt=prompt, activation_fn=activation)
        assert np.ptp(wanted, axis=0).min() > 0.2
        assert_close(ours.predict(PAIRS, prompt=prompt, activation_fn=activation), wanted)


TORCH = (
    nn.Identity(), nn.Sigmoid(), nn.Tanh(), nn.ReLU(), nn.ReLU(inplace=True), nn.GELU(), nn.SiLU(), nn.Softmax(dim=1),
    nn.Softmax(dim=-1),
)  # fmt: skip


@pytest.mark.parametrize("module", TORCH, ids=str)
def test_modules_of_torch_are_told_by_their_class(module: nn.Module):
    x = np.random.default_rng(0).normal(scale=9, size=(40, 5)).astype(np.float32)
    assert given_activation(module) is LABEL_ACTIVATIONS[type(module).__name__]
    np.testing.assert_allclose(given_activation(module)(x), module(torch.tensor(x)).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("module", [nn.Softplus(), nn.GELU("tanh"), nn.Softmax(dim=0), nn.Linear(1, 1)], ids=str)
def test_other_modules_of_torch_are_refused(module: nn.Module):
    with pytest.raises(ArgumentError, match="activation_fn: "):
        given_activation(module)
