from typing import Any

import pytest

from airvec.errors import AirvecWarning
from airvec_trainer.errors import TrainingError
from airvec_trainer.losses import (
    AnglELoss,
    BatchHardTripletLoss,
    CoSENTLoss,
    CosineSimilarityLoss,
    GradCache,
    MatryoshkaLoss,
    SparseCoSENTLoss,
    SpladeLoss,
)
from airvec_trainer.rehearsal import check_labels_differ
from tests.trainer.trainings import scored

NAMES = ("label", "score")
COMPARING = [
    CoSENTLoss(),
    SparseCoSENTLoss(),
    AnglELoss(),
    BatchHardTripletLoss(),
    MatryoshkaLoss(loss=CoSENTLoss(), matryoshka_dims=[4]),
    GradCache(loss=CoSENTLoss()),
    SpladeLoss(loss=GradCache(loss=SparseCoSENTLoss()), document_regularizer_weight=0.1),
]
ALIKE = scored(score=[1.0] * 12)


@pytest.mark.parametrize("loss", COMPARING, ids=lambda loss: type(loss).__name__)
def test_labels_that_are_all_alike_teach_such_a_loss_nothing_wherever_it_is(loss: Any) -> None:
    with pytest.raises(TrainingError, match=r"here: every label is 1\.0, expected two .*Loss compares rows"):
        check_labels_differ(ALIKE, "here", loss, NAMES)
    check_labels_differ(scored(), "here", loss, NAMES)


def test_a_stream_of_alike_labels_gives_a_warning_as_others_may_follow() -> None:
    with pytest.warns(AirvecWarning, match=r"every label is 1\.0 in the first 12 rows.* shuffle the stream"):
        check_labels_differ(ALIKE.to_iterable_dataset(), "here", COMPARING[4], NAMES)
    check_labels_differ(scored().to_iterable_dataset(), "here", CoSENTLoss(), NAMES)


def test_other_losses_and_rows_of_several_texts_may_have_alike_labels() -> None:
    check_labels_differ(ALIKE, "here", CosineSimilarityLoss(), NAMES)
    check_labels_differ(scored(score=[1.0] * 12, third=["a"] * 12), "here", AnglELoss(), NAMES)
