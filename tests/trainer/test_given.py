"""What a trainer was given is checked as a whole: every prompt and every route is for something in the data."""

from pathlib import Path
from typing import Any

import pytest
from datasets import IterableDataset

from airvec.errors import ArgumentError
from airvec_trainer.arguments import CrossEncoderTrainingArguments, SentenceTransformerTrainingArguments
from airvec_trainer.data import checked_form
from airvec_trainer.given import check_keys
from airvec_trainer.losses import MultipleNegativesRankingLoss
from tests.tiny.checkpoints import tiny_checkpoint
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
