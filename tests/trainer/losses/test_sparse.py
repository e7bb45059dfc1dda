import dataclasses
from types import SimpleNamespace

import pytest
import torch

from airvec_trainer import losses
from airvec_trainer.losses.protocol import prepare
from airvec_trainer.losses.sparse import needs_regulariser
from airvec_trainer.similarity import dot_score

NAMES = [name for name in losses.__all__ if name.startswith("Sparse")]
BY_COSINE = ["SparseCosineSimilarityLoss", "SparseCoSENTLoss", "SparseAnglELoss"]
RANKING = losses.SparseMultipleNegativesRankingLoss()


def test_there_are_eight_sparse_names():
    assert len(NAMES) == 8


@pytest.mark.parametrize("name", NAMES)
def test_a_sparse_name_is_the_dense_loss_with_other_defaults(name):
    dense, sparse = getattr(losses, name.removeprefix("Sparse")), getattr(losses, name)
    assert issubclass(sparse, dense)
    assert [entry.name for entry in dataclasses.fields(sparse)] == [entry.name for entry in dataclasses.fields(dense)]


def test_the_defaults_are_those_of_sparse_embeddings():
    assert (RANKING.scale, RANKING.similarity_fct) == (1.0, dot_score)
    assert losses.SparseDistillKLDivLoss().temperature == 2.0
    assert losses.SparseTripletLoss().triplet_margin == 5


def test_sparse_ranking_takes_dot_products_as_they_are():
    anchors, positives = torch.tensor([[3.0, 0.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    expected = (torch.tensor([1 + torch.tensor(-3.0).exp(), 1 + torch.tensor(-2.0).exp()]).log()).mean()
    assert RANKING([anchors, positives]).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("name", NAMES)
def test_the_model_compares_by_cosine_where_that_is_what_it_learns(name):
    model = SimpleNamespace(similarity_fn_name="dot", device="cpu")
    inner = getattr(losses, name)()
    prepare(losses.SpladeLoss(loss=inner, document_regularizer_weight=0.1), model)
    assert model.similarity_fn_name == ("cosine" if name in BY_COSINE else "dot")


@pytest.mark.parametrize("name", [*NAMES, "FlopsLoss"])
def test_only_the_mean_squared_error_stands_alone(name):
    assert needs_regulariser(getattr(losses, name)()) == (name != "SparseMSELoss")


@pytest.mark.parametrize(
    "whole",
    [
        losses.SpladeLoss(loss=RANKING, document_regularizer_weight=0.1),
        losses.CachedSpladeLoss(loss=RANKING, document_regularizer_weight=0.1),
        losses.CSRLoss(loss=RANKING),
        losses.GradCache(loss=losses.SpladeLoss(loss=RANKING, document_regularizer_weight=0.1)),
        losses.MultipleNegativesRankingLoss(),
        lambda columns, labels: columns[0].sum(),
    ],
)
def test_inside_a_whole_loss_or_with_another_name_nothing_is_missing(whole):
    assert not needs_regulariser(whole)


@pytest.mark.parametrize(
    "wrapper", [losses.GradCache, lambda loss: losses.MatryoshkaLoss(loss=loss, matryoshka_dims=[2])]
)
def test_another_wrapper_makes_no_part_whole(wrapper):
    assert needs_regulariser(wrapper(loss=RANKING))
