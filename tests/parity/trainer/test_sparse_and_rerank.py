"""Sparse encoders and rerankers of the trainer against sentence-transformers 6.2: results, training mode, folders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig
from sentence_transformers import CrossEncoder as RerankReference
from sentence_transformers import SparseEncoder as SparseReference
from sentence_transformers.base.modules import Transformer as ReferenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling as ReferencePooling
from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder as ReferenceCoder
from torch import Tensor

from airvec_trainer.cross_encoder import CrossEncoder
from airvec_trainer.modules import Pooling, SparseAutoEncoder, Transformer
from airvec_trainer.sparse_encoder import SparseEncoder
from tests import tiny
from tests.tiny.checkpoints import write_body
from tests.tiny.sparse_families import opensearch_v2, opensearch_v3, splade

pytestmark = [
    pytest.mark.parity,
    # What torch says of the reference's ways with COO tensors.
    pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning"),
    pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled:UserWarning"),
]

TEXTS = tiny.texts(12)
PAIRS = tiny.pairs(12)
TIED = "decoder.linear.weight"  # the reference's second name of the encoder's weights
SPARSE = {"splade": splade, "inference-free": opensearch_v2, "two logarithms": opensearch_v3}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def array(found: Any) -> np.ndarray:
    return found.detach().to_dense().float().numpy() if isinstance(found, Tensor) else np.asarray(found)


def assert_same(found: Any, wanted: Any, bound: float = 1e-5, spread: float = 0.005) -> None:
    found, wanted = array(found), array(wanted)
    assert wanted.std(axis=0).mean() > spread, "the reference answers the same for every text: this could not fail"
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= bound * max(1.0, np.abs(wanted).max())


def sparse_pair(folder: Path, **given: Any) -> tuple[SparseEncoder, SparseReference]:
    return SparseEncoder(folder, device="cpu", **given), SparseReference(str(folder), device="cpu", **given)


def rerank_pair(folder: Path, **given: Any) -> tuple[CrossEncoder, RerankReference]:
    return CrossEncoder(folder, device="cpu", **given), RerankReference(str(folder), device="cpu", **given)


def csr_pair(folder: Path) -> tuple[SparseEncoder, SparseReference]:
    """The same sparse auto-encoder behind the same body, with biases."""
    config = {"config_kwargs": NO_DROPOUT}
    torch.manual_seed(0)
    theirs = [
        ReferenceTransformer(str(folder), **config), ReferencePooling(tiny.HIDDEN, "mean"),
        ReferenceCoder(tiny.HIDDEN, 96, k=6, k_aux=12, dead_threshold=3),
    ]  # fmt: skip
    with torch.no_grad():
        theirs[2].pre_bias.normal_()
        theirs[2].latent_bias.normal_()
    ours = [Transformer(folder, **config), Pooling(tiny.HIDDEN), SparseAutoEncoder(tiny.HIDDEN, 96, 6, 12, False, 3)]
    ours[2].load_state_dict(theirs[2].state_dict())
    return SparseEncoder(modules=ours, device="cpu"), SparseReference(modules=theirs, device="cpu")


@pytest.mark.parametrize("make", SPARSE.values(), ids=SPARSE)
@pytest.mark.parametrize("method", ["encode", "encode_query", "encode_document"])
def test_sparse_embeddings(tmp_path: Path, make: Callable[[Path], Path], method: str):
    ours, theirs = sparse_pair(make(tmp_path / "model"), prompts={"query": "query: ", "document": "passage: "})
    found, wanted = getattr(ours, method)(TEXTS), getattr(theirs, method)(TEXTS)
    assert found.is_sparse
    assert found.dtype == wanted.dtype
    assert_same(found, wanted)
    assert_same(
        getattr(ours, method)(TEXTS[0], max_active_dims=5), getattr(theirs, method)(TEXTS[0], max_active_dims=5)
    )
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    assert ours.get_embedding_dimension() == theirs.get_embedding_dimension()
    assert ours.max_seq_length == theirs.max_seq_length


@pytest.mark.parametrize("given", [
    {"max_active_dims": 7}, {"convert_to_sparse_tensor": False}, {"batch_size": 1}, {"prompt": "in short: "},
    {"save_to_cpu": True}, {"convert_to_tensor": False, "max_active_dims": 3},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("kind", ["splade", "csr"])
def test_arguments_of_sparse_encode(tmp_path: Path, kind: str, given: dict[str, Any]):
    body = tiny.tiny_checkpoint(tmp_path / "body")
    ours, theirs = csr_pair(body) if kind == "csr" else sparse_pair(splade(tmp_path / "model"))
    assert ours.max_active_dims == theirs.max_active_dims
    found, wanted = ours.encode(TEXTS, **given), theirs.encode(TEXTS, **given)
    assert type(found) is type(wanted)
    assert [row.layout for row in found] == [row.layout for row in wanted]
    assert_same(torch.stack(list(found)), torch.stack(list(wanted)))


def test_what_is_told_of_sparse_embeddings(tmp_path: Path):
    ours, theirs = sparse_pair(splade(tmp_path / "model"), max_active_dims=20)
    rows, dense = theirs.encode(TEXTS), theirs.encode(TEXTS, convert_to_sparse_tensor=False)
    for given in (rows, dense, rows[0]):
        assert ours.sparsity(given) == pytest.approx(theirs.sparsity(given), abs=1e-6)
        found, wanted = ours.decode(given, top_k=4), theirs.decode(given, top_k=4)
        assert found == wanted
    assert_same(ours.intersection(rows[0], rows), theirs.intersection(rows[0], rows))
    for name in ("cosine", "dot", "euclidean", "manhattan"):
        ours.similarity_fn_name = theirs.similarity_fn_name = name
        some, others = dense[:6].to_sparse(), dense[6:].to_sparse()
        assert_same(ours.similarity(some, others), theirs.similarity(some, others))
        assert_same(ours.similarity_pairwise(dense[:6], dense[6:]), theirs.similarity_pairwise(dense[:6], dense[6:]))


def test_a_sparse_auto_encoder_in_training_gives_what_losses_read_and_the_same_gradients(tmp_path: Path):
    models = csr_pair(tiny.tiny_checkpoint(tmp_path / "body"))
    for _ in range(3):  # dimensions die on the way
        outputs = []
        for model in models:
            model.train()
            outputs.append(model(model.preprocess(TEXTS[:3])))
        ours, theirs = outputs
        names = [name for name in theirs if "embedding" in name and name != "token_embeddings"]
        assert set(names) <= set(ours)
        for name in names:
            assert torch.allclose(ours[name], theirs[name], atol=1e-5), name
    assert theirs["decoded_embedding_aux"].abs().max() > 0.1
    found = []
    for model, output in zip(models, outputs, strict=True):
        (output["decoded_embedding_k"] ** 2).sum().add(output["decoded_embedding_aux"].sum()).backward()
        found.append({name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None})
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[1].items():
        assert torch.allclose(found[0][name], gradient, rtol=1e-4, atol=1e-4), name
    assert torch.equal(models[0][2].stats_last_nonzero, models[1][2].stats_last_nonzero)


@pytest.mark.parametrize("make", SPARSE.values(), ids=SPARSE)
def test_splade_in_training_has_the_same_embeddings_and_gradients(tmp_path: Path, make: Callable[[Path], Path]):
    models = sparse_pair(make(tmp_path / "model"))
    torch.manual_seed(0)
    weights = torch.randn(len(TEXTS), 380)
    found = []
    for model in models:
        model.train()
        torch.manual_seed(5)  # of dropout, which falls alike
        embeddings = model(model.preprocess(TEXTS, task="document"))["sentence_embedding"]
        (embeddings * weights).sum().backward()
        gradients = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
        found.append((embeddings, gradients))
    assert_same(found[0][0], found[1][0])
    assert found[0][1].keys() == found[1][1].keys()
    for name, gradient in found[1][1].items():
        assert (found[0][1][name] - gradient).abs().max() <= 1e-5 * max(1.0, float(gradient.abs().max())), name


@pytest.mark.parametrize("kind", ["masked words", "no head", "dense"])
def test_models_that_are_not_sparse_become_what_the_reference_makes_of_them(tmp_path: Path, kind: str):
    if kind == "dense":
        tiny.tiny_checkpoint(tmp_path / "model", dense="Tanh")
    else:
        task = "fill-mask" if kind == "masked words" else "feature-extraction"
        model = tiny.tiny_model("bert", task, hidden_size=64)
        write_body(tmp_path / "model", model, "bert", padding_side="right", limit=64)
    models = []
    for open_model in (SparseEncoder, SparseReference):
        torch.manual_seed(4)
        models.append(open_model(str(tmp_path / "model"), device="cpu"))
    ours, theirs = models
    assert [type(module).__name__ for module in ours] == [type(module).__name__ for module in theirs]
    assert ours.max_active_dims == theirs.max_active_dims
    assert [name for name in theirs.state_dict() if TIED not in name] == list(ours.state_dict())
    assert_same(ours.encode(TEXTS), theirs.encode(TEXTS))


@pytest.mark.parametrize("kind", [*SPARSE, "csr"])
def test_what_either_saves_of_a_sparse_model_the_other_opens(tmp_path: Path, kind: str):
    body = tiny.tiny_checkpoint(tmp_path / "body")
    ours, theirs = csr_pair(body) if kind == "csr" else sparse_pair(SPARSE[kind](tmp_path / "model"))
    ours.save_pretrained(tmp_path / "ours")
    theirs.save_pretrained(str(tmp_path / "theirs"))
    for saved in ("ours", "theirs"):
        for model in sparse_pair(tmp_path / saved):
            for method in ("encode_query", "encode_document"):
                assert_same(getattr(model, method)(TEXTS), getattr(theirs, method)(TEXTS))
            assert model.max_active_dims == theirs.max_active_dims


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize("architecture", sorted(tiny.ARCHITECTURES))
def test_every_architecture_scores_pairs_alike(tmp_path: Path, architecture: str, labels: int):
    folder = tiny.reranker_checkpoint(tmp_path / "model", architecture, labels=labels, activation=None)
    ours, theirs = rerank_pair(folder)
    assert (ours.num_labels, ours.max_length) == (theirs.num_labels, theirs.max_seq_length)
    assert_same(ours.predict(PAIRS), theirs.predict(PAIRS))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    found = [model(model.preprocess(PAIRS))["scores"] for model in (ours, theirs)]
    assert found[0].shape == (len(PAIRS), labels)
    assert_same(*found)


@pytest.mark.parametrize("given", [
    {"activation_fn": torch.nn.Sigmoid()}, {"apply_softmax": True}, {"convert_to_tensor": True}, {"batch_size": 5},
    {"convert_to_numpy": False}, {"prompt": "which of these: "},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("labels", [1, 3])
def test_arguments_of_predict(tmp_path: Path, labels: int, given: dict[str, Any]):
    ours, theirs = rerank_pair(tiny.reranker_checkpoint(tmp_path / "model", labels=labels))
    found, wanted = ours.predict(PAIRS, **given), theirs.predict(PAIRS, **given)
    assert type(found) is type(wanted)
    assert_same(torch.stack(found) if isinstance(found, list) else found,
                torch.stack(wanted) if isinstance(wanted, list) else wanted)  # fmt: skip
    assert np.shape(ours.predict(PAIRS[0])) == np.shape(theirs.predict(PAIRS[0]))


@pytest.mark.parametrize("given", [{}, {"top_k": 3, "return_documents": True}, {"prompt": "on: "}], ids=str)
def test_ranks(tmp_path: Path, given: dict[str, Any]):
    ours, theirs = rerank_pair(tiny.reranker_checkpoint(tmp_path / "model"))
    query, documents = PAIRS[0][0], [second for _, second in PAIRS]
    found, wanted = ours.rank(query, documents, **given), theirs.rank(query, documents, **given)
    assert [hit["corpus_id"] for hit in found] == [hit["corpus_id"] for hit in wanted]
    assert_same([hit["score"] for hit in found], [hit["score"] for hit in wanted])
    assert [hit.get("text") for hit in found] == [hit.get("text") for hit in wanted]


@pytest.mark.parametrize("labels", [None, 1, 3])
@pytest.mark.parametrize("kind", ["plain", "dense"])
def test_a_fresh_head_is_the_reference_s_with_the_same_seed(tmp_path: Path, labels: int | None, kind: str):
    if kind == "dense":
        tiny.tiny_checkpoint(tmp_path / "model")
    else:
        write_body(tmp_path / "model", tiny.tiny_body("distilbert"), "distilbert", padding_side="right", limit=64)
    models = []
    for open_model in (CrossEncoder, RerankReference):
        torch.manual_seed(7)
        models.append(open_model(str(tmp_path / "model"), num_labels=labels, device="cpu"))
    ours, theirs = models
    assert ours.num_labels == theirs.num_labels == (labels or 1)
    assert type(ours.activation_fn) is type(theirs.activation_fn)
    assert all(torch.equal(weight, theirs.state_dict()[name]) for name, weight in ours.state_dict().items())
    assert_same(ours.predict(PAIRS), theirs.predict(PAIRS), spread=0.001)  # a fresh head's weights are small


def test_a_reranker_in_training_has_the_same_gradients_with_and_without_dropout(tmp_path: Path):
    folder = tiny.reranker_checkpoint(tmp_path / "model")
    for config in (NO_DROPOUT, {}):
        found = []
        for model in rerank_pair(folder, config_kwargs=dict(config)):
            model.train()
            torch.manual_seed(5)
            scores = model(model.preprocess(PAIRS))["scores"]
            (scores**2).sum().backward()
            gradients = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
            found.append((scores, gradients))
        assert_same(found[0][0], found[1][0])
        assert found[0][1].keys() == found[1][1].keys()
        for name, gradient in found[1][1].items():
            assert (found[0][1][name] - gradient).abs().max() <= 1e-5 * max(1.0, float(gradient.abs().max())), name


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize("prompts", [None, {"web": "from the web: "}])
def test_what_either_saves_of_a_reranker_the_other_opens(tmp_path: Path, labels: int, prompts: dict[str, str] | None):
    folder = tiny.reranker_checkpoint(tmp_path / "model", labels=labels)
    ours, theirs = rerank_pair(folder, prompts=prompts, activation_fn=torch.nn.Tanh())
    ours.save_pretrained(tmp_path / "ours")
    theirs.save_pretrained(str(tmp_path / "theirs"))
    name = "web" if prompts else None
    wanted = theirs.predict(PAIRS, prompt_name=name)
    for saved in ("ours", "theirs"):
        for model in rerank_pair(tmp_path / saved):
            assert_same(model.predict(PAIRS, prompt_name=name), wanted)
            assert model.max_seq_length == theirs.max_seq_length


def test_an_adapter_that_either_saves_the_other_opens(tmp_path: Path):
    folder = tiny.reranker_checkpoint(tmp_path / "model")
    models = rerank_pair(folder)
    saved = (tmp_path / "ours", tmp_path / "theirs")
    for model, place in zip(models, saved, strict=True):
        torch.manual_seed(2)
        model.add_adapter(LoraConfig(r=4, target_modules=["query", "value"], init_lora_weights=False))
        model.save_pretrained(str(place))
    wanted = models[1].predict(PAIRS)
    assert_same(models[0].predict(PAIRS), wanted)
    for place in saved:
        assert_same(CrossEncoder(place, model_kwargs={"base": folder}, device="cpu").predict(PAIRS), wanted)
        assert_same(RerankReference(str(place), device="cpu").predict(PAIRS), wanted)
