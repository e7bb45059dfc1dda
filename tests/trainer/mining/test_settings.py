"""MiningSettings: what can be, and what range_max is if nobody says."""

import numpy as np
import pytest

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer.mining import MiningSettings


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_negatives": 0}, "num_negatives: 0, expected a whole number of at least 1"),
        ({"num_negatives": 2.5}, "num_negatives: 2.5, expected a whole number"),
        ({"range_min": -1}, "range_min: -1, expected a whole number of at least 0"),
        ({"range_min": 5, "range_max": 5}, "range_max: 5 and range_min: 5 leave 0 candidates a query"),
        ({"range_min": 9, "range_max": 5}, "leave 0 candidates a query, expected num_negatives=3"),
        ({"range_min": 3, "range_max": 5}, "leave 2 candidates a query, expected num_negatives=3"),
        ({"output_format": "pairs"}, "output_format: 'pairs', expected one of 'triplet', 'n-tuple'"),
        ({"sampling_strategy": "best"}, "sampling_strategy: 'best', expected one of 'top', 'random'"),
        ({"index": "annoy"}, "index: 'annoy', expected one of 'numpy', 'faiss', 'usearch'"),
        ({"max_score": "0.8"}, "max_score: '0.8', expected a finite number"),
        ({"relative_margin": float("nan")}, "relative_margin: nan, expected a finite number"),
        ({"absolute_margin": True}, "absolute_margin: True, expected a finite number"),
        ({"absolute_margin": [0.1]}, r"absolute_margin: \[0.1\], expected a finite number"),
        ({"min_score": 0.8, "max_score": 0.2}, "min_score: 0.8, expected at most max_score=0.2"),
        ({"faiss_batch_size": 0}, "faiss_batch_size: 0, expected"),
        ({"batch_size": 0}, "batch_size: 0, expected"),
        ({"seed": "a"}, "seed: 'a', expected a whole number"),
    ],
)
def test_what_cannot_be_is_told(given, message):
    with pytest.raises(ArgumentError, match=message):
        MiningSettings(**given)


def test_numbers_of_numpy_are_numbers():
    assert MiningSettings(max_score=np.float32(0.5), num_negatives=np.int64(2)).by_score


def test_without_a_filter_as_many_candidates_are_looked_at_as_are_needed():
    assert MiningSettings(num_negatives=4, range_min=10).depth(2, rescored=False) == 10 + 4 + 2


@pytest.mark.parametrize("name", ["absolute_margin", "relative_margin", "max_score"])
def test_with_a_filter_ten_times_as_many(name):
    settings = MiningSettings(num_negatives=4, range_min=10, **{name: 0.1})
    assert settings.depth(2, rescored=False) == 10 + 40 + 2


def test_a_lowest_score_counts_as_a_filter_under_a_cross_encoder_alone():
    settings = MiningSettings(min_score=0.1)
    assert settings.by_score
    assert (settings.depth(1, rescored=False), settings.depth(1, rescored=True)) == (4, 31)


def test_a_range_that_is_named_stays():
    assert MiningSettings(range_max=7, max_score=0.5).depth(3, rescored=True) == 7


def test_positives_in_a_ranking_make_n_tuples():
    with pytest.warns(AirvecWarning, match="makes n-tuples in order of score, not 'triplet'"):
        assert MiningSettings(include_positives=True).output_format == "n-tuple"
    with pytest.warns(AirvecWarning, match="range_min, max_score may leave positives out"):
        MiningSettings(include_positives=True, output_format="n-tuple", range_min=1, max_score=0.5)
