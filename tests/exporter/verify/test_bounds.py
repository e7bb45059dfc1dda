"""Mirrors exporter/airvec_exporter/verify/bounds.py."""

import pytest

from airvec.folder import DENSE, RERANKER, SPARSE
from airvec_exporter.verify.bounds import BOUNDS, LOSSY, Bound, bound_of, is_lossy


@pytest.mark.parametrize("kind", [DENSE, SPARSE, RERANKER])
@pytest.mark.parametrize("variant", ["fp32", "fused", "O1", "O2", "openvino", "anything"])
def test_graphs_in_float32_are_bound_to_torch_s_numbers(variant: str, kind: str):
    assert not is_lossy(variant)
    assert bound_of(variant, kind) == Bound(max_delta=BOUNDS[kind])
    assert bound_of(variant, kind, 0.5) == Bound(max_delta=0.5)


@pytest.mark.parametrize(
    ("variant", "family"),
    [
        ("int8", "int8"),
        ("int8-x86", "int8"),
        ("int8_arm64", "int8"),
        ("int8-dynamic", "int8-dynamic"),
        ("int8-dynamic-avx2", "int8-dynamic"),
        ("openvino-int8", "openvino-int8"),
        ("O4", "O4"),
    ],
)
def test_a_family_s_graph_has_the_bound_of_its_variant_whatever_the_caller_s_is(variant: str, family: str):
    assert is_lossy(variant)
    found, stated = bound_of(variant, DENSE, 1e-9), LOSSY[family]
    assert (found.min_cosine, found.batch_delta) == (stated.min_cosine, stated.batch_delta)
    assert found.max_delta is None


def test_logits_are_bound_by_their_order_and_distance_and_embeddings_by_their_cosine():
    assert bound_of("int8", DENSE).rank_correlation is None
    assert bound_of("int8", RERANKER).min_cosine is None
    assert bound_of("int8", RERANKER).rank_correlation == LOSSY["int8"].rank_correlation
    assert bound_of("int8", RERANKER).max_delta == LOSSY["int8"].max_delta
    assert bound_of("int8", RERANKER).batch_delta == 1e-6
