"""What all losses ask of columns and labels."""

import pytest
import torch

from airvec.errors import ArgumentError
from airvec_trainer import losses

PAIR = [torch.eye(2), torch.eye(2)]
TRIPLE = [*PAIR, torch.eye(2)]


@pytest.mark.parametrize(
    ("loss", "columns", "labels", "message"),
    [
        (losses.CoSENTLoss(), torch.eye(2), None, "CoSENTLoss: columns are Tensor, expected a list of tensors"),
        (losses.CoSENTLoss(), [[1.0], [2.0]], None, "columns are ['list', 'list'], expected a list of tensors"),
        (losses.CoSENTLoss(), TRIPLE, None, "CoSENTLoss: 3 columns, expected 2, the label aside. Keep those"),
        (losses.TripletLoss(), PAIR, None, "TripletLoss: 2 columns, expected 3, the label aside"),
        (losses.MultipleNegativesRankingLoss(), PAIR[:1], None, "1 columns, expected 2 or more"),
        (losses.MegaBatchMarginLoss(), TRIPLE, None, "MegaBatchMarginLoss: 3 columns, expected 2"),
        (
            losses.MultipleNegativesRankingLoss(), [torch.eye(2), torch.eye(3)[:, :2]], None,
            "columns of shapes [(2, 2), (3, 2)], expected all (rows, dim) alike. Every row needs one text",
        ),
        (losses.CoSENTLoss(), [torch.ones(2), torch.ones(2)], None, "shapes [(2,), (2,)], expected all (rows, dim)"),
        (losses.CoSENTLoss(), [torch.eye(2).long()] * 2, None, "a column of torch.int64, expected floats"),
        (losses.CoSENTLoss(), PAIR, None, "labels=None, expected labels. Name their column label, labels, score or"),
        (losses.AnglELoss(), PAIR, None, "AnglELoss: labels=None, expected labels"),
        (losses.CoSENTLoss(), PAIR, ["high", 0.2], "labels are list: ['high', 0.2], expected a tensor of numbers. Map"),
        (losses.CoSENTLoss(), PAIR, torch.ones(3), "labels of shape (3,) for 2 rows, expected one a row, (2,)"),
        (losses.CosineSimilarityLoss(), PAIR, torch.eye(2), "labels of shape (2, 2) for 2 rows"),
        (
            losses.BatchHardTripletLoss(), PAIR[:1], torch.tensor([0.5, 1.0]),
            "labels of torch.float32, as [0.5, 1.0], expected classes as whole numbers. Cast the column",
        ),
        (
            losses.SoftmaxLoss(embedding_dimension=2, num_labels=3), PAIR, torch.tensor([-1, 2]),
            "SoftmaxLoss: classes from -1 to 2, expected 0 to 2. Give the number of classes as num_labels, or leave",
        ),
        (
            losses.SoftmaxLoss(embedding_dimension=2, num_labels=3), PAIR, torch.tensor([0, 3]),
            "SoftmaxLoss: classes from 0 to 3, expected 0 to 2",
        ),
        (
            losses.SoftmaxLoss(embedding_dimension=2, num_labels=3), PAIR, torch.tensor([0.0, 1.0]),
            "SoftmaxLoss: labels of torch.float32, as [0.0, 1.0], expected classes",
        ),
        (
            losses.SoftmaxLoss(embedding_dimension=5, num_labels=3), PAIR, torch.tensor([0, 1]),
            "SoftmaxLoss: embeddings of 2 dimensions, expected 5, which the loss was made with. Give embed",
        ),
        (losses.MSELoss(), PAIR[:1], torch.ones(2, 3), "MSELoss: labels of shape (2, 3), expected the teacher's embed"),
        (losses.MSELoss(), PAIR, torch.ones(2, 3, 2), "expected the teacher's embeddings, (2, 2) or (2, 2, 2)."),
        (losses.MSELoss(projection_dim=3), PAIR, torch.ones(2, 3), "projection_dim=3, and the projection is not made"),
        (losses.MarginMSELoss(), TRIPLE, torch.ones(2, 3), "expected (2, 1), a margin for each negative, or (2, 2)"),
        (losses.DistillKLDivLoss(), PAIR, torch.ones(2, 1), "DistillKLDivLoss: 2 columns, expected 3 or more"),
        (losses.DistillKLDivLoss(), TRIPLE, torch.ones(2, 3), "labels of shape (2, 3), expected (2, 2). Give 2"),
        (losses.DistillKLDivLoss(), TRIPLE, torch.full((2, 2), torch.nan), "teacher's scores of a row are [nan, nan]"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_what_to_do(loss, columns, labels, message):
    with pytest.raises(ArgumentError) as problem:
        loss(columns, labels)
    assert message in str(problem.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.CoSENTLoss(scale=0), "CoSENTLoss: scale=0, expected a number above 0"),
        (lambda: losses.MultipleNegativesRankingLoss(scale=float("nan")), "scale=nan, expected a number above 0"),
        (
            lambda: losses.MultipleNegativesRankingLoss(directions=()),
            "directions=(), expected 'query_to_doc' among",
        ),
        (
            lambda: losses.MultipleNegativesRankingLoss(directions=("a",)),
            "a direction='a', expected one of",
        ),
        (lambda: losses.MultipleNegativesRankingLoss(partition_mode="both"), "partition_mode='both', expected one of"),
        (
            lambda: losses.MultipleNegativesRankingLoss(
                directions=("query_to_doc", "doc_to_doc"), partition_mode="per_direction"
            ),
            "partition_mode='per_direction' with ['doc_to_doc'], which hold no positive",
        ),
        (lambda: losses.MultipleNegativesRankingLoss(hardness_mode="all"), "hardness_mode='all', expected one of None"),
        (lambda: losses.MultipleNegativesRankingLoss(hardness_strength=-1), "hardness_strength=-1, expected 0 or more"),
        (lambda: losses.DistillKLDivLoss(teacher_temperature=0), "teacher_temperature=0, expected a number above 0"),
        (lambda: losses.EmbedDistillLoss(distance_metric="cos"), "distance_metric='cos', expected one of 'mse', 'l2'"),
        (lambda: losses.SoftmaxLoss(num_labels=2), "embedding_dimension=None, num_labels=2 and 3 parts"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_when_the_loss_is_made(make, message):
    with pytest.raises(ArgumentError) as problem:
        make()
    assert message in str(problem.value)


@pytest.mark.parametrize("value", [None, "20", 0, -1.0, float("inf"), float("nan")])
def test_a_setting_that_must_be_above_zero_is_refused_with_its_value(value):
    with pytest.raises(ArgumentError, match=f"CoSENTLoss: scale={value!r}, expected a number above 0"):
        losses.CoSENTLoss(scale=value)
