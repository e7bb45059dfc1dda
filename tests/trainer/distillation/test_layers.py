"""Mirrors trainer/airvec_trainer/distillation/layers.py: of every architecture, saved, opened and trained."""

import numpy as np
import pytest
import torch

import airvec
from airvec.errors import ArgumentError
from airvec_trainer import CrossEncoder, SentenceTransformer, SparseEncoder
from airvec_trainer.distillation import with_fewer_layers
from tests.tiny.architectures import ARCHITECTURES, tiny_model
from tests.tiny.checkpoints import (
    pooling_config,
    reranker_checkpoint,
    sparse_checkpoint,
    tiny_checkpoint,
    write_body,
    write_modules,
)
from tests.trainer.static_models import static_model
from tests.trainer.trainings import words

DEEP = 6
SHARED = "albert"  # one set of weights for all layers
FIRST_DIFFERS = ("modernbert", "t5", "mt5")
TEXTS = words(12)


def deep(folder, architecture="bert"):
    """A checkpoint of six layers; the kinds of layers that a config lists alternate."""
    more = {"layer_types": ["sliding_attention", "full_attention"] * 3} if architecture == "gemma3" else {}
    if architecture == "modernbert":
        more = {"layer_types": ["full_attention", "sliding_attention"] * 3}
    name = "num_layers" if architecture in ("t5", "mt5") else "num_hidden_layers"
    model = tiny_model(architecture, **{"n_layers" if architecture == "distilbert" else name: DEEP}, **more)
    write_body(folder, model, architecture, padding_side=ARCHITECTURES[architecture].padding_side, limit=64)
    write_modules(folder, [("Pooling", pooling_config(("mean",))), ("Normalize", None)])
    return SentenceTransformer(str(folder), device="cpu")


def by_hand(model, keep):
    """What the model says when the other layers pass on what they get; the places of those that do not matter."""
    layers = next(
        part for part in model.transformers_model.modules() if isinstance(part, torch.nn.ModuleList) and len(part) == 6
    )
    hooks = [
        layer.register_forward_hook(
            lambda _, given, made: (given[0], *made[1:]) if isinstance(made, tuple) else given[0]
        )
        for place, layer in enumerate(layers)
        if place not in keep
    ]
    found = model.encode(TEXTS)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES.keys() - {SHARED}))
def test_a_half_of_the_layers_says_what_the_whole_says_without_the_others(architecture, tmp_path):
    model = deep(tmp_path / "deep", architecture)
    before = model.encode(TEXTS)
    half = with_fewer_layers(model, [0, 2, 5])
    assert half.config.num_hidden_layers == 3
    assert np.abs(half.encode(TEXTS) - by_hand(model, [0, 2, 5])).max() < 1e-6
    assert np.array_equal(model.encode(TEXTS), before)  # the model itself is as it was
    assert np.abs(half.encode(TEXTS) - before).max() > 1e-2
    half.save_pretrained(tmp_path / "half", create_model_card=False)
    again = SentenceTransformer(str(tmp_path / "half"), device="cpu")
    assert len(again.state_dict()) == len(half.state_dict()) < len(model.state_dict())
    assert np.abs(again.encode(TEXTS) - half.encode(TEXTS)).max() < 1e-6


def test_the_kinds_of_layers_that_a_config_lists_are_cut_alike(tmp_path):
    half = with_fewer_layers(deep(tmp_path, "gemma3"), [1, 2, 3])
    assert half.config.layer_types == ["full_attention", "sliding_attention", "full_attention"]


def test_layers_know_their_new_place(tmp_path):
    half = with_fewer_layers(deep(tmp_path, "qwen3"), [1, 4])
    assert [layer.self_attn.layer_idx for layer in half.transformers_model.layers] == [0, 1]


@pytest.mark.parametrize("architecture", FIRST_DIFFERS)
def test_where_the_first_layer_differs_it_must_stay(architecture, tmp_path):
    with pytest.raises(ArgumentError, match="Keep layer 0"):
        with_fewer_layers(deep(tmp_path, architecture), [1, 2])


@pytest.mark.parametrize(
    ("keep", "places"), [(3, [0, 2, 5]), (2, [0, 5]), (1, [0]), (6, list(range(6))), ([4, 1], [1, 4])]
)
def test_a_number_is_spread_from_the_first_to_the_last(keep, places, tmp_path):
    model = deep(tmp_path)
    found = with_fewer_layers(model, keep).transformers_model.encoder.layer
    wanted = [model.transformers_model.encoder.layer[place].output.dense.weight for place in places]
    assert [layer.output.dense.weight.tolist() for layer in found] == [weight.tolist() for weight in wanted]


@pytest.mark.parametrize("keep", [0, 7, -1, [], [0, 0], [6], [-1], "3", 2.5, None, True, ["0"], [0, 1.5], {0: 1}])
def test_layers_that_are_not_there_are_refused(keep, tmp_path):
    with pytest.raises(ArgumentError, match="keep: "):
        with_fewer_layers(deep(tmp_path), keep)


def test_models_without_a_list_of_layers_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match="StaticEmbedding reads the texts"):
        with_fewer_layers(static_model(), 1)
    with pytest.raises(ArgumentError, match="AlbertModel has 0 lists of 6 layers"):
        with_fewer_layers(deep(tmp_path, SHARED), 3)


def test_a_model_with_adapters_is_refused(tmp_path):
    peft = pytest.importorskip("peft")
    model = deep(tmp_path)
    model.add_adapter(peft.LoraConfig(r=2, target_modules=["query"]))
    with pytest.raises(ArgumentError, match="SentenceTransformer has adapters"):
        with_fewer_layers(model, 3)


def test_sparse_encoders_and_rerankers_can_be_cut_too(tmp_path):
    sparse = SparseEncoder(str(sparse_checkpoint(tmp_path / "sparse")), device="cpu")
    small = with_fewer_layers(sparse, 1)
    assert isinstance(small, SparseEncoder)
    assert small.encode(["a text"]).shape == sparse.encode(["a text"]).shape
    reranker = CrossEncoder(str(reranker_checkpoint(tmp_path / "rerank")), device="cpu")
    assert with_fewer_layers(reranker, 1).predict([("a", "b")]).shape == (1,)


def test_the_copy_has_weights_and_settings_of_its_own(tmp_path):
    model = SentenceTransformer(tiny_checkpoint(tmp_path, prompts={"query": "q: "}), device="cpu")
    twin = with_fewer_layers(model, 2)
    before = model.encode(TEXTS)
    with torch.no_grad():
        for weight in twin.parameters():
            weight.zero_()
    twin.prompts["query"] = "other: "
    assert np.array_equal(model.encode(TEXTS), before)
    assert model.prompts["query"] == "q: "


@pytest.mark.slow
def test_a_smaller_model_is_exported(tmp_path):
    half = with_fewer_layers(deep(tmp_path / "deep"), 3)
    half.export(tmp_path / "half", speed=False)
    assert np.abs(airvec.SentenceTransformer(str(tmp_path / "half")).encode(TEXTS) - half.encode(TEXTS)).max() < 1e-5
