"""Sparse autoencoders and Routers as the reference itself saves them, against the reference.

SPLADE models are in test_matrix.py and test_sparse.py.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer as DenseReference
from sentence_transformers import SparseEncoder as Reference
from sentence_transformers.base.modules import Dense, Router, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder, SparseStaticEmbedding, SpladePooling

from airvec import SentenceTransformer, SparseEncoder
from tests import tiny
from tests.parity.subjects import DENSE, SPARSE, Subject, prepare

pytestmark = [pytest.mark.parity, pytest.mark.slow]

TEXTS = [*tiny.texts(20), ""]
WIDTH, HIDDEN = tiny.HIDDEN, 96


def add_graph(task: str, body: Path) -> None:
    """Put the exported graph of the tiny BERT into the folder of a body that the reference has saved."""
    (body / "onnx").mkdir()
    shutil.copy(prepare(Subject("bert", task)).exported / "onnx" / "model.onnx", body / "onnx")


def transformer(task: str) -> Transformer:
    kinds = {DENSE: "feature-extraction", SPARSE: "fill-mask"}
    return Transformer(str(prepare(Subject("bert", task)).checkpoint), transformer_task=kinds[task])


def dense(expected: torch.Tensor) -> np.ndarray:
    found = expected.to_dense().numpy()
    assert found.std(axis=0).mean() > 0.01
    return found


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    assert np.abs(found - expected).max() <= 1e-4 * max(1, np.abs(expected).max())


@pytest.fixture(scope="module", params=[False, True], ids=["as it is", "normalised"])
def csr(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    encoder = SparseAutoEncoder(WIDTH, HIDDEN, k=12, k_aux=16, normalize=request.param)
    with torch.no_grad():
        encoder.pre_bias.normal_()
        encoder.latent_bias.normal_()
    folder = tmp_path_factory.mktemp("csr") / "model"
    Reference(modules=[transformer(DENSE), Pooling(WIDTH, "mean"), encoder], device="cpu").save_pretrained(str(folder))
    add_graph(DENSE, folder)
    return folder


@pytest.mark.parametrize("count", [None, 3, 40])
def test_a_sparse_autoencoder_keeps_the_reference_s_values(csr: Path, count: int | None):
    ours, theirs = SparseEncoder(csr), Reference(str(csr), device="cpu")
    assert ours.max_active_dims == theirs.max_active_dims == 12
    expected = dense(theirs.encode(TEXTS, max_active_dims=count))
    assert 0 < np.count_nonzero(expected) <= len(TEXTS) * (count or 12)
    found = ours.encode(TEXTS, max_active_dims=count)
    assert_close(found.to_dense(), expected)
    assert ours.sparsity(found)["active_dims"] == pytest.approx(np.count_nonzero(expected) / len(TEXTS))


def test_a_number_that_the_folder_saves_wins_over_the_autoencoder_s(csr: Path, tmp_path: Path):
    folder = tmp_path / "saved"
    shutil.copytree(csr, folder)
    tiny.change(folder / "config_sentence_transformers.json", {"max_active_dims": 5})
    ours, theirs = SparseEncoder(folder), Reference(str(folder), device="cpu")
    assert ours.max_active_dims == theirs.max_active_dims == 5
    assert_close(ours.encode(TEXTS).to_dense(), dense(theirs.encode(TEXTS)))


@pytest.fixture(scope="module")
def inference_free(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the reference's documentation builds it, and saved by it; its table is drawn here."""
    body = transformer(SPARSE)
    torch.manual_seed(1)
    table = SparseStaticEmbedding(body.tokenizer, torch.rand(len(body.tokenizer.get_vocab())) * 5)
    router = Router.for_query_document([table], [body, SpladePooling("max", "log1p_relu")])
    folder = tmp_path_factory.mktemp("router") / "model"
    Reference(modules=[router], device="cpu").save_pretrained(str(folder))
    (home,) = (path.parent for path in folder.rglob("sentence_bert_config.json"))
    add_graph(SPARSE, home)
    return folder


@pytest.mark.parametrize("method", ["encode_query", "encode_document", "encode"])
def test_both_routes_of_an_inference_free_model(inference_free: Path, method: str):
    ours, theirs = SparseEncoder(inference_free), Reference(str(inference_free), device="cpu")
    assert_close(getattr(ours, method)(TEXTS).to_dense(), dense(getattr(theirs, method)(TEXTS)))


def test_dicts_choose_the_route(inference_free: Path):
    ours, theirs = SparseEncoder(inference_free), Reference(str(inference_free), device="cpu")
    for task in ("query", "document"):
        given = [{task: text} for text in TEXTS]
        assert_close(ours.encode(given).to_dense(), dense(theirs.encode(given)))


def test_a_table_by_token_is_the_table_by_number(inference_free: Path, tmp_path: Path):
    folder = tmp_path / "idf"
    shutil.copytree(inference_free, folder)
    (query,) = (path for path in folder.iterdir() if path.name.endswith("SparseStaticEmbedding"))
    theirs = Reference(str(inference_free), device="cpu")
    expected = dense(theirs.encode_query(TEXTS))
    table = theirs[0].sub_modules["query"][0]
    tokens = table.tokenizer.convert_ids_to_tokens(range(len(table.weight)))
    weights = dict(zip(tokens, table.weight.tolist(), strict=True))
    (query / "model.safetensors").unlink()
    (query / "idf.json").write_text(json.dumps(weights), encoding="utf-8")
    (query / "config.json").write_text(json.dumps({"path": str(query / "idf.json")}), encoding="utf-8")
    assert np.array_equal(dense(Reference(str(folder), device="cpu").encode_query(TEXTS)), expected)
    assert_close(SparseEncoder(folder).encode_query(TEXTS).to_dense(), expected)


def test_dense_routes_that_share_their_transformer(tmp_path: Path):
    body, pooling = transformer(DENSE), Pooling(WIDTH, "mean")
    torch.manual_seed(2)
    layers = {name: Dense(WIDTH, 24, activation_function=torch.nn.Tanh()) for name in ("query", "document")}
    router = Router({name: [body, pooling, layer] for name, layer in layers.items()}, default_route="document")
    DenseReference(modules=[router], device="cpu").save_pretrained(str(tmp_path / "model"))
    (home,) = (path.parent for path in (tmp_path / "model").rglob("sentence_bert_config.json"))
    add_graph(DENSE, home)
    ours, theirs = SentenceTransformer(tmp_path / "model"), DenseReference(str(tmp_path / "model"), device="cpu")
    results = {}
    for method in ("encode_query", "encode_document", "encode"):
        results[method] = getattr(theirs, method)(TEXTS)
        np.testing.assert_allclose(getattr(ours, method)(TEXTS), results[method], rtol=1e-4, atol=1e-5)
    assert np.abs(results["encode_query"] - results["encode_document"]).max() > 0.1
    assert np.array_equal(results["encode"], results["encode_document"])
