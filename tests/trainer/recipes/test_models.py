"""Mirrors models.py of trainer/airvec_trainer/recipes, and what making.py makes of a loss: every kind, from tables."""

import pytest
import torch

from airvec.errors import ArgumentError
from airvec_trainer.losses import TripletDistanceMetric, rerank
from airvec_trainer.recipes.making import loss_from
from airvec_trainer.recipes.models import make_model
from airvec_trainer.recipes.sections import ModelSection
from airvec_trainer.similarity import pairwise_cos_sim
from tests.tiny.architectures import tiny_model
from tests.tiny.checkpoints import write_body


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A checkpoint of transformers with a masked-language-model head, and no modules."""
    folder = tmp_path_factory.mktemp("plain") / "bert"
    return str(write_body(folder, tiny_model("bert", "fill-mask"), "bert", padding_side="right", limit=64))


def kinds(model):
    return [type(module).__name__ for module in model]


def test_a_fresh_dense_base_gets_the_modules_of_the_recipe(plain):
    modules = [{"type": "Pooling", "pooling_mode": "cls"}, {"type": "Normalize"}]
    model = make_model(ModelSection(kind="dense", name=plain, modules=modules, max_seq_length=16), {})
    assert kinds(model) == ["Transformer", "Pooling", "Normalize"]
    assert model.max_seq_length == 16
    assert model.encode(["a b c"]).shape == (1, 32)


def test_without_modules_a_plain_checkpoint_gets_those_of_its_kind(plain):
    assert kinds(make_model(ModelSection(kind="dense", name=plain), {})) == ["Transformer", "Pooling"]
    assert kinds(make_model(ModelSection(kind="sparse", name=plain), {})) == ["Transformer", "SpladePooling"]


def test_a_sparse_encoder_is_composed(plain):
    modules = [{"type": "SpladePooling", "pooling_strategy": "sum"}]
    model = make_model(ModelSection(kind="sparse", name=plain, modules=modules), {})
    assert kinds(model) == ["Transformer", "SpladePooling"]
    assert model.encode(["a b c"]).shape[1] == tiny_model("bert", "fill-mask").config.vocab_size


def test_a_reranker_has_its_labels_and_prompts(plain):
    model = make_model(ModelSection(kind="rerank", name=plain, num_labels=3, prompts={"q": "Q: "}), {})
    assert model.predict([("a", "b")]).shape == (1, 3)
    assert model.prompts["q"] == "Q: "


def test_an_adapter_is_all_that_trains(plain):
    lora = {"r": 2, "lora_alpha": 4, "target_modules": ["query", "value"]}
    model = make_model(ModelSection(kind="dense", name=plain, lora=lora), {})
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert trained
    assert all("lora" in name for name in trained)


def test_the_card_is_told(plain):
    model = make_model(ModelSection(kind="dense", name=plain), {"license": "mit", "language": "en"})
    assert model.model_card_data.license == "mit"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "sparse", "num_labels": 2}, r"num_labels: 2 for a sparse model"),
        ({"kind": "rerank", "modules": []}, r"modules or similarity_fn_name for 'rerank'"),
        ({"kind": "dense", "modules": [{"pooling": "cls"}]}, r"modules\[0\].type: None, expected one of"),
        ({"kind": "dense", "modules": [{"type": "Pooling", "mode": "cls"}]}, r"modules\[0\]: unknown key 'mode'"),
    ],
)
def test_a_model_that_cannot_be_is_refused(plain, settings, message):
    with pytest.raises(ArgumentError, match=message):
        make_model(ModelSection(name=plain, **settings), {})


def test_names_stand_for_functions_modules_and_distances():
    assert loss_from({"name": "CoSENTLoss", "similarity_fct": "pairwise_cos_sim"}, "dense", "x").similarity_fct is (
        pairwise_cos_sim
    )
    triplet = loss_from({"name": "TripletLoss", "distance_metric": "COSINE", "triplet_margin": 0.5}, "dense", "x")
    assert triplet.distance_metric is TripletDistanceMetric.COSINE
    points = loss_from({"name": "BinaryCrossEntropyLoss", "activation_fn": "Identity"}, "rerank", "x")
    assert isinstance(points.activation_fn, torch.nn.Identity)
    scheme = {"name": "NDCGLoss2PPScheme", "mu": 5.0}
    assert loss_from({"name": "LambdaLoss", "weighting_scheme": scheme}, "rerank", "x").weighting_scheme == (
        rerank.NDCGLoss2PPScheme(mu=5.0)
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"name": "TripletLoss", "distance_metric": "HAMMING"}, "x.distance_metric: 'HAMMING', expected COSINE"),
        (
            {"name": "CosineSimilarityLoss", "loss_fct": "Nothing"},
            "x.loss_fct: 'Nothing', expected a class of torch.nn",
        ),
        (
            {"name": "MatryoshkaLoss", "loss": {"name": "X"}, "matryoshka_dims": [2]},
            "x.loss.name: 'X', expected one of",
        ),
        ({"name": "MatryoshkaLoss", "matryoshka_dims": [2]}, "x: no 'loss' among"),
        ({"name": "MatryoshkaLoss", "loss": {"name": "CoSENTLoss"}, "matryoshka_dims": ["2"]}, "matryoshka_dims: .'2'"),
        ({}, "x.name: None, expected one of AdaptiveLayerLoss"),
    ],
)
def test_a_loss_that_cannot_be_is_refused_with_its_place(table, message):
    with pytest.raises(ArgumentError, match=message):
        loss_from(table, "dense", "x")
