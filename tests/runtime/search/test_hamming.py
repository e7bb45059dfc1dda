"""Mirrors runtime/airvec/search/hamming.py."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.precision import quantize_embeddings
from airvec.search import hamming, hamming_sim


def vectors(count: int, dim: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


@pytest.mark.parametrize("precision", ["ubinary", "binary"])
@pytest.mark.parametrize("dim", [1, 8, 63, 64, 65, 384, 1000])
def test_it_counts_the_bits_that_differ(monkeypatch, precision, dim):
    monkeypatch.setattr(hamming, "ROWS_AT_ONCE", 30)
    monkeypatch.setattr(hamming, "PAIRS_AT_ONCE", 100)
    a, b = vectors(17, dim, 1), vectors(70, dim, 2)
    found = hamming_sim(quantize_embeddings(a, precision), quantize_embeddings(b, precision))
    assert found.dtype == np.float32
    assert (found == -((a > 0)[:, None] != (b > 0)[None]).sum(axis=-1)).all()


def test_more_bits_than_sixteen_can_count():
    codes = np.zeros((2, 2**13 + 8), np.uint8)
    codes[1] = 255
    assert hamming_sim(codes, codes).tolist() == [[0, -65600], [-65600, 0]]


def test_one_code_and_none():
    codes = np.array([[1], [3]], np.uint8)
    assert hamming_sim(codes[0], codes).tolist() == [[0, -1]]
    assert hamming_sim(codes[:0], codes).shape == (0, 2)
    assert hamming_sim(codes, codes[:0]).shape == (2, 0)


def test_equal_codes_have_no_negative_zero():
    codes = np.array([[7]], np.uint8)
    assert not np.signbit(hamming_sim(codes, codes)).any()


@pytest.mark.parametrize("other", [np.zeros((2, 4), np.int8), np.zeros((2, 4), np.float32)])
def test_codes_of_two_kinds_are_refused(other):
    with pytest.raises(ArgumentError, match=f"uint8 and {other.dtype}, expected uint8 on both sides"):
        hamming_sim(np.zeros((2, 4), np.uint8), other)


def test_codes_of_two_widths_are_refused():
    with pytest.raises(ArgumentError, match="4 and 5 bytes, expected the same"):
        hamming_sim(np.zeros((2, 4), np.uint8), np.zeros((2, 5), np.uint8))
