"""Models of the trainer against sentence-transformers 6.2: vectors, names of weights, gradients, folders both ways."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer as Reference
from sentence_transformers.sentence_transformer import modules as theirs_of
from tokenizers import Tokenizer

from airvec import SentenceTransformer as Runtime
from airvec_exporter.load import load
from airvec_trainer import modules as ours_of
from airvec_trainer.sentence_transformer import SentenceTransformer
from tests import tiny
from tests.tiny.tokenizers import tiny_tokenizer

pytestmark = pytest.mark.parity

TEXTS = tiny.texts(12)
PROMPTS = {"query": "query: ", "document": "a passage of text: "}
NEAR = 1e-6


def both(folder: Path, **given: Any) -> tuple[SentenceTransformer, Reference]:
    return SentenceTransformer(folder, device="cpu", **given), Reference(str(folder), device="cpu", **given)


def assert_same(found: Any, wanted: Any, bound: float = NEAR) -> None:
    wanted = np.asarray(wanted)
    assert wanted.std(axis=0).mean() > 0.01, "the reference answers the same for every text: this could not fail"
    assert np.asarray(found).shape == wanted.shape
    assert np.abs(np.asarray(found) - wanted).max() <= bound


@pytest.fixture(params=sorted(tiny.ARCHITECTURES))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    side = tiny.ARCHITECTURES[request.param].padding_side
    return tiny.tiny_checkpoint(tmp_path / "model", request.param, padding_side=side, dense="Tanh")


def test_every_architecture_gives_the_same_vectors_and_names_its_weights_alike(folder: Path):
    ours, theirs = both(folder)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    assert ours.max_seq_length == theirs.max_seq_length
    assert ours.get_embedding_dimension() == theirs.get_embedding_dimension()
    assert_same(ours.encode(TEXTS), theirs.encode(TEXTS))


def test_every_architecture_has_the_same_gradients(folder: Path):
    models = both(folder)
    torch.manual_seed(0)
    weights = torch.randn(len(TEXTS), 24)
    found: list[dict[str, torch.Tensor]] = []
    for model in models:
        model.eval()
        loss = (model(model.preprocess(TEXTS))["sentence_embedding"] * weights).sum()
        loss.backward()
        found.append({name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None})
    ours, theirs = found
    assert ours.keys() == theirs.keys()
    assert max(float(gradient.abs().max()) for gradient in theirs.values()) > 0.1
    for name, gradient in theirs.items():
        assert (ours[name] - gradient).abs().max() <= 1e-5 * max(1.0, float(gradient.abs().max())), name


def test_dropout_falls_alike_with_the_same_seed(tmp_path: Path):
    ours, theirs = both(tiny.tiny_checkpoint(tmp_path / "model"))
    found = []
    for model in (ours, theirs):
        model.train()
        torch.manual_seed(3)
        found.append(model(model.preprocess(TEXTS))["sentence_embedding"].detach())
    assert torch.equal(*found)
    assert np.abs(found[0].numpy() - ours.encode(TEXTS)).max() > 1e-3
    assert ours.training
    assert not ours.eval().training


def test_what_either_saves_the_other_opens(folder: Path, tmp_path: Path):
    ours, theirs = both(folder)
    wanted = theirs.encode(TEXTS)
    ours.save_pretrained(tmp_path / "ours")
    theirs.save_pretrained(str(tmp_path / "theirs"))
    for saved in ("ours", "theirs"):
        again, reference = both(tmp_path / saved)
        assert_same(again.encode(TEXTS), wanted)
        assert_same(reference.encode(TEXTS), wanted)
        assert again.max_seq_length == reference.max_seq_length == 64
        route = load(tmp_path / saved).route()
        with torch.no_grad():
            exported = route.modules(route.body.features(TEXTS, 0))["sentence_embedding"]
        assert_same(exported, wanted, 1e-5)


@pytest.mark.parametrize("mode", [*tiny.FLAGS, ("lasttoken", "mean")])
@pytest.mark.parametrize("side", ["left", "right"])
def test_every_pooling_with_and_without_the_prompt(mode: Any, side: str, tmp_path: Path):
    folder = tiny.tiny_checkpoint(
        tmp_path / "model", "roberta", pooling=mode, padding_side=side, include_prompt=False, prompts=PROMPTS,
        generation="new",
    )  # fmt: skip
    ours, theirs = both(folder)
    for method in ("encode", "encode_query", "encode_document"):
        assert_same(getattr(ours, method)(TEXTS), getattr(theirs, method)(TEXTS))


@pytest.mark.parametrize(
    "given",
    [
        {"normalize_embeddings": True, "truncate_dim": 8},
        {"prompt": "in short: "},
        {"prompt_name": "document"},
        {"batch_size": 1},
        {"precision": "int8"},
        {"precision": "ubinary"},
    ],
    ids=str,
)
def test_arguments_of_encode(given: dict[str, Any], tmp_path: Path):
    ours, theirs = both(tiny.tiny_checkpoint(tmp_path / "model", prompts=PROMPTS, normalize=False))
    texts = tiny.texts(120) if "precision" in given else TEXTS
    found, wanted = ours.encode(texts, **given), theirs.encode(texts, **given)
    assert found.dtype == wanted.dtype
    bound = 1 if "precision" in given else NEAR  # a value on the edge of two codes may fall either way
    assert_same(found.astype(float), wanted.astype(float), bound)


def test_other_outputs_of_encode(tmp_path: Path):
    ours, theirs = both(tiny.tiny_checkpoint(tmp_path / "model"))
    tokens = zip(
        ours.encode(TEXTS, output_value="token_embeddings"),
        theirs.encode(TEXTS, output_value="token_embeddings"),
        strict=True,
    )
    for found, wanted in tokens:
        assert_same(found, wanted)
    features = zip(ours.encode(TEXTS, output_value=None), theirs.encode(TEXTS, output_value=None), strict=True)
    for found, wanted in features:
        assert found["input_ids"].tolist() == wanted["input_ids"].tolist()
        assert (found["sentence_embedding"] - wanted["sentence_embedding"]).abs().max() <= NEAR
    assert_same(ours.encode(TEXTS, convert_to_tensor=True), theirs.encode(TEXTS, convert_to_tensor=True))
    assert ours.encode("one text").shape == theirs.encode("one text").shape


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean", "manhattan"])
def test_similarities(name: str, tmp_path: Path):
    ours, theirs = both(tiny.tiny_checkpoint(tmp_path / "model", normalize=False), similarity_fn_name=name)
    a, b = ours.encode(TEXTS[:6]), ours.encode(TEXTS[6:], convert_to_tensor=True)
    assert (ours.similarity(a, b) - theirs.similarity(a, b)).abs().max() <= 1e-5
    assert (ours.similarity_pairwise(a, b) - theirs.similarity_pairwise(a, b)).abs().max() <= 1e-5
    assert ours.similarity(a[0], b).shape == (1, 6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("mode", tiny.FLAGS)
def test_models_in_16_bits(dtype: torch.dtype, mode: str, tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "model", pooling=mode, dense="Tanh", generation="new")
    ours, theirs = both(folder, model_kwargs={"dtype": dtype})
    assert ours.dtype == theirs.dtype == dtype
    found = [model(model.preprocess(TEXTS))["sentence_embedding"] for model in (ours.eval(), theirs.eval())]
    assert found[0].dtype == found[1].dtype == dtype
    assert_same(found[0].float().detach(), found[1].float().detach(), 1e-2)
    assert ours.encode(TEXTS).dtype == np.float32


def test_a_plain_transformers_folder_gets_mean_pooling(tmp_path: Path):
    tiny.checkpoints.write_body(tmp_path, tiny.tiny_body("mpnet"), "mpnet", padding_side="right", limit=64)
    ours, theirs = both(tmp_path)
    assert [type(module).__name__ for module in ours] == ["Transformer", "Pooling"]
    assert_same(ours.encode(TEXTS), theirs.encode(TEXTS))


def test_a_static_model_of_either_kind_of_weights(tmp_path: Path):
    torch.manual_seed(0)
    tokenizer = tiny_tokenizer("wordpiece").backend_tokenizer
    table = torch.randn(tokenizer.get_vocab_size(), 16)
    models = []
    for library, kind in ((ours_of, SentenceTransformer), (theirs_of, Reference)):
        body = library.StaticEmbedding(Tokenizer.from_str(tokenizer.to_str()), embedding_weights=table.clone())
        models.append(kind(modules=[body], device="cpu"))
    ours, theirs = models
    texts = [*TEXTS, ""]
    assert_same(ours.encode(texts), theirs.encode(texts), 0)
    gradients = []
    for model in models:
        (model(model.preprocess(texts))["sentence_embedding"] ** 2).sum().backward()
        gradients.append(model[0].embedding.weight.grad)
    assert torch.allclose(*gradients, atol=1e-6)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.save_pretrained(tmp_path / "model")
    assert_same(Reference(str(tmp_path / "model"), device="cpu").encode(texts), theirs.encode(texts), 0)
    assert_same(Runtime(tmp_path / "model").encode(texts), theirs.encode(texts))


def test_routes_that_share_a_body(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "body")
    models = []
    for library, kind in ((ours_of, SentenceTransformer), (theirs_of, Reference)):
        body = library.Transformer(str(folder))
        torch.manual_seed(0)
        routes = {
            name: [body, library.Pooling(tiny.HIDDEN, "mean"), library.Dense(tiny.HIDDEN, 24)]
            for name in ("query", "document")
        }
        router = library.Router(routes, default_route="document", route_mappings={(None, "text"): "document"})
        mapped = library.Router.for_query_document(routes["query"], routes["document"])
        models.append([kind(modules=[one], device="cpu") for one in (router, mapped)])
    for place, (ours, theirs) in enumerate(zip(*models, strict=True)):
        assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
        ours.save_pretrained(tmp_path / f"ours{place}")
        theirs.save_pretrained(str(tmp_path / f"theirs{place}"))
        for method in ("encode_query", "encode_document", "encode"):
            wanted = getattr(theirs, method)(TEXTS)
            assert_same(getattr(ours, method)(TEXTS), wanted)
            for saved in ("ours", "theirs"):
                for model in both(tmp_path / f"{saved}{place}"):
                    assert_same(getattr(model, method)(TEXTS), wanted)
