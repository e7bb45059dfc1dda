"""MaxSim against plain loops, whatever the blocks."""

import numpy as np
import pytest

from airvec import ArgumentError, maxsim
from airvec.maxsim import MAXSIMS

LENGTHS = ((3, 1, 7, 4), (2, 9, 1))


def rows(lengths, seed=0, dim=6):
    random = np.random.default_rng(seed)
    return [random.normal(size=(length, dim)).astype(np.float32) for length in lengths]


def in_loops(query, document, mean=False):
    total = 0.0
    for q in query:
        total += max(float(sum(q * d)) for d in document)
    return total / max(1, len(query)) if mean else total


@pytest.mark.parametrize("name", MAXSIMS)
@pytest.mark.parametrize("block", [(1, 1), (4, 5), (1024, 4096)])
def test_it_equals_plain_loops(monkeypatch, name, block):
    monkeypatch.setattr(maxsim, "QUERY_TOKENS", block[0])
    monkeypatch.setattr(maxsim, "DOCUMENT_TOKENS", block[1])
    every, pairwise = MAXSIMS[name]
    queries, documents = rows(LENGTHS[0]), rows(LENGTHS[1], 1)
    expected = [[in_loops(q, d, name == "meanmaxsim") for d in documents] for q in queries]
    np.testing.assert_allclose(every(queries, documents), expected, rtol=1e-5, atol=1e-5)
    assert every(queries, documents).dtype == np.float32
    np.testing.assert_allclose(pairwise(queries[:3], documents), np.diagonal(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", MAXSIMS)
def test_texts_without_tokens_are_scored_as_in_the_reference(name):
    every, pairwise = MAXSIMS[name]
    queries, documents = rows((2, 0)), rows((3, 0, 1))
    found = every(queries, documents)
    assert found[:, 1].tolist() == [-5e8 if name == "meanmaxsim" else -1e9, -1e9]
    assert (found[1, [0, 2]] == 0).all()
    assert (np.abs(found[0, [0, 2]]) < 100).all()
    np.testing.assert_array_equal(pairwise(queries, documents[:2]), [found[0, 0], found[1, 1]])


def test_one_array_is_one_text_and_no_texts_give_no_rows():
    one = rows((3,))[0]
    assert maxsim.maxsim(one, rows((2, 2))).shape == (1, 2)
    assert maxsim.maxsim(one.tolist() and [one.tolist()], one).shape == (1, 1)
    assert maxsim.maxsim([], rows((2, 2))).shape == (0, 2)
    assert maxsim.mean_maxsim(rows((2, 2)), []).shape == (2, 0)
    assert maxsim.maxsim_pairwise([], []).shape == (0,)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("text", "multi-vectors: str"), (np.zeros((2, 3, 4)), r"ndarray of shape \[2, 3, 4\]"),
     ([np.zeros(4)], r"item 0 is ndarray of shape \[4\]"), ([np.zeros((2, 6)), ["a"]], "item 1 is list"),
     ([np.zeros((2, 5))], "of 5, 6 dimensions")],
)  # fmt: skip
def test_what_are_no_multi_vectors_is_refused(wrong, said):
    with pytest.raises(ArgumentError, match=said):
        maxsim.maxsim(wrong, rows((2,)))


def test_pairs_need_as_many_of_both():
    with pytest.raises(ArgumentError, match="2 queries and 3 documents"):
        maxsim.maxsim_pairwise(rows((1, 1)), rows((1, 1, 1)))
