"""Numbers that can be checked by hand, and the projection to a teacher's width."""

from contextlib import contextmanager
from math import log

import pytest
import torch
from torch import nn

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer.losses import (
    DistillKLDivLoss,
    EmbedDistillLoss,
    GradCache,
    MarginMSELoss,
    MatryoshkaLoss,
    MSELoss,
)
from airvec_trainer.losses.protocol import modules_of, prepare
from airvec_trainer.similarity import pairwise_cos_sim

STUDENT = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
TEACHER = torch.tensor([[1.0, 0.0], [3.0, 5.0]])


class Student(nn.Linear):
    """A model of two dimensions."""

    def __init__(self) -> None:
        super().__init__(1, 1)
        self.device = torch.device("cpu")

    def get_embedding_dimension(self) -> int:
        return 2


def test_squared_differences_are_averaged_over_all_elements():
    assert MSELoss()([STUDENT], TEACHER).item() == pytest.approx((9 + 16) / 4)


def test_a_teacher_for_all_columns_or_for_each():
    assert MSELoss()([STUDENT, TEACHER], TEACHER).item() == pytest.approx((25 / 4 + 0) / 2)
    assert MSELoss()([STUDENT, TEACHER], torch.stack([STUDENT, TEACHER], dim=1)) == 0


@pytest.mark.parametrize(("distance", "expected"), [("l2", 5 / 2), ("mse", 25 / 4), ("cosine", (1 - 5 / 34**0.5) / 2)])
def test_embeddings_are_compared_by_the_distance_asked_for(distance, expected):
    assert EmbedDistillLoss(distance_metric=distance)([STUDENT], TEACHER).item() == pytest.approx(expected)


def test_margins_are_differences_of_products():
    # 1 − 0 and 1 − 0 of the student; 3 and −1 of the teacher
    columns = [STUDENT, STUDENT, STUDENT.flip(0)]
    assert MarginMSELoss()(columns, torch.tensor([3.0, -1.0])).item() == pytest.approx((4 + 4) / 2)
    assert MarginMSELoss()(columns, torch.tensor([[5.0, 2.0], [0.0, 1.0]])).item() == pytest.approx((4 + 4) / 2)


def test_each_negative_has_a_margin():
    columns = [STUDENT, STUDENT, STUDENT.flip(0), 3 * STUDENT]  # 1 − 0 and 1 − 3
    assert MarginMSELoss()(columns, torch.tensor([[1.0, 0.0]] * 2)).item() == pytest.approx((0 + 4) / 2)
    cosines = MarginMSELoss(similarity_fct=pairwise_cos_sim)
    assert cosines(columns, torch.tensor([[1.0, 0.0]] * 2)).item() == pytest.approx(0)


def test_whole_numbers_are_margins_too():
    assert MarginMSELoss()([STUDENT, STUDENT, STUDENT.flip(0)], torch.tensor([3, 3])).item() == pytest.approx(4)


def test_distributions_that_are_equal_cost_nothing():
    columns = [STUDENT, STUDENT, STUDENT.flip(0)]
    assert DistillKLDivLoss()(columns, torch.tensor([[1.0, 0.0]] * 2)).item() == pytest.approx(0)


def test_distributions_are_compared_at_their_temperatures():
    columns = [STUDENT, STUDENT, STUDENT]  # ½ and ½ at every temperature
    labels = torch.tensor([[9.0, 1.0]] * 2).log()  # ¾ and ¼ at temperature 2
    divergence = 0.75 * log(0.75 / 0.5) + 0.25 * log(0.25 / 0.5)
    assert DistillKLDivLoss(temperature=2)(columns, labels).item() == pytest.approx(4 * divergence)
    loss = DistillKLDivLoss(temperature=5, student_temperature=3, teacher_temperature=2)
    assert loss(columns, labels).item() == pytest.approx(9 * divergence)


def test_scores_so_far_apart_that_candidates_vanish_warn():
    columns = [STUDENT, STUDENT, STUDENT]
    with pytest.warns(AirvecWarning, match="differ by up to 200, .* Set teacher_temperature to 2 or more"):
        DistillKLDivLoss()(columns, torch.tensor([[200.0, 0.0]] * 2))
    assert DistillKLDivLoss(teacher_temperature=2)(columns, torch.tensor([[200.0, 0.0]] * 2)).isfinite()


def test_a_candidate_may_be_left_out_with_minus_infinity():
    labels = torch.tensor([[1.0, -torch.inf]] * 2)
    assert DistillKLDivLoss()([STUDENT, STUDENT, STUDENT], labels).item() == pytest.approx(log(2))


@pytest.mark.parametrize("kind", [MSELoss, EmbedDistillLoss])
def test_a_projection_is_made_from_the_models_width_once(kind):
    loss = prepare(kind(projection_dim=3), Student())
    assert (loss.projection.in_features, loss.projection.out_features) == (2, 3)
    assert list(modules_of(loss)) == [loss.projection]
    assert prepare(loss, Student()).projection is loss.projection
    assert prepare(kind(), Student()).projection is None
    assert loss([STUDENT], torch.ones(2, 3)).isfinite()


@pytest.mark.parametrize("kind", [MSELoss, EmbedDistillLoss])
def test_a_projection_is_kept_for_a_later_stage(kind, tmp_path):
    first = prepare(kind(projection_dim=3), Student())
    first.save_projection(tmp_path / "projection.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["projection.safetensors"]
    second = kind(projection_dim=3)
    second.load_projection(tmp_path / "projection.safetensors")
    assert torch.equal(second.projection.weight, first.projection.weight)
    third = prepare(kind(projection_dim=3), Student())
    kept = third.projection
    third.load_projection(tmp_path / "projection.safetensors")
    assert third.projection is kept
    assert torch.equal(kept.bias, first.projection.bias)


def test_a_projection_of_other_widths_is_refused(tmp_path):
    prepare(MSELoss(projection_dim=3), Student()).save_projection(tmp_path / "p.safetensors")
    with pytest.raises(ArgumentError, match=r"a projection from 2 to 3 dimensions, expected 2 to 4"):
        MSELoss(projection_dim=4).load_projection(tmp_path / "p.safetensors")
    with pytest.raises(ArgumentError, match=r"projection=None, expected one to save"):
        MSELoss().save_projection(tmp_path / "q.safetensors")


@pytest.mark.parametrize("kind", [MSELoss, EmbedDistillLoss])
def test_the_projection_is_the_given_losss_own_also_inside_another(kind, tmp_path):
    own = kind(projection_dim=3)
    around = prepare(GradCache(loss=own), Student())
    assert list(modules_of(around)) == [own.projection]
    own.save_projection(tmp_path / "p.safetensors")  # what the training of `around` has moved


def test_a_projection_begins_at_the_width_before_truncation():
    class Truncated(Student):
        truncated = True

        def get_embedding_dimension(self) -> int:
            return 1 if self.truncated else 2

        @contextmanager
        def truncate_embeddings(self, dim):
            self.truncated = dim is not None
            yield
            self.truncated = True

    assert prepare(MSELoss(projection_dim=3), Truncated()).projection.in_features == 2
    assert prepare(MatryoshkaLoss(loss=MSELoss(), matryoshka_dims=[2, 1]), Truncated()).matryoshka_dims == (2, 1)


def test_a_projection_for_a_model_of_another_width_is_refused():
    class Wide(Student):
        def get_embedding_dimension(self) -> int:
            return 5

    with pytest.raises(ArgumentError, match="its projection is from 2 dimensions, expected 5"):
        prepare(prepare(MSELoss(projection_dim=3), Student()), Wide())


def test_a_model_that_does_not_tell_its_width_has_no_projection_made():
    with pytest.raises(ArgumentError, match="projection_dim=3, and no module of the model tells its width"):
        prepare(MSELoss(projection_dim=3), nn.Identity())
