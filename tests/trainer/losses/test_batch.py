import pytest
import torch
from torch import nn

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch, unwrapped, whole_width
from tests.trainer.losses.stand_ins import Doubling, Reader, column


def masked(*lengths: int, left: bool = False) -> dict:
    """A column whose rows have so many tokens, numbered from 1."""
    width = max(lengths)
    ids = torch.zeros(len(lengths), width, dtype=torch.long)
    for row, length in enumerate(lengths):
        ids[row, slice(width - length, None) if left else slice(length)] = torch.arange(1, length + 1)
    return {"input_ids": ids, "attention_mask": (ids > 0).long()}


def test_the_first_column_has_a_pass_of_its_own_and_the_others_share_one():
    model = Doubling()
    found = Batch(model, [column(2), column(2, 2, seed=1), column(2, 3, seed=2)]).embeddings()
    assert model.shapes == [(2, 3), (4, 3)]
    alone = [model(one)["sentence_embedding"] for one in (column(2), column(2, 2, seed=1), column(2, 3, seed=2))]
    assert all(torch.equal(one, other) for one, other in zip(found, alone, strict=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"prompt_length": 3}, {"prompt_length": 4}),
        ({"prompt_length": torch.tensor(3)}, {"prompt_length": torch.tensor(4)}),
        ({"task": "query"}, {"task": "document"}),
        ({"token_type_ids": torch.zeros(2, 3)}, {}),
        ({"weights": torch.ones(2, 2)}, {"weights": torch.ones(2, 3)}),
        ({"weights": torch.ones(5)}, {"weights": torch.ones(5)}),
    ],
    ids=["prompt", "prompt as a tensor", "task", "names", "widths of floats", "no value a row"],
)
def test_columns_that_differ_in_more_than_length_have_a_pass_each(one: dict, other: dict):
    model = Doubling()
    Batch(model, [column(2), {**column(2), **one}, {**column(2), **other}]).embeddings()
    assert model.shapes == [(2, 3)] * 3


@pytest.mark.parametrize("prompt", [2, torch.tensor(2)], ids=["number", "tensor"])
def test_an_equal_prompt_length_stays_one_number_in_the_shared_pass(prompt: object):
    seen: list[dict] = []

    def model(features: dict) -> dict:
        seen.append(features)
        return {"sentence_embedding": features["input_ids"].float()}

    Batch(model, [{**column(2), "prompt_length": prompt}] * 3).embeddings()
    assert seen[1]["prompt_length"] == 2
    assert seen[1]["input_ids"].shape == (4, 3)


def test_values_of_a_row_are_put_below_one_another_in_the_shared_pass():
    found: list[dict] = []

    def model(features: dict) -> dict:
        found.append(features)
        return {"sentence_embedding": features["input_ids"].float()}

    columns = [{**column(2), "lengths": torch.tensor([number, 9])} for number in range(3)]
    Batch(model, columns).embeddings()
    assert found[1]["lengths"].tolist() == [1, 9, 2, 9]


def test_a_pass_does_not_write_into_the_columns():
    given = column(2)
    Batch(Doubling(), [given, given]).embeddings()
    assert set(given) == {"input_ids", "attention_mask"}


def test_rows_are_cut_to_their_longest_text_on_the_right():
    cut = Batch(Doubling(), [masked(1, 2, 5, 3)], [["a", "b", "c", "d"]]).rows(0, 2)
    assert cut.columns[0]["input_ids"].tolist() == [[1, 0], [1, 2]]
    assert cut.columns[0]["attention_mask"].tolist() == [[1, 0], [1, 1]]
    assert cut.texts == [["a", "b"]]
    assert len(cut) == 2


def test_padding_on_the_left_stays_since_it_moves_positions():
    cut = Batch(Doubling(), [masked(1, 2, 4, left=True)]).rows(0, 2)
    assert cut.columns[0]["input_ids"].tolist() == [[0, 0, 0, 1], [0, 0, 1, 2]]


def test_rows_without_any_token_keep_their_width():
    empty = {"input_ids": torch.zeros(2, 3, dtype=torch.long), "attention_mask": torch.zeros(2, 3, dtype=torch.long)}
    assert Batch(Doubling(), [empty]).rows(0, 1).columns[0]["input_ids"].shape == (1, 3)


@pytest.mark.parametrize("prompt", [4, torch.tensor(4), torch.tensor([4, 4, 4])], ids=["number", "scalar", "tensor"])
def test_what_holds_for_all_rows_is_not_cut(prompt: object):
    cut = Batch(Doubling(), [{**masked(1, 2, 5), "prompt_length": prompt}]).rows(0, 2)
    assert cut.columns[0]["prompt_length"] is prompt


def test_the_last_rows_may_be_fewer():
    assert len(Batch(Doubling(), [masked(1, 2, 3)]).rows(2, 9)) == 1


def test_tokens_are_counted_without_padding():
    assert Batch(Doubling(), [masked(1, 2, 5), masked(3, 3, 1)]).token_counts() == [[1, 2, 5], [3, 3, 1]]


def test_tokens_cannot_be_counted_without_a_mask():
    with pytest.raises(ArgumentError, match=r"mini_batch_num_tokens: a column of \['input_ids'\]"):
        Batch(Doubling(), [{"input_ids": torch.ones(2, 3)}]).token_counts()


def test_a_static_models_column_counts_its_offsets_and_is_not_cut():
    static = Batch(Doubling(), [{"input_ids": torch.arange(5), "offsets": torch.tensor([0, 2, 3])}])
    assert len(static) == 3
    with pytest.raises(ArgumentError, match="5 tokens lie end to end"):
        static.rows(0, 1)


def test_a_batch_of_texts_alone_has_no_embeddings():
    with pytest.raises(ArgumentError, match="2 columns of texts and none tokenised"):
        Batch(Doubling(), texts=[["a"], ["b"]]).embeddings()


def test_one_column_is_a_batch_of_its_own():
    second = Batch(Doubling(), [masked(1, 2), masked(3, 3)], [["a", "b"], ["c", "d"]]).column(1)
    assert second.texts == [["c", "d"]]
    assert second.columns[0]["attention_mask"].sum() == 6


def test_a_model_is_found_inside_of_what_spreads_or_compiles_it():
    model = Reader()
    around = nn.Module()
    around.add_module("_orig_mod", nn.DataParallel(model))
    assert unwrapped(around) is unwrapped(model) is model
    assert whole_width(around) == 2
    assert whole_width(nn.Identity()) is None


def test_prompt_and_task_stay_with_the_rows_and_columns_of_a_batch():
    batch = Batch(Reader(), [column(3)], [["a", "b", "c"]], prompt="p: ", task="query")
    for part in (batch.rows(0, 2), batch.column(0)):
        assert (part.prompt, part.task) == ("p: ", "query")
