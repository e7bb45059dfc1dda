from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer.errors import TrainingError
from airvec_trainer.given import check_kind
from airvec_trainer.losses import (
    AnglELoss,
    BatchHardTripletLoss,
    CoSENTLoss,
    CosineSimilarityLoss,
    GradCache,
    MatryoshkaLoss,
    MultipleNegativesRankingLoss,
    SparseCoSENTLoss,
    SpladeLoss,
    rerank,
)
from airvec_trainer.rehearsal import check_labels_differ
from tests.trainer.static_models import static_model
from tests.trainer.trainings import losses_of, scored, trainer

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


class Broken:
    """A loss, or a collator, that fails as torch does."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, columns: Any, labels: Any = None) -> torch.Tensor:
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("shapes"), AttributeError("no x"), KeyError("y"), ZeroDivisionError()])
@pytest.mark.parametrize("place", ["loss", "data_collator"])
def test_what_fails_names_its_data_set_whatever_it_raises(place: str, error: Exception, tmp_path: Path) -> None:
    given = {"loss": {"nq": CoSENTLoss()}, "data_collator": None}
    given |= {place: {"nq": Broken(error)} if place == "loss" else Broken(error)}
    found = trainer(tmp_path, tmp_path / "out", data={"nq": scored()}, model=static_model(), **given)
    message = rf"train_dataset 'nq': the loss cannot be computed .*{type(error).__name__}: "
    with pytest.raises(TrainingError, match=message) as caught:
        found.train()
    assert caught.value.__cause__ is error


def test_a_loss_for_rerankers_is_told_from_one_for_embeddings(tmp_path: Path) -> None:
    for loss in (rerank.MultipleNegativesRankingLoss(), {"nq": rerank.BinaryCrossEntropyLoss()}):
        with pytest.raises(ArgumentError, match=r"loss: .*Loss of airvec_trainer\.losses\.rerank, which is for scores"):
            trainer(tmp_path, tmp_path / "out", data={"nq": scored()}, model=static_model(), loss=loss)
    with pytest.raises(ArgumentError, match=r"loss: CoSENTLoss of airvec_trainer\.losses, which is for embeddings"):
        check_kind(CoSENTLoss(), rerank=True)
    check_kind(rerank.MSELoss(), rerank=True)


def test_a_collator_of_one_s_own_may_read_columns_that_are_no_texts(tmp_path: Path) -> None:
    model = static_model()
    words = ["one", "two", "three"]
    data = Dataset.from_dict({"first": [0, 1, 2, 0] * 3, "second": [[1], [2], [0], [2]] * 3, "gap": [None] * 12})

    def collate(rows: Any) -> dict[str, Any]:
        texts = [[words[row["first"]] for row in rows], [words[row["second"][0]] for row in rows]]
        return {"columns": [model.preprocess(column) for column in texts], "texts": texts}

    loss = MultipleNegativesRankingLoss()
    found = trainer(tmp_path, tmp_path / "out", data=data, model=model, loss=loss, data_collator=collate)
    found.train()
    assert len(losses_of(found)) == 4
    with pytest.raises(TrainingError, match="column 'first': 0 is int, expected a text"):
        trainer(tmp_path, tmp_path / "out", data=data, model=model, loss=loss).train()
