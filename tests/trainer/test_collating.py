"""Rows become columns of features, texts and labels; prompts and routes go by column and data set."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from airvec_trainer.collating import Collator, PairCollator
from airvec_trainer.errors import TrainingError

ROWS = [{"question": "a", "answer": "b", "score": 0.5}, {"question": "c", "answer": "d", "score": 1}]


def seen(texts: Sequence[Any], /, *, prompt: str | None = None, task: str | None = None) -> dict[str, Any]:
    """A model's step that tells what it was asked."""
    return {"asked": (list(texts), prompt, task)}


def asked(prompts: Any = None, routes: Any = None, name: str | None = None) -> list[Any]:
    rows = ROWS if name is None else [{**row, "dataset_name": name} for row in ROWS]
    batch = Collator(seen, prompts=prompts, router_mapping=routes or {})(rows)
    return [column["asked"][1:] for column in batch["columns"]]


def test_columns_are_tokenised_in_their_order_without_the_label() -> None:
    batch = Collator(seen)(ROWS)
    assert [column["asked"][0] for column in batch["columns"]] == [["a", "c"], ["b", "d"]]
    assert batch["texts"] == [["a", "c"], ["b", "d"]]
    assert torch.equal(batch["label"], torch.tensor([0.5, 1.0]))
    assert "dataset_name" not in batch


def test_the_first_valid_name_is_the_label() -> None:
    batch = Collator(seen)([{"score": "text", "label": 3}])
    assert batch["label"].tolist() == [3]
    assert batch["label"].dtype == torch.int64
    assert batch["texts"] == [["text"]]


@pytest.mark.parametrize(
    ("prompts", "name", "expected"),
    [
        (None, None, [None, None]),
        ("q: ", None, ["q: ", "q: "]),
        ({"answer": "p: "}, None, [None, "p: "]),
        ({"nq": "n: "}, "nq", ["n: ", "n: "]),
        ({"nq": "n: "}, "other", [None, None]),
        ({"nq": {"question": "q: "}}, "nq", ["q: ", None]),
        ({"nq": {"question": "q: "}}, "other", [None, None]),
    ],
)
def test_prompts_have_four_forms(prompts: Any, name: str | None, expected: list[Any]) -> None:
    assert [prompt for prompt, _ in asked(prompts, name=name)] == expected


@pytest.mark.parametrize(
    ("routes", "name"), [({"question": "query", "answer": "document"}, None), ({"nq": {"question": "query"}}, "nq")]
)
def test_routes_go_by_column_or_by_data_set(routes: Any, name: str | None) -> None:
    batch = Collator(seen, router_mapping=routes)([{**row, **({"dataset_name": name} if name else {})} for row in ROWS])
    assert batch["columns"][0]["asked"][2] == batch["columns"][0]["task"] == "query"


def test_the_name_of_the_data_set_is_kept() -> None:
    assert Collator(seen)([{"a": "x", "dataset_name": "nq"}])["dataset_name"] == "nq"


@pytest.mark.parametrize("labels", [["yes", "no"], [[1.0], [1.0, 2.0]]])
def test_labels_that_are_no_tensor_are_an_error_with_their_column(labels: list[Any]) -> None:
    rows = [{"a": "x", "label": label} for label in labels]
    with pytest.raises(TrainingError, match="column 'label'.*cannot be one tensor"):
        Collator(seen)(rows)


def test_labels_that_are_tensors_are_stacked() -> None:
    rows = [{"a": "x", "label": torch.ones(3)}] * 2
    assert Collator(seen)(rows)["label"].shape == (2, 3)


def test_pairs_are_left_as_texts_and_lists_of_labels_are_a_tensor_each() -> None:
    rows = [{"q": "a", "docs": ["b", "c"], "labels": [1, 0]}, {"q": "d", "docs": ["e"], "labels": [1]}]
    batch = PairCollator(prompts="find: ")(rows)
    assert batch["columns"] == []
    assert batch["texts"] == [["a", "d"], [["b", "c"], ["e"]]]
    assert [label.tolist() for label in batch["label"]] == [[1, 0], [1]]
    assert batch["prompt"] == "find: "


def test_a_reranker_s_prompt_may_go_by_data_set() -> None:
    collate = PairCollator(prompts={"nq": "n: "}, router_mapping={"nq": "rerank"})
    assert collate([{"q": "a", "dataset_name": "nq"}])["prompt"] == "n: "
    assert collate([{"q": "a", "dataset_name": "nq"}])["task"] == "rerank"
    assert "prompt" not in collate([{"q": "a", "dataset_name": "other"}])
