"""The dense losses that are functions of columns, against sentence-transformers' value and gradient."""

from dataclasses import replace

import pytest
import torch
from sentence_transformers.sentence_transformer import losses as st
from torch import nn

from airvec_trainer import losses
from airvec_trainer.losses.protocol import prepare
from tests.parity.trainer.cases_dense import CASES, DIM, binary, classes, columns, rows, scores
from tests.parity.trainer.loss_cases import BOUNDS, GivesColumnsBack, LossCase, measure, run

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_and_gradient_are_the_references(case: LossCase):
    for dtype, bound in BOUNDS.items():
        assert measure(case, dtype).worst <= bound, dtype


@pytest.mark.parametrize("case", CASES, ids=str)
def test_mixed_precision_changes_both_alike(case: LossCase):
    in_pieces = case.setting.startswith("mini-batched")  # the reference rounds the gradient of each piece to bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        assert measure(case).worst <= BOUNDS[torch.bfloat16 if in_pieces else torch.float32]


def test_no_setting_is_compared_on_zeros_alone():
    moved = {
        (case.loss, case.setting.rpartition(", ")[0])
        for case in CASES
        if any(gradient.abs().max() > 0 for gradient in run(case.reference, case, torch.float32)[1])
    }
    assert moved == {(case.loss, case.setting.rpartition(", ")[0]) for case in CASES}


def test_another_temperature_would_be_caught():
    case = next(case for case in CASES if str(case) == "CoSENTLoss: scale 20, four rows")
    assert measure(replace(case, ours=losses.CoSENTLoss(scale=20.01))).worst > BOUNDS[torch.float32]


def weight_gradients(module: nn.Module) -> list[torch.Tensor]:
    return [weight.grad for weight in module.parameters()]


def test_the_classifier_starts_and_learns_as_the_references_with_torchs_seed():
    torch.manual_seed(3)
    ours = losses.SoftmaxLoss(embedding_dimension=DIM, num_labels=3)
    torch.manual_seed(3)
    reference = st.SoftmaxLoss(GivesColumnsBack(DIM), DIM, 3)
    given = columns(9, 2)
    ours(given, classes(9)).backward()
    reference([{"sentence_embedding": column} for column in given], classes(9)).backward()
    for mine, theirs in zip(ours.classifier.parameters(), reference.parameters(), strict=True):
        assert torch.equal(mine, theirs)
        assert torch.equal(mine.grad, theirs.grad)


@pytest.mark.parametrize(
    ("ours", "theirs", "setting"),
    [
        (losses.MSELoss, st.MSELoss, {}),
        (losses.EmbedDistillLoss, st.EmbedDistillLoss, {}),
        (losses.EmbedDistillLoss, st.EmbedDistillLoss, {"distance_metric": "l2"}),
    ],
)
def test_a_projection_to_the_teachers_width_starts_and_learns_as_the_references(ours, theirs, setting):
    model, given, labels = GivesColumnsBack(DIM), columns(4, 2), rows(4, 1, dim=3)
    torch.manual_seed(3)
    mine = prepare(ours(projection_dim=3, **setting), model)
    torch.manual_seed(3)
    reference = theirs(model, projection_dim=3, **setting)
    value = mine(given, labels)
    expected = reference([{"sentence_embedding": column} for column in given], labels)
    assert value.item() == pytest.approx(expected.item(), abs=1e-6)
    value.backward()
    expected.backward()
    for one, other in zip(weight_gradients(mine.projection), weight_gradients(reference), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_a_saved_projection_is_read_by_both(tmp_path):
    model = GivesColumnsBack(DIM)
    mine = prepare(losses.EmbedDistillLoss(projection_dim=3), model)
    mine.save_projection(tmp_path / "ours.safetensors")
    reference = st.EmbedDistillLoss(model, projection_dim=3)
    reference.load_projection(tmp_path / "ours.safetensors")
    assert torch.equal(reference.projection.weight, mine.projection.weight)
    reference.projection.weight.data += 1
    reference.save_projection(tmp_path / "theirs.safetensors")
    again = losses.EmbedDistillLoss(model, projection_dim=3)
    again.load_projection(tmp_path / "theirs.safetensors")
    assert torch.equal(again.projection.weight, reference.projection.weight)


def test_positional_arguments_behind_the_model_mean_what_they_mean_in_the_reference():
    model, given = GivesColumnsBack(DIM), columns(4, 2)
    features = [{"sentence_embedding": column} for column in given]
    for name, labels, values in [
        ("MultipleNegativesRankingLoss", None, (3.0,)),
        ("CoSENTLoss", scores(4), (3.0,)),
        ("ContrastiveLoss", binary(4), (losses.SiameseDistanceMetric.EUCLIDEAN, 2.0, False)),
        ("MegaBatchMarginLoss", None, (1.5, -1.0, False)),
        ("EmbedDistillLoss", rows(4, 1), ("mse",)),
    ]:
        ours, theirs = getattr(losses, name)(model, *values), getattr(st, name)(model, *values)
        assert ours(given, labels).item() == pytest.approx(theirs(features, labels).item(), rel=1e-6)
