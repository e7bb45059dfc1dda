"""Training arguments: names, JSON, what is forced, and what cannot be."""

from pathlib import Path
from typing import Any

import pytest
from transformers import HfArgumentParser

from airvec.errors import ArgumentError
from airvec_trainer.arguments import (
    CrossEncoderTrainingArguments,
    SentenceTransformerTrainingArguments,
    SparseEncoderTrainingArguments,
)
from airvec_trainer.samplers import BatchSamplers, DefaultBatchSampler, MultiDatasetBatchSamplers

KINDS = [SentenceTransformerTrainingArguments, SparseEncoderTrainingArguments, CrossEncoderTrainingArguments]


def made(out: Path, **given: Any) -> SentenceTransformerTrainingArguments:
    return SentenceTransformerTrainingArguments(output_dir=str(out), use_cpu=True, **given)


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_are_the_reference_s(kind: Any, tmp_path: Path) -> None:
    args = kind(output_dir=str(tmp_path), use_cpu=True)
    assert args.prompts is None
    assert args.batch_sampler is BatchSamplers.BATCH_SAMPLER
    assert args.multi_dataset_batch_sampler is MultiDatasetBatchSamplers.PROPORTIONAL
    assert args.router_mapping == args.learning_rate_mapping == {}
    assert args.prediction_loss_only is True
    assert args.ddp_broadcast_buffers is False


def test_names_become_members(tmp_path: Path) -> None:
    args = made(tmp_path, batch_sampler="no_duplicates", multi_dataset_batch_sampler="round_robin")
    assert args.batch_sampler is BatchSamplers.NO_DUPLICATES
    assert args.multi_dataset_batch_sampler is MultiDatasetBatchSamplers.ROUND_ROBIN


def test_dicts_may_be_json(tmp_path: Path) -> None:
    args = made(
        tmp_path, prompts='{"a": "x: "}', router_mapping='{"a": "query"}', learning_rate_mapping='{"head": 0.001}'
    )
    assert args.prompts == {"a": "x: "}
    assert args.router_mapping == {"a": "query"}
    assert args.learning_rate_mapping == {"head": 0.001}


@pytest.mark.parametrize("prompt", ["query: ", "{query}: ", "12", '["a"]'])
def test_a_prompt_that_is_no_dict_of_json_stays_a_prompt(prompt: str, tmp_path: Path) -> None:
    assert made(tmp_path, prompts=prompt).prompts == prompt


@pytest.mark.parametrize(
    ("given", "expected"),
    [("query", "query"), ('{"nq": "query"}', {"nq": "query"}), ({"nq": "query"}, {"nq": "query"}), (None, {})],
)
def test_a_reranker_may_have_one_route_for_all(given: Any, expected: Any, tmp_path: Path) -> None:
    args = CrossEncoderTrainingArguments(output_dir=str(tmp_path), use_cpu=True, router_mapping=given)
    assert args.router_mapping == expected


def test_a_route_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="router_mapping: 3, expected a route, or {data set: route}"):
        CrossEncoderTrainingArguments(output_dir=str(tmp_path), use_cpu=True, router_mapping=3)


def test_a_command_line_makes_them(tmp_path: Path) -> None:
    line = [
        "--output_dir",
        str(tmp_path),
        "--use_cpu",
        "true",
        "--prompts",
        '{"a": "x"}',
        "--batch_sampler",
        "no_duplicates",
    ]
    (args,) = HfArgumentParser(SentenceTransformerTrainingArguments).parse_args_into_dataclasses(line)
    assert args.prompts == {"a": "x"}
    assert args.batch_sampler is BatchSamplers.NO_DUPLICATES


def test_the_old_name_of_a_warm_up_s_share_is_taken(tmp_path: Path) -> None:
    args = made(tmp_path, warmup_ratio=0.1)
    assert args.get_warmup_steps(100) == 10
    with pytest.raises(ArgumentError, match=r"warmup_ratio 0.1 beside warmup_steps 5"):
        made(tmp_path, warmup_ratio=0.1, warmup_steps=5)


def test_samplers_given_as_code_are_kept_and_left_out_of_the_dict(tmp_path: Path) -> None:
    args = made(tmp_path, batch_sampler=DefaultBatchSampler, multi_dataset_batch_sampler=lambda *_, **__: None)
    assert args.batch_sampler is DefaultBatchSampler
    assert not {"batch_sampler", "multi_dataset_batch_sampler"} & set(args.to_dict())
    assert made(tmp_path, batch_sampler="group_by_label").to_dict()["batch_sampler"] == "group_by_label"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_sampler": "none"}, "batch_sampler: 'none', expected batch_sampler, no_duplicates"),
        ({"multi_dataset_batch_sampler": "mix"}, "multi_dataset_batch_sampler: 'mix', expected round_robin"),
        ({"router_mapping": "{a"}, "router_mapping: '{a' is no JSON"),
        ({"router_mapping": "[1]"}, r"router_mapping: '\[1\]', expected a dict"),
        ({"learning_rate_mapping": {"(": 1e-3}}, "'\\(' is no regular expression"),
        ({"learning_rate_mapping": {"a": "fast"}}, "'fast' for 'a', expected a number"),
        ({"prompts": {"a": 3}}, "prompts: {'a': 3}, expected"),
    ],
)
def test_what_cannot_be_is_told_by_its_name(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=message):
        made(tmp_path, **given)


@pytest.mark.parametrize("name", ["prompts", "router_mapping"])
def test_a_reranker_s_columns_have_no_prompt_or_route_of_their_own(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=f"{name}: .* is for single columns"):
        CrossEncoderTrainingArguments(output_dir=str(tmp_path), use_cpu=True, **{name: {"nq": {"query": "x"}}})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learning_rate": float("nan")}, "learning_rate: nan, expected a number of 0 or more"),
        ({"learning_rate": -1}, "learning_rate: -1, expected a number of 0 or more"),
        ({"learning_rate": "2e-5"}, "learning_rate: '2e-5', expected .* without quotes"),
        ({"num_train_epochs": "1"}, "num_train_epochs: '1', expected a number above 0"),
        ({"num_train_epochs": 0}, "num_train_epochs: 0, expected a number above 0"),
        ({"per_device_train_batch_size": 0}, "per_device_train_batch_size: 0, expected a whole number of 1 or more"),
        ({"per_device_eval_batch_size": 8.0}, r"per_device_eval_batch_size: 8\.0, expected a whole number"),
        ({"gradient_accumulation_steps": True}, "gradient_accumulation_steps: True, expected a whole number"),
        ({"max_steps": -2}, "max_steps: -2, expected a whole number of -1 or more"),
        ({"weight_decay": float("inf")}, "weight_decay: inf, expected"),
        ({"adam_beta2": 1}, "adam_beta2: 1, expected a number of 0 or more and below 1"),
        ({"seed": None}, "seed: None, expected a whole number"),
        ({"warmup_ratio": -0.1}, r"warmup_ratio: -0\.1, expected"),
        ({"logging_steps": 0}, "logging_steps: 0, expected a number above 0"),
    ],
)
def test_a_number_that_no_training_can_use_is_told_by_its_name(
    given: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match=message):
        made(tmp_path, **given)


def test_numbers_at_the_edge_and_none_where_it_may_stand_are_taken(tmp_path: Path) -> None:
    found = made(tmp_path, learning_rate=0, max_steps=-1, data_seed=None, max_grad_norm=0.0, eval_steps=None)
    assert (found.learning_rate, found.max_steps, found.data_seed) == (0, -1, None)


def test_on_the_cpu_no_memory_is_pinned(tmp_path: Path) -> None:
    assert made(tmp_path).dataloader_pin_memory is False
    assert made(tmp_path, dataloader_pin_memory=True).dataloader_pin_memory is False
