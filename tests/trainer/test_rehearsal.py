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
from tests.trainer.trainings import losses_of, pairs, scored, trainer

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
KNOWN = Dataset.from_dict({"anchor": ["one", "two", "three"] * 4, "positive": ["two", "three", "one"] * 4})
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


def of_own(made: Any) -> Any:
    """A loss that gives what `made` makes of the mean distance of two columns."""
    return lambda columns, labels: made((columns[0] - columns[1]).square().mean(1))


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (lambda value: value, r"a tensor of shape \(4,\)"),
        (lambda value: value.mean().item(), r"float: 0\."),
        (lambda value: None, "NoneType: None"),
        (lambda value: {"near": value.mean(), "far": 0.5}, r"far: float: 0\.5"),
        (lambda value: {}, "dict: {}"),
        (lambda value: value.mean() > 0, r"a tensor of torch\.bool"),
    ],
)
def test_a_loss_of_one_s_own_gives_one_number_or_parts_of_one_number_each(
    made: Any, found: str, tmp_path: Path
) -> None:
    ready = trainer(tmp_path, tmp_path / "out", data={"nq": pairs()}, model=static_model(), loss={"nq": of_own(made)})
    with pytest.raises(
        TrainingError, match=f"train_dataset 'nq': .*: <lambda>: gives {found}.* expected a tensor of one"
    ):
        ready.train()


def test_a_loss_without_a_gradient_is_refused_before_a_weight_moves(tmp_path: Path) -> None:
    loss = of_own(lambda value: value.mean().detach())
    found = trainer(tmp_path, tmp_path / "out", data=KNOWN, model=static_model(), loss=loss)
    with pytest.raises(TrainingError, match="step 1: the loss is .* without a gradient, expected"):
        found.train()


def test_parts_of_a_loss_of_one_s_own_are_summed_and_logged(tmp_path: Path) -> None:
    loss = of_own(lambda value: {"near": value.mean(), "far": 2 * value.mean()})
    once, parts = of_own(lambda value: 3 * value.mean()), []
    for one in (loss, once):
        found = trainer(tmp_path, tmp_path / "out", data=KNOWN, model=static_model(), loss=one)
        found.train()
        parts.append([entry for entry in found.state.log_history if "loss" in entry])
    assert [entry["loss"] for entry in parts[0]] == pytest.approx([entry["loss"] for entry in parts[1]], rel=1e-4)
    assert [3 * entry["near"] for entry in parts[0]] == pytest.approx([entry["loss"] for entry in parts[0]], abs=2e-3)
    assert all(entry["far"] > 0 for entry in parts[0])


def test_a_loss_around_one_of_one_s_own_takes_its_parts(tmp_path: Path) -> None:
    for wrapped in (
        GradCache(loss=of_own(lambda value: {"near": value.mean()}), mini_batch_size=2),
        MatryoshkaLoss(loss=of_own(lambda value: {"near": value.mean()}), matryoshka_dims=[3, 2]),
    ):
        found = trainer(tmp_path, tmp_path / "out", data=KNOWN, model=static_model(), loss=wrapped)
        found.train()
        assert all(value > 0 for value in losses_of(found))


def test_what_is_told_points_at_the_user_s_own_line(tmp_path: Path) -> None:
    data = KNOWN.add_column("doc_id", ["one", "two", "three"] * 4)  # pyright: ignore[reportCallIssue]
    found = trainer(tmp_path, tmp_path / "out", data=data, model=static_model(), loss=MultipleNegativesRankingLoss())
    with pytest.warns(AirvecWarning, match="'doc_id' looks like identifiers") as told:
        found.train()
    assert [entry.filename for entry in told] == [__file__]
