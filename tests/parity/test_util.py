"""airvec.util against sentence_transformers.util 6.2, live.

Two deliberate differences, each with a test: dot products of int8 codes are exact, where the reference wraps around,
and equal scores come in the order of the corpus, which the reference leaves open.
"""

import numpy as np
import pytest
import torch
from sentence_transformers import util as reference

from airvec import util
from airvec.errors import AirvecWarning, ArgumentError

pytestmark = pytest.mark.parity

SIMILARITIES = ("cos_sim", "dot_score", "euclidean_sim", "manhattan_sim")
PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")


def vectors(count: int, dim: int = 24, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def clusters(sizes: tuple[int, ...], spread: float, seed: int = 0) -> np.ndarray:
    """Groups around centres, with rows in between; shuffled."""
    random = np.random.default_rng(seed)
    centres = np.repeat(random.normal(size=(len(sizes), 16)), sizes, axis=0)
    rows = centres + spread * random.normal(size=centres.shape)
    return random.permutation(rows).astype(np.float32)


@pytest.mark.parametrize("prefix", ["", "pairwise_"])
@pytest.mark.parametrize("name", SIMILARITIES)
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_similarities_are_equal_for_arrays_lists_and_single_vectors(name, prefix, kind):
    ours, theirs = getattr(util, prefix + name), getattr(reference, prefix + name)
    a, b = vectors(30).astype(kind), vectors(30, seed=1).astype(kind)
    a[3] = 0
    for left, right in [(a, b), (a.tolist(), b.tolist()), (list(a), list(b))]:
        expected = theirs(left, right).numpy()
        np.testing.assert_allclose(ours(left, right), expected, rtol=2e-6, atol=1e-5)
        assert ours(left, right).shape == expected.shape
    if not prefix:
        for left, right in [(a, b[0]), (a[0], b), (a[0], b[0]), (a[:1].tolist(), b[0].tolist()), (a[:0], b)]:
            expected = theirs(left, right).numpy()
            assert ours(left, right).shape == expected.shape
            np.testing.assert_allclose(ours(left, right), expected, rtol=2e-6, atol=1e-5)


@pytest.mark.parametrize("name", SIMILARITIES)
def test_similarities_are_equal_at_the_width_of_real_embeddings(name):
    a, b = (reference.normalize_embeddings(torch.from_numpy(vectors(60, 384, seed))).numpy() for seed in (1, 2))
    for prefix in ("", "pairwise_"):
        expected = getattr(reference, prefix + name)(a, b).numpy()
        np.testing.assert_allclose(getattr(util, prefix + name)(a, b), expected, rtol=1e-5, atol=2e-6)


def test_products_of_codes_are_exact_where_the_reference_wraps_around():
    codes = np.full((1, 2), 127, np.int8)
    assert util.dot_score(codes, codes) == 32258
    assert util.pairwise_dot_score(codes, codes) == 32258
    assert int(reference.dot_score(codes, codes)) == 2  # 32258 in eight bits


@pytest.mark.parametrize("name", SIMILARITIES)
@pytest.mark.parametrize(
    ("query_chunk", "corpus_chunk", "top_k"), [(100, 500_000, 10), (7, 13, 5), (1, 1, 3), (20, 40, 40), (9, 39, 1000)]
)
def test_search_finds_the_same_rows(name, query_chunk, corpus_chunk, top_k):
    queries, corpus = vectors(20), vectors(40, seed=1)
    found, expected = (
        package.semantic_search(queries, corpus, query_chunk, corpus_chunk, top_k, getattr(package, name))
        for package in (util, reference)
    )
    assert [[hit["corpus_id"] for hit in one] for one in found] == [[hit["corpus_id"] for hit in e] for e in expected]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose([h["score"] for h in one], [h["score"] for h in other], rtol=1e-5, atol=1e-5)


def test_search_reads_one_query_lists_and_no_queries_as_the_reference_does():
    corpus = vectors(12, 5)
    for queries in (corpus[3], corpus[3].tolist(), list(corpus[:2]), corpus[:0]):
        found, expected = (package.semantic_search(queries, corpus, top_k=4) for package in (util, reference))
        assert [[hit["corpus_id"] for hit in one] for one in found] == [[h["corpus_id"] for h in e] for e in expected]
    assert util.semantic_search(corpus, corpus[:0]) == reference.semantic_search(corpus, corpus[:0]) == [[]] * 12


def test_equal_scores_come_in_the_order_of_the_corpus():
    rows = np.ones((9, 4), np.float32)
    (hits,) = util.semantic_search(rows[0], rows, corpus_chunk_size=4, top_k=6)
    (theirs,) = reference.semantic_search(rows[0], rows, corpus_chunk_size=4, top_k=6)
    assert [hit["corpus_id"] for hit in hits] == [0, 1, 2, 3, 4, 5]
    assert [hit["score"] for hit in hits] == pytest.approx([hit["score"] for hit in theirs])


@pytest.mark.parametrize("name", SIMILARITIES[:2])
@pytest.mark.parametrize(
    ("query_chunk", "corpus_chunk", "max_pairs", "top_k"),
    [(5000, 100_000, 500_000, 100), (7, 11, 500_000, 3), (50, 9, 20, 2), (13, 50, 25, 5), (1, 1, 10, 1)],
)
def test_mining_finds_the_same_pairs(name, query_chunk, corpus_chunk, max_pairs, top_k):
    rows = clusters((9, 8, 7, 6, 20), 0.3)
    found = util.paraphrase_mining_embeddings(rows, query_chunk, corpus_chunk, max_pairs, top_k, getattr(util, name))
    expected = reference.paraphrase_mining_embeddings(
        torch.from_numpy(rows), query_chunk, corpus_chunk, max_pairs, top_k, getattr(reference, name)
    )
    assert [pair[1:] for pair in found] == [pair[1:] for pair in expected]
    np.testing.assert_allclose([pair[0] for pair in found], [pair[0] for pair in expected], rtol=1e-5, atol=1e-6)


def test_mining_few_rows_gives_the_same():
    for count in (0, 1, 2):
        rows = vectors(count)
        found = util.paraphrase_mining_embeddings(rows)
        expected = reference.paraphrase_mining_embeddings(torch.from_numpy(rows))
        assert [pair[1:] for pair in found] == [pair[1:] for pair in expected]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("threshold", "smallest", "batch"), [(0.75, 10, 1024), (0.6, 3, 7), (0.9, 1, 50), (0.3, 5, 64)]
)
def test_communities_are_the_same(seed, threshold, smallest, batch):
    """Wide enough groups to overlap, so that rows are taken from one by another."""
    rows = clusters((30, 14, 12, 9, 4, 1, 1), 0.5, seed)
    found, expected = (package.community_detection(rows, threshold, smallest, batch) for package in (util, reference))
    assert found == expected
    assert expected


@pytest.mark.parametrize(("count", "smallest"), [(0, 1), (0, 10), (1, 1), (1, 2), (9, 10), (10, 10)])
def test_communities_of_few_rows_are_the_same(count, smallest):
    rows = np.ones((count, 4), np.float32) if count == 10 else vectors(count)
    found, expected = (package.community_detection(rows, min_community_size=smallest) for package in (util, reference))
    assert [sorted(group) for group in found] == [sorted(group) for group in expected]
    assert bool(found) == (count >= smallest and count > 0)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("dim", [1, 7, 8, 24, 384, 385])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_codes_are_equal_to_the_last_bit(precision, dim, kind):
    rows = vectors(150, dim).astype(kind)
    rows[:, dim // 2] = 0.25  # a dimension that never changes
    check_codes(rows, precision)
    check_codes(rows[:0], precision)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_codes_within_given_ranges_and_outside_them_are_equal(precision):
    rows, calibration = vectors(40) * 3, vectors(500, seed=1)
    ranges = np.vstack([calibration.min(axis=0), calibration.max(axis=0)])
    ranges[:, 2] = 0.5  # no width at all
    for given in (ranges, ranges.astype(np.float64), ranges.astype(np.float16)):
        check_codes(rows, precision, ranges=given)
        check_codes(rows[0], precision, ranges=given)
    check_codes(rows, precision, calibration_embeddings=calibration)
    check_codes(rows[:1], precision, calibration_embeddings=calibration)
    check_codes(list(rows), precision, calibration_embeddings=calibration)


def check_codes(rows, precision: str, **options: np.ndarray) -> None:
    found, expected = (package.quantize_embeddings(rows, precision, **options) for package in (util, reference))
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert (found == expected).all()


@pytest.mark.parametrize("precision", ["int8", "uint8"])
@pytest.mark.parametrize("rows", [vectors(1), vectors(1)[0]])
def test_both_refuse_to_take_ranges_from_one_vector(precision, rows):
    with pytest.raises(ArgumentError):
        util.quantize_embeddings(rows, precision)
    with pytest.raises(ValueError, match="single embedding"):
        reference.quantize_embeddings(rows, precision)


def test_codes_from_few_vectors_are_equal_and_we_warn():
    rows = vectors(5)
    with pytest.warns(AirvecWarning, match="ranges taken from 5 vectors"):
        found = util.quantize_embeddings(rows, "int8")
    assert (found == reference.quantize_embeddings(rows, "int8")).all()


def test_unit_vectors_and_shorter_ones_are_equal():
    rows = vectors(40, 384)
    rows[0] = 0
    expected = reference.normalize_embeddings(torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(util.normalize_embeddings(rows), expected, rtol=0, atol=1e-7)
    for dim in (None, 1, 100, 384, 999):
        assert (util.truncate_embeddings(rows, dim) == reference.truncate_embeddings(rows, dim)).all()
        assert util.truncate_embeddings(rows[0], dim).shape == reference.truncate_embeddings(rows[0], dim).shape


def test_every_function_of_ours_has_one_of_that_name_there():
    assert [name for name in util.__all__ if not hasattr(reference, name)] == []
