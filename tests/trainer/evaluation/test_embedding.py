"""embed: whatever a model answers, evaluators get an array or SparseVectors."""

import numpy as np
import pytest
import torch

from airvec.errors import ArgumentError, InputError
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.evaluation.embedding import EncodeOptions, as_embeddings, embed

ROWS = [[0.0, 1.5, 0.0], [2.0, 0.0, -1.0]]
SPARSE = SparseVectors.from_dense(np.float32(ROWS))


class Answering:
    """A model that gives one answer, and keeps what it was asked."""

    def __init__(self, answer):
        self.answer = answer

    def encode(self, texts, **given):
        self.asked = ("encode", texts, given)
        return self.answer


class WithRoles(Answering):
    def encode_query(self, texts, **given):
        self.asked = ("query", texts, given)
        return self.answer

    def encode_document(self, texts, **given):
        self.asked = ("document", texts, given)
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [
        ROWS,
        np.float32(ROWS),
        torch.tensor(ROWS, requires_grad=True),
        torch.tensor(ROWS, dtype=torch.bfloat16),
        list(torch.tensor(ROWS)),
        list(np.float32(ROWS)),
    ],
)
def test_dense_answers_become_an_array(answer):
    found = embed(Answering(answer), ["a", "b"])
    assert isinstance(found, np.ndarray)
    assert found.tolist() == ROWS


@pytest.mark.parametrize(
    "answer",
    [
        SPARSE,
        list(SPARSE),
        torch.tensor(ROWS).to_sparse(),
        torch.tensor(ROWS, dtype=torch.bfloat16).to_sparse(),
        [row.to_sparse() for row in torch.tensor(ROWS)],
        # not coalesced: entries out of order, one in two parts, one of 0
        torch.sparse_coo_tensor(
            [[1, 0, 1, 0, 0], [2, 1, 0, 1, 0]], [-1.0, 1.0, 2.0, 0.5, 0.0], (2, 3), check_invariants=True
        ),
    ],
)
def test_sparse_answers_become_sparse_vectors(answer):
    found = embed(Answering(answer), ["a", "b"])
    assert isinstance(found, SparseVectors)
    assert found.to_dense().tolist() == ROWS
    assert np.count_nonzero(found.values) == len(found.values) == 3


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning")
def test_rows_of_a_csr_tensor_become_sparse_vectors():
    assert as_embeddings(torch.tensor(ROWS).to_sparse_csr()).to_dense().tolist() == ROWS


def test_rows_without_entries_and_no_texts_at_all_stay_sparse():
    empty = torch.zeros(4, 3).to_sparse()
    assert embed(Answering(empty), list("abcd")).counts.tolist() == [0, 0, 0, 0]
    assert as_embeddings(torch.zeros(0, 3).to_sparse()).shape == (0, 3)
    assert embed(Answering(np.zeros((0, 3))), []).shape == (0, 3)


def test_one_embedding_is_one_row():
    assert as_embeddings(SPARSE[1]).to_dense().tolist() == ROWS[1:]
    assert as_embeddings(torch.tensor(ROWS[1])).tolist() == ROWS[1:]


def test_integer_codes_keep_their_type():
    assert as_embeddings(np.int8([[1, -2]])).dtype == np.int8


def test_a_role_asks_its_method_and_encode_where_the_model_has_none():
    model = WithRoles(ROWS)
    for role, called in ((None, "encode"), ("query", "query"), ("document", "document")):
        embed(model, ("a", "b"), role)
        assert model.asked[:2] == (called, ["a", "b"])
    plain = Answering(ROWS)
    embed(plain, ["a", "b"], "query")
    assert plain.asked[0] == "encode"


def test_options_are_passed_that_are_given_and_no_others():
    model = Answering(ROWS)
    embed(model, ["a", "b"])
    assert model.asked[2] == {"batch_size": 32, "show_progress_bar": False, "convert_to_numpy": True}
    embed(model, ["a", "b"], options=EncodeOptions(4, True, "query", truncate_dim=2, precision="int8"))
    assert model.asked[2] == {
        "batch_size": 4, "show_progress_bar": True, "prompt_name": "query", "truncate_dim": 2, "precision": "int8",
        "convert_to_numpy": True,
    }  # fmt: skip


def test_an_empty_prompt_is_passed_because_it_takes_away_the_models_own():
    model = Answering(ROWS)
    embed(model, ["a", "b"], options=EncodeOptions(prompt=""))
    assert model.asked[2]["prompt"] == ""


def test_a_sparse_model_is_asked_as_sparse_models_are():
    model = Answering(SPARSE)
    model.sparsity = lambda vectors: {}
    embed(model, ["a", "b"], options=EncodeOptions(max_active_dims=64))
    assert model.asked[2] == {
        "batch_size": 32, "show_progress_bar": False, "max_active_dims": 64, "save_to_cpu": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.zeros((3, 2)), r"shape \[3, 2\] for 2 texts"),
        (np.zeros((2, 4, 2)), r"shape \[2, 4, 2\]"),
        ([[1.0], [1.0, 2.0]], "rows of one length"),
        ([torch.zeros(4, 2), torch.zeros(3, 2)], r"rows of shapes \[\(3, 2\), \(4, 2\)\]"),
        (["a", "b"], "<U1"),
        (None, "object"),
    ],
)
def test_what_are_no_embeddings_is_refused(answer, message):
    with pytest.raises(InputError, match=message):
        embed(Answering(answer), ["a", "b"])


@pytest.mark.parametrize("model", ["folder/of/a/model", None])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(
        ArgumentError, match=rf"encode: model is {model!r} \(\w+\), expected a model that encodes. Open it"
    ):
        embed(model, ["a"])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_embeddings_that_are_not_finite_are_refused_with_their_text(value):
    rows = np.float32([[1, 2], [value, 1], [0, value]])
    for answer in (rows, torch.tensor(rows)):
        with pytest.raises(InputError, match="Answering: the embedding of text 1, 'b', and 1 more are not finite"):
            embed(Answering(answer), ["a", "b", "c"])
    with pytest.raises(ArgumentError, match="finite"):  # SparseVectors refuse them themselves
        embed(Answering(torch.tensor(rows).to_sparse()), ["a", "b", "c"])
