"""A cross-encoder's scores in the places of the retriever's."""

import numpy as np
import pytest

from airvec.errors import InputError
from airvec.search.ranking import Ranking
from airvec_trainer.mining import MiningSettings
from airvec_trainer.mining import rescoring as module
from airvec_trainer.mining.pairs import read_pairs
from airvec_trainer.mining.rescoring import rescored
from tests.trainer.mining.stand_in import PairScores, pairs

PAIRS = read_pairs(pairs(("q", "a"), ("r", "b"), ("q", "c")), None, None, None)
RANKING = Ranking(np.array([[0, 2], [1, -1]]), np.float32([[0.5, 0.4], [0.3, -np.inf]]))
QUIET = MiningSettings(show_progress_bar=False)


@pytest.mark.parametrize("at_once", [1, 4096])
def test_candidates_keep_their_places_and_nobody_is_not_asked_for(at_once, monkeypatch):
    monkeypatch.setattr(module, "PAIRS_AT_ONCE", at_once)
    model = PairScores({"a": 1.0, "b": 2.0, "c": 3.0})
    found, positive = rescored(RANKING, PAIRS, model, QUIET)
    assert found.rows is RANKING.rows
    np.testing.assert_array_equal(found.scores, np.float32([[1, 3], [2, -np.inf]]))
    assert positive.tolist() == [1.0, 3.0, 2.0]
    assert model.asked == [("q", "a"), ("q", "c"), ("r", "b"), ("q", "a"), ("q", "c"), ("r", "b")]


def test_the_order_of_documents_is_that_of_the_data():
    assert PAIRS.documents == ["a", "b", "c"]


@pytest.mark.parametrize("answer", [np.zeros((6, 2)), np.full(6, np.nan), np.zeros(5)])
def test_scores_that_are_none_are_told(answer):
    model = PairScores()
    model.predict = lambda asked, **given: answer
    with pytest.raises(InputError, match="cross_encoder: scores of shape .* for 6 pairs.* a model with one label"):
        rescored(RANKING, PAIRS, model, QUIET)
