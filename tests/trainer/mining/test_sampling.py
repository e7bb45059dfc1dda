"""Step 4: the best, or any."""

import random

import numpy as np

from airvec.search.ranking import Ranking
from airvec_trainer.mining.sampling import at_random, sampled

RANKING = Ranking(np.array([[1, 2, 3, 4]]), np.float32([[0.9, 0.7, 0.5, -np.inf]]))


class Last:
    """Draws the last numbers of a range, in falling order, and remembers the ranges."""

    def __init__(self):
        self.asked = []

    def sample(self, population, k):
        self.asked.append((population, k))
        return list(population)[::-1][:k]


def test_the_best_are_the_first():
    assert sampled(RANKING, 2, "top").rows.tolist() == [[1, 2]]


def test_what_was_dropped_is_not_drawn_and_what_is_drawn_is_sorted():
    drawing = Last()
    found = at_random(RANKING, 2, drawing)
    assert drawing.asked == [(range(3), 2)]
    assert found.rows.tolist() == [[2, 3]]
    np.testing.assert_array_equal(found.scores, np.float32([[0.7, 0.5]]))


def test_too_few_candidates_are_all_drawn_with_what_was_dropped_behind():
    few = Ranking(np.array([[1, 2, 3]]), np.float32([[0.9, -np.inf, -np.inf]]))
    drawing = Last()
    assert np.isfinite(at_random(few, 2, drawing).scores).tolist() == [[True, False]]
    assert drawing.asked == [(range(2), 2)]


def test_the_state_of_random_counts_unless_there_is_a_seed():
    many = Ranking(np.arange(40)[None], -np.arange(40, dtype=np.float32)[None])
    random.seed(3)
    first = sampled(many, 5, "random").rows.tolist()
    random.seed(3)
    assert sampled(many, 5, "random").rows.tolist() == first
    assert sampled(many, 5, "random").rows.tolist() != first
    random.seed(3)
    assert sorted(random.sample(range(40), 5)) == first[0]


def test_a_seed_of_its_own_leaves_random_alone():
    many = Ranking(np.arange(40)[None], -np.arange(40, dtype=np.float32)[None])
    state = random.getstate()
    assert sampled(many, 5, "random", 1).rows.tolist() == sampled(many, 5, "random", 1).rows.tolist()
    assert sampled(many, 5, "random", 1).rows.tolist() != sampled(many, 5, "random", 2).rows.tolist()
    assert random.getstate() == state
