"""Mirrors runtime/airvec/search/reranking.py."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.search import reranking
from airvec.search.ranking import Ranking
from airvec.search.reranking import rerank
from tests.runtime.search.fakes import LengthReranker

TEXTS = ["four", "one", "fifteen letters", "two"]


def ranking(rows):
    rows = np.array(rows, np.int64)
    return Ranking(rows, np.where(rows < 0, -np.inf, 1 / (2 + np.arange(rows.shape[1]))).astype(np.float32))


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_candidates_come_in_the_order_of_their_scores_with_their_query(monkeypatch, at_once):
    monkeypatch.setattr(reranking, "PAIRS_AT_ONCE", at_once)
    model = LengthReranker()
    found = rerank(model, ["p", "q", "r"], ranking([[2, 0, 3], [1, -1, -1], [-1, -1, -1]]), TEXTS)
    assert found.rows.tolist() == [[3, 0, 2], [1, -1, -1], [-1, -1, -1]]
    assert found.scores.tolist() == [[-3, -4, -15], [-3, -np.inf, -np.inf], [-np.inf] * 3]
    assert model.pairs == [("p", TEXTS[2]), ("p", TEXTS[0]), ("p", TEXTS[3]), ("q", TEXTS[1])]


def test_equal_scores_come_in_the_order_of_rows():
    assert rerank(LengthReranker(), ["q"], ranking([[3, 1]]), TEXTS).rows.tolist() == [[1, 3]]


def test_no_queries_and_no_candidates_need_no_model():
    for rows in (np.zeros((0, 3)), np.zeros((2, 0)), np.full((2, 3), -1)):
        found = rerank(LengthReranker(), ["q"] * len(rows), ranking(rows), TEXTS)
        assert len(found.rows) == len(rows)
        assert found.rows.size == 0


def test_a_model_with_several_labels_is_refused():
    class Labels:
        def predict(self, inputs):
            return np.zeros((len(inputs), 3))

    with pytest.raises(ArgumentError, match=r"reranker: gives shape \[2, 3\] for 2 pairs, expected \[2\]"):
        rerank(Labels(), ["q"], ranking([[0, 1]]), TEXTS)
