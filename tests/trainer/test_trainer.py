"""The three trainers, and every mistake that is told before the first step."""

from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from airvec.errors import ArgumentError
from airvec_trainer import (
    CrossEncoder,
    CrossEncoderTrainer,
    CrossEncoderTrainingArguments,
    SparseEncoder,
    SparseEncoderTrainer,
    SparseEncoderTrainingArguments,
)
from airvec_trainer.callbacks import SpladeRegularizerWeightSchedulerCallback
from airvec_trainer.errors import TrainingError
from airvec_trainer.losses import (
    BatchHardTripletLoss,
    CoSENTLoss,
    MultipleNegativesRankingLoss,
    SparseMultipleNegativesRankingLoss,
    SpladeLoss,
)
from airvec_trainer.losses.rerank import BinaryCrossEntropyLoss, CrossEntropyLoss
from airvec_trainer.models import Router
from tests.tiny.checkpoints import reranker_checkpoint, sparse_checkpoint, tiny_checkpoint
from tests.trainer.trainings import arguments, losses_of, pairs, scored, trainer, words


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("trainer") / "model")


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sparse_checkpoint(tmp_path_factory.mktemp("trainer") / "sparse")


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reranker_checkpoint(tmp_path_factory.mktemp("trainer") / "reranker")


def test_a_sparse_trainer_s_default_loss_is_splade_with_rising_regularisers(sparse: Path, tmp_path: Path) -> None:
    found = SparseEncoderTrainer(
        SparseEncoder(str(sparse), device="cpu"),
        SparseEncoderTrainingArguments(**arguments(tmp_path)),
        train_dataset=pairs(),
    )
    found.train()
    assert isinstance(found.loss, SpladeLoss)
    assert (
        sum(isinstance(one, SpladeRegularizerWeightSchedulerCallback) for one in found.callback_handler.callbacks) == 1
    )
    assert {"base_loss", "document_regularizer_loss", "query_regularizer_loss"} <= set(found.state.log_history[0])


def test_a_scheduler_of_one_s_own_is_not_doubled(sparse: Path, tmp_path: Path) -> None:
    loss = SpladeLoss(loss=SparseMultipleNegativesRankingLoss(), document_regularizer_weight=0.1)
    own = SpladeRegularizerWeightSchedulerCallback(loss, "linear", 1.0)
    found = SparseEncoderTrainer(
        SparseEncoder(str(sparse), device="cpu"),
        SparseEncoderTrainingArguments(**arguments(tmp_path)),
        train_dataset=pairs(),
        loss=loss,
        callbacks=[own],
    )
    found.train()
    known = [one for one in found.callback_handler.callbacks if isinstance(one, type(own))]
    assert known == [own]
    assert loss.schedule.factor == 3 / 4  # in the last of four steps


def test_an_unwrapped_sparse_loss_is_refused(sparse: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="SparseMultipleNegativesRankingLoss.*SpladeLoss"):
        SparseEncoderTrainer(
            SparseEncoder(str(sparse), device="cpu"),
            SparseEncoderTrainingArguments(**arguments(tmp_path)),
            train_dataset=pairs(),
            loss=SparseMultipleNegativesRankingLoss(),
        )


def test_a_reranker_s_default_loss_goes_by_its_labels(reranker: Path, tmp_path: Path) -> None:
    for labels, kind in ((1, BinaryCrossEntropyLoss), (3, CrossEntropyLoss)):
        home = reranker if labels == 1 else reranker_checkpoint(tmp_path / "labels", labels=labels)
        model = CrossEncoder(str(home), device="cpu")
        data = scored(label=[row % labels for row in range(12)]).remove_columns("score") if labels > 1 else scored()
        found = CrossEncoderTrainer(model, CrossEncoderTrainingArguments(**arguments(tmp_path)), train_dataset=data)
        found.train()
        assert isinstance(found.loss, kind)
        assert len(losses_of(found)) == 4


def test_a_reranker_takes_one_prompt_and_one_route_for_all(reranker: Path, tmp_path: Path) -> None:
    args = CrossEncoderTrainingArguments(**arguments(tmp_path), prompts="query: ", router_mapping="query")
    model = CrossEncoder(str(reranker), device="cpu")
    asked = []
    read = model.preprocess

    def preprocess(pairs: Any, prompt: Any = None, task: Any = None) -> Any:
        asked.append((prompt, task))
        return read(pairs, prompt, task)

    model.preprocess = preprocess
    CrossEncoderTrainer(model, args, train_dataset=scored()).train()
    assert ("query: ", "query") in asked
    assert model.model_card_data.train_datasets[0]["size"] == 12


def test_a_reranker_trains_on_a_stream(reranker: Path, tmp_path: Path) -> None:
    args = CrossEncoderTrainingArguments(**arguments(tmp_path))
    data = scored(16).to_iterable_dataset()
    found = CrossEncoderTrainer(CrossEncoder(str(reranker), device="cpu"), args, train_dataset=data)
    found.train()
    assert len(losses_of(found)) == 4


NONE = [*words(11), None]
WRONG_DATA = {
    "no text": (Dataset.from_dict({"label": [1, 2]}), CoSENTLoss(), r"columns \['label'\], expected one with texts"),
    "numbers": (scored(second=list(range(12))), CoSENTLoss(), r"column 'second': 0 is int, expected a text"),
    "lists": (scored(second=[["a"]] * 12), CoSENTLoss(), r"column 'second': \['a'\] is list, expected a text"),
    "none": (scored(second=NONE), CoSENTLoss(), "column 'second': None in row 11"),
    "string labels": (scored(score=["yes", "no"] * 6), CoSENTLoss(), "the label is 'yes', expected a number"),
    "no label": (pairs(), CoSENTLoss(), "labels=None, expected labels"),
    "one class": (scored(score=[1.0] * 12), CoSENTLoss(), "every label is 1.0, expected two different"),
    "one column": (pairs().remove_columns("positive"), MultipleNegativesRankingLoss(), "1 columns, expected 2"),
    "ragged": (scored(score=[[1.0] * (1 + row % 2) for row in range(12)]), CoSENTLoss(), "cannot be one tensor"),
    "two labels": (scored(label=[1] * 12), CoSENTLoss(), r"column 'score'.*is float, expected a text"),
}


@pytest.mark.parametrize("name", WRONG_DATA)
@pytest.mark.parametrize("role", ["train_dataset", "eval_dataset"])
def test_data_that_cannot_be_trained_on_is_told_before_the_first_step(
    folder: Path, tmp_path: Path, name: str, role: str
) -> None:
    data, loss, message = WRONG_DATA[name]
    good = pairs() if isinstance(loss, MultipleNegativesRankingLoss) else scored()
    given = {"data": data} if role == "train_dataset" else {"data": good, "eval_dataset": data}
    found = trainer(folder, tmp_path, loss=loss, **given)
    with pytest.raises(TrainingError, match=rf"{role}.*{message}"):
        found.train()
    assert found.state.global_step == 0


def test_one_class_with_batches_by_label_is_told_for_evaluation_data_too(folder: Path, tmp_path: Path) -> None:
    def classes(count: int) -> Dataset:
        return Dataset.from_dict({"text": words(12), "label": [row % count for row in range(12)]})

    found = trainer(
        folder, tmp_path, data=classes(3), eval_dataset=classes(12), loss=BatchHardTripletLoss(),
        options={"batch_sampler": "group_by_label", "per_device_eval_batch_size": 4},
    )  # fmt: skip
    with pytest.raises(ArgumentError, match="12 labels, of which 0 have two rows"):
        found.train()


WRONG_ARGUMENTS = {
    "loss for no data set": ({"loss": {"a": CoSENTLoss(), "c": CoSENTLoss()}}, "one for 'c', expected the names"),
    "data set without loss": ({"loss": {"b": CoSENTLoss()}}, "none for 'a' of train_dataset"),
    "losses for one": ({"data": scored(), "loss": {"a": CoSENTLoss()}}, "train_dataset is one data set"),
    "no evaluation data": ({"options": {"eval_strategy": "steps"}}, "eval_strategy: 'steps' with eval_dataset None"),
    "unknown metric": (
        {"options": {"eval_strategy": "steps", "metric_for_best_model": "loss"}, "eval_dataset": {"a": scored()}},
        "metric_for_best_model: 'loss', which no evaluation gives, expected one of eval_a_loss",
    ),
    "reserved column": ({"data": {"a": scored(return_loss=[1] * 12)}}, "train_dataset 'a': a column 'return_loss'"),
    "no rows": ({"data": {"a": scored().select([])}}, "train_dataset 'a': 0 rows"),
    "no data set": ({"data": [{"a": "b"}]}, "train_dataset: list, expected"),
    "a stream among several": ({"data": {"a": scored().to_iterable_dataset()}}, "'a' is a IterableDataset"),

}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_ARGUMENTS)
def test_arguments_that_do_not_fit_together_are_told_at_once(folder: Path, tmp_path: Path, name: str) -> None:
    given, message = WRONG_ARGUMENTS[name]
    given = {"data": {"a": scored()}, "loss": CoSENTLoss()} | given
    with pytest.raises(ArgumentError, match=message):
        trainer(folder, tmp_path, **given)


def test_arguments_of_another_kind_of_model_are_refused(folder: Path, tmp_path: Path) -> None:
    args = trainer(folder, tmp_path, data=scored(), loss=CoSENTLoss()).args
    with pytest.raises(ArgumentError, match="args are SentenceTransformerTrainingArguments, expected CrossEncoder"):
        CrossEncoderTrainer(None, args)


def test_a_model_or_what_makes_it_is_needed_and_not_both(folder: Path, tmp_path: Path) -> None:
    args = CrossEncoderTrainingArguments(**arguments(tmp_path))
    with pytest.raises(ArgumentError, match="model: neither it nor model_init"):
        CrossEncoderTrainer(None, args)
    with pytest.raises(ArgumentError, match="model: both it and model_init"):
        CrossEncoderTrainer(object(), args, model_init=object)


def test_an_output_folder_that_is_a_file_is_told_at_once(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("kept")
    with pytest.raises(ArgumentError, match="out is a file, expected a folder"):
        trainer(folder, tmp_path / "out", data=scored(), loss=CoSENTLoss())
    assert (tmp_path / "out").read_text() == "kept"


def test_a_router_needs_routes_and_columns_take_them(folder: Path, tmp_path: Path) -> None:
    from airvec_trainer import SentenceTransformer

    def routed() -> Any:
        query, document = (list(SentenceTransformer(str(folder), device="cpu")) for _ in range(2))
        return SentenceTransformer(
            modules=[Router.for_query_document(query_modules=query, document_modules=document)], device="cpu"
        )

    with pytest.raises(ArgumentError, match="router_mapping: .* for a model with a Router"):
        trainer(folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss(), model=routed())
    options = {"router_mapping": {"anchor": "query", "positive": "document"}}
    found = trainer(
        folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss(), model=routed(), options=options
    )
    before = {name: weight.detach().clone() for name, weight in found.model.named_parameters()}
    found.train()
    moved = {name for name, weight in found.model.named_parameters() if not before[name].equal(weight)}
    assert any(".query." in name for name in moved)
    assert any(".document." in name for name in moved)


def test_prompts_by_data_set_and_column_need_data_sets_with_names(folder: Path, tmp_path: Path) -> None:
    options = {"prompts": {"nq": {"anchor": "query: "}}}
    with pytest.raises(ArgumentError, match="prompts: .* train_dataset is one data set without a name"):
        trainer(folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss(), options=options)
