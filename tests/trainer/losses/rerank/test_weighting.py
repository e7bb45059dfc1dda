import math

import pytest
import torch

from airvec_trainer.losses.rerank import (
    LambdaRankScheme,
    NDCGLoss1Scheme,
    NDCGLoss2PPScheme,
    NDCGLoss2Scheme,
    NoWeightingScheme,
    PListMLELambdaWeight,
)

GAIN = torch.tensor([[0.5, 0.1, 0.3]])
DISCOUNT = torch.log2(torch.tensor([[2.0, 3.0, 4.0]]))  # 1, log2 3, 2
LOG3 = math.log2(3)


def weights(scheme) -> torch.Tensor:
    return scheme(GAIN, DISCOUNT, torch.zeros(1, 3)).expand(1, 3, 3)[0]


def test_without_weights_every_pair_counts_one():
    assert weights(NoWeightingScheme()).tolist() == [[1.0] * 3] * 3


def test_the_first_scheme_discounts_gains():
    assert weights(NDCGLoss1Scheme())[:, 0].tolist() == pytest.approx([0.5, 0.1 / LOG3, 0.15])


def test_the_second_scheme_reads_the_distance_of_ranks():
    found = weights(NDCGLoss2Scheme())
    assert found[0, 1].item() == pytest.approx(0.4 * (1 - 1 / LOG3))
    assert found[0, 2].item() == pytest.approx(0.2 * (1 / LOG3 - 1 / 2))
    assert found[1, 2].item() == pytest.approx(0.2 * (1 - 1 / LOG3))


def test_lambda_rank_reads_the_ranks_themselves():
    found = weights(LambdaRankScheme())
    assert found[0, 2].item() == pytest.approx(0.2 * (1 - 1 / 2))
    assert found[1, 2].item() == pytest.approx(0.2 * (1 / LOG3 - 1 / 2))


@pytest.mark.parametrize("scheme", [NDCGLoss2Scheme(), LambdaRankScheme(), NDCGLoss2PPScheme()])
def test_a_pair_counts_the_same_both_ways_and_a_document_with_itself_nothing(scheme):
    found = weights(scheme)
    assert torch.equal(found, found.T)
    assert found.diagonal().tolist() == [0.0] * 3


def test_both_are_added_the_first_mu_times():
    expected = 3 * weights(NDCGLoss2Scheme()) + weights(LambdaRankScheme())
    assert torch.allclose(weights(NDCGLoss2PPScheme(3)), expected)
    assert NDCGLoss2PPScheme().mu == 10.0


def test_places_halve_and_the_last_counts_nothing():
    mask = torch.tensor([[True, True, True, True], [True, True, False, False]])
    assert PListMLELambdaWeight()(mask).tolist() == [[7.0, 3.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]]


def test_weights_of_long_lists_are_finite():
    found = PListMLELambdaWeight()(torch.ones(1, 300, dtype=torch.bool))
    assert found.isfinite().all()
    assert (found[0, 0] / found[0, 1]).item() == pytest.approx(2.0)


def test_a_function_of_your_own_gives_the_weights():
    assert PListMLELambdaWeight(lambda mask: mask * 2.0)(torch.tensor([[True, False]])).tolist() == [[2.0, 0.0]]
