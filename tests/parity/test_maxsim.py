"""MaxSim against sentence_transformers.util 6.2, live."""

import numpy as np
import pytest
import torch
from sentence_transformers import util as reference

from airvec import util

pytestmark = pytest.mark.parity

NAMES = ("maxsim", "mean_maxsim", "maxsim_pairwise", "mean_maxsim_pairwise")


def rows(lengths: tuple[int, ...], seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(size=(length, 48)).astype(np.float32) for length in lengths]


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_equal(name):
    queries, documents = rows((5, 1, 32, 8), 0), rows((80, 3, 1, 17), 1)
    tensors = [[torch.from_numpy(one) for one in side] for side in (queries, documents)]
    expected = getattr(reference, name)(*tensors).numpy()
    found = getattr(util, name)(queries, documents)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
    assert np.ptp(expected) > 1


@pytest.mark.parametrize("name", NAMES[:2])
def test_single_texts_and_none_are_equal(name):
    one, several = rows((5,), 0)[0], rows((3, 4), 1)
    ours, theirs = getattr(util, name), getattr(reference, name)
    for a, b in [(one, several), (several, one), (one, one), ([], several), (several, [])]:
        expected = theirs(a, b).numpy()
        assert ours(a, b).shape == expected.shape
        np.testing.assert_allclose(ours(a, b), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_texts_without_tokens_are_equal(name):
    queries, documents = rows((2, 0, 3, 0), 0), rows((3, 0, 0, 4), 1)
    expected = getattr(reference, name)(queries, documents).numpy()
    np.testing.assert_allclose(getattr(util, name)(queries, documents), expected, rtol=1e-5, atol=1e-4)
