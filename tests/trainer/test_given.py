"""What a trainer was given is checked as a whole: every prompt and every route is for something in the data."""

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import IterableDataset
from transformers import EarlyStoppingCallback

from airvec.errors import ArgumentError
from airvec_trainer.arguments import CrossEncoderTrainingArguments, SentenceTransformerTrainingArguments
from airvec_trainer.data import checked_form
from airvec_trainer.given import check_keys
from airvec_trainer.losses import MultipleNegativesRankingLoss
from tests.tiny.checkpoints import tiny_checkpoint
from tests.trainer.losses.stand_ins import Reader
from tests.trainer.static_models import static_model
from tests.trainer.trainings import pairs, scored, trainer

NAMED = {"nq": pairs(), "sts": scored()}


def check(out: Path, given: dict[str, Any], train: Any, evaluation: Any = None, *, rerank: bool = False) -> None:
    kind = CrossEncoderTrainingArguments if rerank else SentenceTransformerTrainingArguments
    data = checked_form(train, "train_dataset"), checked_form(evaluation, "eval_dataset")
    check_keys(kind(output_dir=str(out), use_cpu=True, **given), *data, by_column=not rerank)


@pytest.mark.parametrize("argument", ["prompts", "router_mapping"])
@pytest.mark.parametrize(
    ("mapping", "train", "message"),
    [
        (
            {"anchr": "query"},
            pairs(),
            r": 'anchr' is no name in the data, expected one of columns 'anchor', 'pos",
        ),
        ({"anchr": "query"}, IterableDataset.from_generator(lambda: iter(pairs())), ": 'anchr' is no name in the data"),
        ({"nqq": "query"}, NAMED, ": 'nqq' is no name in the data, expected one of data sets 'nq', 'sts' and columns"),
        ({"nqq": {"anchor": "query"}}, NAMED, ": 'nqq' is no name in the data, expected one of data sets 'nq', 'sts'"),
        ({"nq": {"first": "query"}}, NAMED, r"\['nq'\]: 'first' is no name .* expected one of columns 'anchor', 'pos"),
        ({"nq": {"anchor": "query"}}, pairs(), ": 'nq' is no name in the data, expected one of several data sets"),
    ],
)
def test_a_name_that_is_none_in_the_data_is_an_error(
    argument: str, mapping: Any, train: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match=argument + message):
        check(tmp_path, {argument: mapping}, train)


@pytest.mark.parametrize(
    ("mapping", "train", "evaluation"),
    [
        ({"anchor": "query"}, pairs(), None),
        ({"anchor": "query", "first": "query"}, NAMED, None),
        ({"nq": "query"}, NAMED, None),
        ({"nq": {"anchor": "query"}, "dev": {"positive": "query"}}, NAMED, {"dev": pairs()}),
        ({"first": "query"}, pairs(), scored()),
        ({"query": "query"}, pairs().with_transform(lambda rows: {"query": rows["anchor"]}), None),
        ({"nowhere": "query"}, None, None),
        ({}, pairs(), None),
    ],
)
def test_names_of_training_and_evaluation_data_are_taken(
    mapping: Any, train: Any, evaluation: Any, tmp_path: Path
) -> None:
    check(tmp_path, {"prompts": mapping, "router_mapping": mapping}, train, evaluation)


def test_a_reranker_s_names_are_those_of_data_sets(tmp_path: Path) -> None:
    check(tmp_path, {"prompts": {"nq": "query: "}, "router_mapping": "query"}, NAMED, rerank=True)
    with pytest.raises(ArgumentError, match=r"prompts: 'anchor' is no name in the data, expected one of data sets"):
        check(tmp_path, {"prompts": {"anchor": "query: "}}, NAMED, rerank=True)


def test_a_trainer_checks_them_unless_its_collator_is_the_user_s(tmp_path: Path) -> None:
    folder: Any = tiny_checkpoint(tmp_path / "model")
    options: Any = {"prompts": {"anchr": "query: "}}
    loss = MultipleNegativesRankingLoss()
    with pytest.raises(ArgumentError, match="prompts: 'anchr'"):
        trainer(folder, tmp_path / "out", data=pairs(), loss=loss, options=options)
    trainer(folder, tmp_path / "out", data=pairs(), loss=loss, options=options, data_collator=list)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("./folder", r"model: './folder' is a str, expected a SentenceTransformer. Open it: .*\('./folder'\)"),
        (Path("folder"), r"model: 'folder' is a PosixPath, expected a SentenceTransformer"),
        (torch.nn.Linear(2, 2), "model: Linear reads no texts, expected a SentenceTransformer"),
        (3, "model: int reads no texts, expected a SentenceTransformer"),
        (type("CrossEncoder", (Reader,), {})(), "model: a CrossEncoder, expected .* Take CrossEncoderTrainer"),
    ],
)
def test_what_is_no_model_of_the_trainer_s_kind_is_an_error(model: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=message):
        trainer(tmp_path, tmp_path / "out", data=pairs(), model=model)


@pytest.mark.parametrize("options", [{"metric_for_best_model": "eval_loss"}, {"eval_strategy": "epoch"}])
@pytest.mark.parametrize("callback", [EarlyStoppingCallback, EarlyStoppingCallback(2)])
def test_stopping_early_without_a_metric_or_an_evaluation_is_an_error(
    options: Any, callback: Any, tmp_path: Path
) -> None:
    given: Any = {"data": pairs(), "eval_dataset": pairs(), "model": static_model(), "callbacks": [callback]}
    with pytest.raises(ArgumentError, match=r"EarlyStoppingCallback: (metric_for_best_model is None|eval_str.*'no')"):
        trainer(tmp_path, tmp_path / "out", options=options, **given)
    both: Any = {"metric_for_best_model": "eval_loss", "eval_strategy": "epoch"}
    trainer(tmp_path, tmp_path / "out", options=both, loss=MultipleNegativesRankingLoss(), **given).train()


def test_an_evaluator_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="evaluator: 'sts' is a str, expected one of airvec_trainer.evaluation"):
        trainer(tmp_path, tmp_path / "out", data=pairs(), model=static_model(), evaluator="sts")


@pytest.mark.parametrize("place", ["notes.txt", "notes.txt/below/run"])
def test_an_output_folder_that_is_a_file_or_below_one_is_an_error(place: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ArgumentError, match=r"output_dir: .*notes\.txt is a file.* expected a folder"):
        trainer(tmp_path, tmp_path / place, data=pairs(), model=static_model())
