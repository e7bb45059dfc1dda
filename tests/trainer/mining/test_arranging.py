"""Step 5: the four formats, with and without scores, on paper."""

import numpy as np
import pytest

from airvec.search.ranking import Ranking
from airvec_trainer.mining.arranging import ARRANGEMENTS, Mined
from airvec_trainer.mining.pairs import read_pairs
from tests.trainer.mining.stand_in import pairs

# "q" has the positives a and b, and the negatives c and d; "r" has c, and one negative, a; "s" has d, and none.
PAIRS = read_pairs(pairs(("q", "a"), ("r", "c"), ("q", "b"), ("s", "d")), None, None, None)
A, B, C, D = (PAIRS.documents.index(text) for text in "abcd")
NEGATIVES = Ranking(np.array([[C, D], [A, -1], [A, B]]), np.float32([[0.5, 0.25], [0.5, -np.inf], [-np.inf, -np.inf]]))
MINED = Mined(PAIRS, np.float32([1.0, 0.75, 0.625, 0.125]), NEGATIVES)


def arranged(output_format, scores=False):
    return ARRANGEMENTS[output_format](MINED, scores)


def test_triplets():
    found = arranged("triplet", scores=True)
    assert found.columns == {
        "query": ["q", "q", "q", "q", "r"],
        "answer": ["a", "a", "b", "b", "c"],
        "negative": ["c", "d", "c", "d", "a"],
        "scores": [[1.0, 0.5], [1.0, 0.25], [0.75, 0.5], [0.75, 0.25], [0.625, 0.5]],
    }
    assert found.negative_scores.tolist() == [0.5, 0.25, 0.5, 0.25, 0.5]
    assert found.differences.tolist() == [0.5, 0.75, 0.25, 0.5, 0.125]
    assert found.possible == 8


def test_tuples_need_all_their_negatives():
    found = arranged("n-tuple", scores=True)
    assert found.columns == {
        "query": ["q", "q"],
        "answer": ["a", "b"],
        "negative_1": ["c", "c"],
        "negative_2": ["d", "d"],
        "scores": [[1.0, 0.5, 0.25], [0.75, 0.5, 0.25]],
    }
    assert found.differences.tolist() == [0.5, 0.75, 0.25, 0.5]
    assert found.possible == 4


def test_labeled_pairs_name_a_query_s_negatives_once():
    found = arranged("labeled-pair")
    assert found.columns == {
        "query": ["q", "q", "q", "q", "r", "r", "s"],
        "answer": ["a", "b", "c", "d", "c", "a", "d"],
        "label": [1, 1, 0, 0, 1, 0, 1],
    }
    assert found.possible == 3 * 2 + 4
    with_scores = arranged("labeled-pair", scores=True).columns
    assert with_scores["score"] == [1.0, 0.75, 0.5, 0.25, 0.625, 0.5, 0.125]
    assert "label" not in with_scores


def test_labeled_lists_leave_out_who_has_no_negative():
    found = arranged("labeled-list")
    assert found.columns == {
        "query": ["q", "q", "r"],
        "answer": [["a", "c", "d"], ["b", "c", "d"], ["c", "a"]],
        "labels": [[1, 0, 0], [1, 0, 0], [1, 0]],
    }
    assert found.possible == 4
    with_scores = arranged("labeled-list", scores=True).columns
    assert with_scores["scores"] == [[1.0, 0.5, 0.25], [0.75, 0.5, 0.25], [0.625, 0.5]]
    assert "labels" not in with_scores


@pytest.mark.parametrize("output_format", ["triplet", "n-tuple", "labeled-list"])
def test_without_scores_there_is_no_column_of_them(output_format):
    assert "scores" not in arranged(output_format).columns


@pytest.mark.parametrize("output_format", ARRANGEMENTS)
@pytest.mark.parametrize("scores", [False, True])
def test_all_columns_are_of_one_length(output_format, scores):
    assert len({len(column) for column in arranged(output_format, scores).columns.values()}) == 1
