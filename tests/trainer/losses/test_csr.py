import pytest
import torch
from torch import nn

from airvec.errors import ArgumentError
from airvec_exporter.modules.sparse_auto_encoder import SparseAutoEncoder
from airvec_trainer.losses import (
    CachedMultipleNegativesRankingLoss,
    CSRLoss,
    CSRReconstructionLoss,
    GradCache,
    MatryoshkaLoss,
    MSELoss,
    SparseMultipleNegativesRankingLoss,
)
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.csr import READS
from airvec_trainer.losses.protocol import parts_of

X = torch.tensor([[1.0, 3.0], [1.0, -1.0]])
NAMES = ["reconstruction_loss_k", "reconstruction_loss_4k", "reconstruction_loss_aux"]


def output(**changed) -> dict:
    zeros = torch.zeros(2, 2)
    return {**dict.fromkeys(READS, zeros), "sentence_embedding_backbone": X, "sentence_embedding": X, **changed}


def values(loss: CSRReconstructionLoss, *outputs: dict) -> list[float]:
    return [part.item() for part in loss.of_outputs(outputs).values()]


def test_each_part_is_an_error_of_its_own():
    # Squares 1, 9, 1, 1: 3 as their mean. The rows' variance is (0 + 0 + 4 + 4) / 4 = 2.
    assert values(CSRReconstructionLoss(), output()) == [3.0, 3 / 8, 1.5]
    assert values(CSRReconstructionLoss(beta=0.5), output()) == [3.0, 3 / 8, 0.75]


def test_columns_are_averaged():
    perfect = output(decoded_embedding_k=X, decoded_embedding_4k=X, decoded_embedding_aux=X)
    assert values(CSRReconstructionLoss(), output(), perfect) == [1.5, 3 / 16, 0.75]


def test_rows_that_are_all_alike_have_no_variance_to_divide_by():
    alike = output(sentence_embedding_backbone=X[:1].expand(2, 2))
    assert values(CSRReconstructionLoss(), alike)[2] == 5.0


def test_without_dead_dimensions_their_part_is_zero():
    assert values(CSRReconstructionLoss(), output(decoded_embedding_aux=None))[2] == 0.0


def test_what_the_rest_is_measured_against_gets_no_gradient():
    unbiased = torch.zeros(2, 2, requires_grad=True)
    parts = CSRReconstructionLoss().of_outputs([output(decoded_embedding_k_pre_bias=unbiased)])
    assert not parts["reconstruction_loss_aux"].requires_grad


class Coder(nn.Module):
    """A dense encoder of two numbers a row, and an auto-encoder behind it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.coder = SparseAutoEncoder(4, 8, k=2, k_aux=3)

    def forward(self, features: dict) -> dict:
        return self.coder({"sentence_embedding": features["input_ids"].float()})


def batch() -> Batch:
    draw = torch.Generator().manual_seed(0)
    return Batch(Coder(), [{"input_ids": torch.randint(-5, 5, (3, 4), generator=draw)} for _ in range(2)])


def test_the_inner_loss_is_multiplied_by_gamma():
    once, twice = (parts_of(CSRLoss(gamma=gamma), batch()) for gamma in (1.0, 2.0))
    assert list(once) == [*NAMES, "base_loss"]
    assert twice["base_loss"].item() == pytest.approx(2 * once["base_loss"].item())
    assert once["base_loss"].item() > 0
    assert all(torch.equal(once[name], twice[name]) for name in NAMES)


def test_beta_is_that_of_the_reconstruction():
    parts = parts_of(CSRLoss(beta=0.3), batch())
    alone = parts_of(CSRReconstructionLoss(beta=0.3), batch())
    assert [parts[name].item() for name in NAMES] == [alone[name].item() for name in NAMES]


def test_the_value_is_the_sum_of_the_parts():
    assert CSRLoss().on_batch(batch()).item() == pytest.approx(sum(parts_of(CSRLoss(), batch()).values()).item())


def test_without_a_loss_the_sparse_ranking_is_meant():
    given = CSRLoss(loss=SparseMultipleNegativesRankingLoss())
    assert CSRLoss().on_batch(batch()) == given.on_batch(batch())


def test_labels_go_to_the_inner_loss():
    labels = torch.ones(3, 8)
    parts = parts_of(CSRLoss(loss=MSELoss()), batch(), labels)
    codes = [found["sentence_embedding"] for found in batch().outputs()]
    assert parts["base_loss"].item() == pytest.approx(MSELoss()(codes, labels).item())


def test_a_model_without_an_auto_encoder_is_refused():
    with pytest.raises(ArgumentError, match=r"gives \['sentence_embedding'\] without \['sentence_embedding_backbone'"):
        CSRReconstructionLoss().of_outputs([{"sentence_embedding": X}])


def test_a_loss_that_is_no_function_of_embeddings_is_refused():
    with pytest.raises(ArgumentError, match="CSRLoss: loss is CSRReconstructionLoss"):
        CSRLoss(loss=CSRReconstructionLoss())


def test_a_loss_around_a_loss_can_be_inside():
    inner = MatryoshkaLoss(loss=SparseMultipleNegativesRankingLoss(), matryoshka_dims=[8, 4])
    codes = [found["sentence_embedding"] for found in batch().outputs()]
    assert parts_of(CSRLoss(loss=inner), batch())["base_loss"].item() == pytest.approx(inner(codes).item())


def test_the_gradient_cache_has_only_embeddings_and_is_refused():
    with pytest.raises(ArgumentError, match="GradCache: loss is CSRLoss, expected a loss of embeddings"):
        GradCache(loss=CSRLoss())
    with pytest.raises(ArgumentError, match="CSRLoss: loss is Cached.*, which has a gradient cache"):
        CSRLoss(loss=CachedMultipleNegativesRankingLoss())
