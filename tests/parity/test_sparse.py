"""SparseEncoder's other methods against the reference: decoded tokens, active dimensions, sparsity, intersections.

Its vectors are in test_matrix.py.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SparseEncoder as Reference

from airvec import SparseEncoder
from tests import tiny
from tests.parity.subjects import SPARSE, Subject, prepare
from tests.parity.variants import VARIANTS, Variant, make_folder

pytestmark = [pytest.mark.parity, pytest.mark.slow]

TEXTS = tiny.texts(12)
BERT, ROUTER = Subject("bert", SPARSE), Subject("opensearch doc-v2", SPARSE, family=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sparse") / "bert"
    return make_folder(VARIANTS[SPARSE]["max, relu"], "bert", prepare(BERT), made)


@pytest.fixture(scope="module")
def models(folder: Path) -> tuple[SparseEncoder, Reference]:
    return SparseEncoder(folder), Reference(str(folder), device="cpu")


def test_decoded_tokens_and_weights_are_the_reference_s(models: tuple[SparseEncoder, Reference]):
    ours, theirs = models
    found, expected = ours.decode(ours.encode(TEXTS), top_k=10), theirs.decode(theirs.encode(TEXTS), top_k=10)
    assert [[token for token, _ in row] for row in found] == [[token for token, _ in row] for row in expected]
    assert any(token.startswith("##") for row in expected for token, _ in row)
    weights = [np.array([weight for row in rows for _, weight in row]) for rows in (found, expected)]
    np.testing.assert_allclose(*weights, rtol=1e-4)


def test_special_tokens_count_and_padding_does_not(models: tuple[SparseEncoder, Reference]):
    """A text without words has the dimensions that its two special tokens activate, whatever stands beside it."""
    ours, theirs = models
    expected = theirs.encode([""], convert_to_sparse_tensor=False).numpy()
    assert expected.any()
    for texts in ([""], ["", TEXTS[-1]]):
        np.testing.assert_allclose(ours.encode(texts)[:1].to_dense(), expected, atol=1e-4)


@pytest.mark.parametrize("count", [1, 7, 500])
def test_the_largest_dimensions_are_kept_by_call_and_by_model(folder: Path, count: int):
    ours, theirs = SparseEncoder(folder, max_active_dims=count), Reference(str(folder), max_active_dims=count)
    expected = theirs.encode(TEXTS, convert_to_sparse_tensor=False).numpy()
    assert (expected > 0).sum(axis=1).max() <= count
    for found in (ours.encode(TEXTS), SparseEncoder(folder).encode(TEXTS, max_active_dims=count)):
        np.testing.assert_allclose(found.to_dense(), expected, atol=1e-4 * max(1, expected.max()))


@pytest.mark.filterwarnings("ignore:Sparse:UserWarning")  # torch's, of what the reference does with its tensors
def test_sparsity_and_intersection_are_the_reference_s(models: tuple[SparseEncoder, Reference]):
    ours, theirs = models
    found, expected = ours.encode(TEXTS), theirs.encode(TEXTS)
    for name, value in theirs.sparsity(expected).items():
        assert ours.sparsity(found)[name] == pytest.approx(value, rel=1e-6)
    common, wanted = ours.intersection(found[0], found), theirs.intersection(expected[0], expected)
    np.testing.assert_allclose(common.to_dense(), wanted.to_dense().numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["dot", "cosine", "euclidean", "manhattan"])
def test_similarities_are_the_reference_s(models: tuple[SparseEncoder, Reference], name: Any):
    ours, theirs = models
    assert ours.similarity_fn_name == theirs.similarity_fn_name == "dot"
    found = SparseEncoder(str(ours._folder.path), similarity_fn_name=name)
    expected = Reference(str(ours._folder.path), similarity_fn_name=name, device="cpu")
    # Of different texts: from a text to itself the reference's Euclidean distance is off by what cancels, about 0.01.
    rows, wanted = ([model.encode(part) for part in (TEXTS[:6], TEXTS[6:])] for model in (found, expected))
    np.testing.assert_allclose(found.similarity(*rows), expected.similarity(*wanted), rtol=1e-4)
    np.testing.assert_allclose(found.similarity_pairwise(*rows), expected.similarity_pairwise(*wanted), rtol=1e-4)


def test_queries_of_a_router_need_no_transformer_and_count_each_token_once(tmp_path: Path):
    published = make_folder(Variant(), "router", prepare(ROUTER), tmp_path / "model")
    ours, theirs = SparseEncoder(published), Reference(str(published), device="cpu")
    texts = ["the the the", "the", "", "The cat", *TEXTS[:3]]
    expected = theirs.encode_query(texts, convert_to_sparse_tensor=False).numpy()
    np.testing.assert_array_equal(expected[0], expected[1])
    np.testing.assert_allclose(ours.encode_query(texts).to_dense(), expected, rtol=1e-6)
    assert ours.decode(ours.encode_query("the"), top_k=3) == [
        (token, pytest.approx(weight)) for token, weight in theirs.decode(theirs.encode_query("the"), top_k=3)
    ]
