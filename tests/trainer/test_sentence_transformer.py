"""Mirrors trainer/airvec_trainer/sentence_transformer/model.py: arguments and shape of results."""

from typing import Any

import numpy as np
import pytest
import torch

from airvec.errors import AirvecWarning, ArgumentError, InputError
from airvec_trainer.modules import Router
from airvec_trainer.sentence_transformer import SentenceTransformer
from tests.trainer.static_models import static_model, table

TEXTS = ["one two", "three", "one one three two", "two"]


def test_rows_come_in_the_order_of_the_texts_whatever_the_batch_size():
    model = static_model()
    wanted = np.stack([model.encode(text) for text in TEXTS])
    assert wanted.dtype == np.float32
    assert wanted.std(axis=0).min() > 0.01
    for size in (1, 3, 32, None):
        np.testing.assert_allclose(model.encode(TEXTS, batch_size=size), wanted, atol=1e-6)


def test_shapes_of_results():
    model = static_model()
    assert model.encode("one").shape == (3,)
    assert model.encode([]).shape == (0, 3)
    assert model.encode([], truncate_dim=2).shape == (0, 2)
    assert model.encode([], convert_to_tensor=True).shape == (0, 3)
    assert model.encode(np.array(TEXTS)).shape == (4, 3)
    assert isinstance(model.encode(TEXTS, convert_to_tensor=True), torch.Tensor)
    assert isinstance(model.encode("one", convert_to_tensor=True, precision="binary"), torch.Tensor)
    listed = model.encode(TEXTS, convert_to_numpy=False)
    assert [type(row) for row in listed] == [torch.Tensor] * 4
    assert model.encode(sentences=TEXTS).shape == (4, 3)


def test_results_are_cut_and_then_scaled():
    model = static_model(truncate_dim=2)
    assert model.get_embedding_dimension() == model.get_sentence_embedding_dimension() == 2
    found = model.encode(TEXTS, normalize_embeddings=True)
    assert found.shape == (4, 2)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert model.encode(TEXTS, truncate_dim=1).shape == (4, 1)
    with model.truncate_embeddings(3):
        assert model.encode(TEXTS).shape == (4, 3)
    assert model.truncate_dim == 2


def test_prompts_by_name_by_text_and_by_default():
    model = static_model(prompts={"query": "query: ", "document": "passage: "})
    by_text = {name: model.encode(TEXTS, prompt=text) for name, text in model.prompts.items()}
    assert np.abs(by_text["query"] - model.encode(TEXTS)).max() > 0.01
    assert np.array_equal(model.encode(TEXTS, prompt_name="query"), by_text["query"])
    assert np.array_equal(model.encode_query(TEXTS), by_text["query"])
    assert np.array_equal(model.encode_document(TEXTS), by_text["document"])
    default = static_model(prompts=model.prompts, default_prompt_name="document")
    assert np.array_equal(default.encode(TEXTS), by_text["document"])
    assert np.array_equal(default.encode(TEXTS, prompt=""), model.encode(TEXTS))
    with pytest.warns(AirvecWarning, match="given together"):
        model.encode(TEXTS, prompt="", prompt_name="query")


def test_routes_by_method_by_task_and_by_key():
    model = SentenceTransformer(modules=[Router.for_query_document([table(1)], [table(2)])], device="cpu")
    query, document = model.encode_query(TEXTS), model.encode_document(TEXTS)
    assert np.abs(query - document).max() > 0.1
    assert np.array_equal(model.encode(TEXTS, task="query"), query)
    assert np.array_equal(model.encode([{"query": text} for text in TEXTS]), query)
    assert np.array_equal(model.encode(TEXTS), document)


def test_all_features_and_those_of_tokens():
    model = static_model()
    features = model.encode(TEXTS, output_value=None)
    assert [set(one) for one in features] == [{"input_ids", "attention_mask", "sentence_embedding"}] * 4
    assert features[1]["sentence_embedding"].shape == (3,)


@pytest.mark.parametrize(
    "name", ["cosine", "dot", "euclidean", "manhattan"],
)  # fmt: skip
def test_similarities_take_lists_arrays_and_tensors(name: str):
    model = static_model(similarity_fn_name=name)
    a = model.encode(TEXTS)
    wanted = model.similarity(a, a)
    assert (wanted.dtype, wanted.shape) == (torch.float32, (4, 4))
    for other in (a.tolist(), torch.from_numpy(a), list(torch.from_numpy(a))):
        assert torch.allclose(model.similarity(a, other), wanted, atol=1e-6)
    assert torch.allclose(model.similarity_pairwise(a, a), wanted.diagonal(), atol=1e-3)
    assert torch.equal(model.similarity(a.astype(np.int8), a.astype(np.int8)).isnan().any(), torch.tensor(False))


def test_no_gradients_and_no_changes_of_mode():
    model = static_model().train()
    model[1].eval()
    assert not model.encode(TEXTS, convert_to_tensor=True).requires_grad
    assert [module.training for module in (model, model[0], model[1])] == [True, True, False]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"inputs": [None]}, InputError, "text 0: None, expected a str"),
        ({"inputs": ["one", 3]}, InputError, "text 1: int 3, expected a str"),
        ({"inputs": None}, InputError, "neither of inputs and sentences"),
        ({"inputs": [("one", "two")]}, InputError, "text 0: tuple"),
        ({"inputs": TEXTS, "prompt_name": "qeury"}, ArgumentError, "prompt_name: 'qeury', expected one of 'query'"),
        ({"inputs": TEXTS, "prompt": 3}, ArgumentError, "prompt: 3, expected a str"),
        ({"inputs": TEXTS, "batch_size": 0}, ArgumentError, "batch_size: 0"),
        ({"inputs": TEXTS, "truncate_dim": -1}, ArgumentError, "truncate_dim: -1"),
        ({"inputs": TEXTS, "precision": "int4"}, ArgumentError, "precision: 'int4'"),
        ({"inputs": TEXTS, "output_value": "all"}, ArgumentError, "output_value: 'all'"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        static_model().encode(**given)


def test_a_similarity_that_is_none_is_refused():
    with pytest.raises(ArgumentError, match="similarity_fn_name: 'cosin', expected one of cosine"):
        static_model(similarity_fn_name="cosin")
