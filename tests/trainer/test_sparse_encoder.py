"""Mirrors trainer/airvec_trainer/sparse_encoder/model.py: what it takes, what it gives, what it makes of other models.

The numbers against the reference are in tests/parity/trainer/test_sparse_and_rerank.py.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from airvec.errors import ArgumentError, InputError, ModelFolderError
from airvec_trainer.modules import Pooling, Router, SparseAutoEncoder, SparseStaticEmbedding, SpladePooling, Transformer
from airvec_trainer.sparse_encoder import SparseEncoder
from tests import tiny
from tests.tiny.checkpoints import write_body

TEXTS = tiny.texts(5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.sparse_checkpoint(tmp_path_factory.mktemp("sparse") / "model")


@pytest.fixture
def model(folder: Path) -> SparseEncoder:
    return SparseEncoder(folder, device="cpu")


def kinds(model: SparseEncoder) -> list[str]:
    return [type(module).__name__ for module in model]


def test_embeddings_are_coalesced_coo_rows_in_input_order(model: SparseEncoder):
    found = model.encode(TEXTS)
    assert (found.layout, found.is_coalesced(), found.shape) == (torch.sparse_coo, True, (5, 380))
    alone = torch.stack([model.encode(text) for text in TEXTS]).to_dense()
    assert torch.allclose(found.to_dense(), alone, atol=1e-5)
    assert alone.std(dim=0).max() > 0.1
    assert torch.allclose(model.encode(TEXTS, convert_to_sparse_tensor=False), alone, atol=1e-5)


def test_a_list_of_vectors_and_empty_lists(model: SparseEncoder):
    rows = model.encode(TEXTS, convert_to_tensor=False)
    assert [row.shape for row in rows] == [(380,)] * 5
    assert model.encode([]).shape == (0, 380)
    assert model.encode([], convert_to_sparse_tensor=False).shape == (0, 380)
    assert model.encode([], convert_to_tensor=False) == []


def test_only_the_largest_weights_stay_where_a_number_is_given(folder: Path, model: SparseEncoder):
    whole = model.encode(TEXTS, convert_to_sparse_tensor=False)
    cut = model.encode(TEXTS, max_active_dims=3, convert_to_sparse_tensor=False)
    assert cut.count_nonzero(dim=1).tolist() == [3] * 5
    assert torch.equal(cut.max(dim=1).values, whole.max(dim=1).values)
    assert (cut == 0).logical_or(cut == whole).all()
    limited = SparseEncoder(folder, device="cpu", max_active_dims=3)
    assert torch.equal(limited.encode(TEXTS, convert_to_sparse_tensor=False), cut)
    assert limited.settings()["max_active_dims"] == 3


def test_weights_have_words(model: SparseEncoder):
    found = model.encode(TEXTS[0])
    words = model.decode(found, top_k=3)
    values, places = found.to_dense().topk(3)
    assert words == list(zip(model.tokenizer.convert_ids_to_tokens(places.tolist()), values.tolist(), strict=True))
    assert model.intersection(found, found).values().tolist() == pytest.approx((found.values() ** 2).tolist())
    assert model.sparsity(found)["active_dims"] == float(found.to_dense().count_nonzero())


def test_a_model_is_as_it_was_after_encoding(model: SparseEncoder):
    model.train()
    model[1].eval()
    model.encode(TEXTS, max_active_dims=2)
    assert (model.training, model[0].training, model[1].training) == (True, True, False)
    assert not model._forward_pre_hooks


def test_pooling_a_few_tokens_at_a_time_gives_the_same(model: SparseEncoder):
    whole = model.encode(TEXTS).to_dense()
    assert model.splade_pooling_chunk_size is None
    model.splade_pooling_chunk_size = 7
    assert (model.splade_pooling_chunk_size, model[1].chunk_size) == (7, 7)
    assert torch.equal(model.encode(TEXTS).to_dense(), whole)


def test_similarities_are_dot_products_unless_another_is_named(folder: Path, model: SparseEncoder):
    rows = model.encode(TEXTS)
    dense = rows.to_dense()
    assert torch.allclose(model.similarity(rows, rows), dense @ dense.T, atol=1e-3)
    assert torch.allclose(model.similarity_pairwise(rows, rows), (dense * dense).sum(dim=1), atol=1e-3)
    cosine = SparseEncoder(folder, device="cpu", similarity_fn_name="cosine")
    assert torch.allclose(cosine.similarity(rows, rows).diagonal(), torch.ones(5))


def test_a_plain_model_for_masked_words_becomes_a_splade_model(tmp_path: Path):
    write_body(tmp_path, tiny.tiny_model("bert", "fill-mask"), "bert", padding_side="right", limit=64)
    model = SparseEncoder(tmp_path, device="cpu")
    assert kinds(model) == ["Transformer", "SpladePooling"]
    assert (model.get_embedding_dimension(), model.max_active_dims) == (380, None)


def test_any_other_plain_model_gets_a_sparse_auto_encoder_that_the_seed_decides(tmp_path: Path):
    write_body(tmp_path, tiny.tiny_body("bert"), "bert", padding_side="right", limit=64)
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(SparseEncoder(tmp_path, device="cpu"))
    first, again, other = found
    assert kinds(first) == ["Transformer", "Pooling", "SparseAutoEncoder"]
    assert (first.get_embedding_dimension(), first.max_active_dims) == (4 * tiny.HIDDEN, 4 * tiny.HIDDEN)
    assert torch.equal(first[2].encoder.weight, again[2].encoder.weight)
    assert not torch.equal(first[2].encoder.weight, other[2].encoder.weight)


def test_a_dense_model_keeps_its_modules_and_gets_one_more(tmp_path: Path):
    model = SparseEncoder(tiny.tiny_checkpoint(tmp_path / "dense", dense="Tanh"), device="cpu")
    assert kinds(model) == ["Transformer", "Pooling", "Dense", "Normalize", "SparseAutoEncoder"]
    assert (model[4].k, model[4].k_aux, model.max_active_dims) == (6, 12, 6)
    assert model.similarity_fn_name == "dot"
    assert model.encode(TEXTS).to_dense().count_nonzero(dim=1).max() <= 6
    assert model.encode(TEXTS, max_active_dims=40).to_dense().count_nonzero(dim=1).max() > 6
    model.save_pretrained(tmp_path / "sparse")
    again = SparseEncoder(tmp_path / "sparse", device="cpu")
    assert kinds(again) == kinds(model)
    assert torch.equal(again.encode(TEXTS).to_dense(), model.encode(TEXTS).to_dense())


def test_routes_put_together_by_hand(tmp_path: Path, folder: Path):
    body = Transformer(folder, transformer_task="fill-mask", max_seq_length=64)
    queries = SparseStaticEmbedding(body.tokenizer, weight=torch.arange(380.0))
    router = Router.for_query_document([queries], [body, SpladePooling("max")])
    model = SparseEncoder(modules=[router], device="cpu")
    tokens = set(body.tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"])
    assert set(model.encode_query(TEXTS[0]).indices()[0].tolist()) == tokens - {0}
    documents = model.encode_document(TEXTS)
    assert torch.allclose(documents.to_dense(), SparseEncoder(folder, device="cpu").encode(TEXTS).to_dense(), atol=1e-5)
    model.save_pretrained(tmp_path / "saved")
    again = SparseEncoder(tmp_path / "saved", device="cpu")
    assert torch.equal(again.encode_query(TEXTS).to_dense(), model.encode_query(TEXTS).to_dense())
    assert torch.equal(again.encode_document(TEXTS).to_dense(), documents.to_dense())


def test_a_forward_pass_has_gradients_and_what_losses_read(folder: Path):
    body = Transformer(folder, transformer_task="feature-extraction")
    model = SparseEncoder(modules=[body, Pooling(tiny.HIDDEN), SparseAutoEncoder(tiny.HIDDEN, 96, 4)], device="cpu")
    found = model.train()(model.preprocess(TEXTS))
    assert {"sentence_embedding", "decoded_embedding_k", "decoded_embedding_4k"} < set(found)
    found["sentence_embedding"].sum().backward()
    assert body.model.get_input_embeddings().weight.grad.abs().max() > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_models_in_16_bits(folder: Path, dtype: torch.dtype):
    model = SparseEncoder(folder, device="cpu", model_kwargs={"dtype": dtype})
    found, wanted = model.encode(TEXTS), SparseEncoder(folder, device="cpu").encode(TEXTS)
    assert found.dtype == dtype
    assert (found.to_dense().float() - wanted.to_dense()).abs().max() < 0.2


@pytest.mark.parametrize(("given", "error", "message"), [
    ({"max_active_dims": 0}, ArgumentError, "max_active_dims: 0"),
    ({"similarity_fn_name": "maxsim"}, ArgumentError, "similarity_fn_name: 'maxsim', expected one of"),
    ({"trust_remote_code": True}, ArgumentError, "trust_remote_code: True, expected False"),
])  # fmt: skip
def test_arguments_of_the_constructor_are_checked(folder: Path, given: Any, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        SparseEncoder(folder, **given)


@pytest.mark.parametrize(("given", "error", "message"), [
    ({"inputs": [1]}, InputError, "text 0: int 1, expected a str"),
    ({"inputs": TEXTS, "max_active_dims": -1}, ArgumentError, "max_active_dims: -1"),
    ({"inputs": TEXTS, "batch_size": 0}, ArgumentError, "batch_size: 0"),
    ({"inputs": TEXTS, "prompt_name": "other"}, ArgumentError, "prompt_name: 'other', expected one of"),
])  # fmt: skip
def test_arguments_of_encode_are_checked(model: SparseEncoder, given: Any, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        model.encode(**given)


def test_a_reranker_s_folder_is_refused(tmp_path: Path):
    folder = tiny.reranker_checkpoint(tmp_path / "reranker")
    tiny.change(folder / "config_sentence_transformers.json", {"model_type": "CrossEncoder"})
    with pytest.raises(ModelFolderError, match="model_type is 'CrossEncoder', expected 'SparseEncoder'"):
        SparseEncoder(folder)
