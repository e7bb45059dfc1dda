"""SPLADE's regularisers rise; losses are found wherever they are."""

from types import SimpleNamespace
from typing import Any

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.callbacks import SpladeRegularizerWeightSchedulerCallback as Scheduler
from airvec_trainer.callbacks import scheduled_losses
from airvec_trainer.losses import CoSENTLoss, MatryoshkaLoss, SparseMultipleNegativesRankingLoss, SpladeLoss


def splade() -> SpladeLoss:
    return SpladeLoss(
        loss=SparseMultipleNegativesRankingLoss(), document_regularizer_weight=0.2, query_regularizer_weight=0.1
    )


def factors(steps: int, **settings: Any) -> list[float]:
    loss = splade()
    callback = Scheduler(loss, **settings)
    found = []
    callback.on_train_begin(None, SimpleNamespace(max_steps=steps, global_step=0), None)
    for step in range(steps):
        callback.on_step_begin(None, SimpleNamespace(max_steps=steps, global_step=step), None)
        found.append(loss.schedule.factor)
    return found


def test_weights_rise_with_the_square_of_the_steps_over_a_third_of_them() -> None:
    assert factors(12) == [0.0, 1 / 16, 4 / 16, 9 / 16, *[1.0] * 8]


def test_weights_may_rise_in_proportion_and_over_all_steps() -> None:
    assert factors(4, scheduler_type="linear", warmup_ratio=1.0) == [0.0, 0.25, 0.5, 0.75]


def test_a_training_shorter_than_the_share_has_one_step_of_warm_up() -> None:
    assert factors(2) == [0.0, 1.0]


def test_a_resumed_training_begins_where_it_was() -> None:
    loss = splade()
    Scheduler(loss).on_train_begin(None, SimpleNamespace(max_steps=12, global_step=2), None)
    assert loss.schedule.factor == 0.25


def test_the_weights_are_logged() -> None:
    loss, logs = splade(), {}
    callback = Scheduler(loss)
    loss.schedule.factor = 0.5
    callback.on_log(None, None, None, logs=logs)
    assert logs == {"document_regularizer_weight": 0.1, "query_regularizer_weight": 0.05}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scheduler_type": "cubic"}, "'cubic', expected one of linear, quadratic"),
        ({"warmup_ratio": 0}, "warmup_ratio: 0"),
    ],
)
def test_settings_that_cannot_be_are_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Scheduler(splade(), **settings)


def test_another_loss_is_refused() -> None:
    with pytest.raises(ArgumentError, match="CoSENTLoss, expected a SpladeLoss"):
        Scheduler(CoSENTLoss())


def test_losses_to_schedule_are_found_in_dicts_and_inside_others() -> None:
    first, second = splade(), splade()
    found = list(scheduled_losses({"a": first, "b": CoSENTLoss(), "c": second}))
    assert found == [first, second]
    assert list(scheduled_losses(MatryoshkaLoss(loss=CoSENTLoss(), matryoshka_dims=[8]))) == []
