"""What evaluators are given: mistakes are told when they are made."""

import numpy as np
import pytest
import torch

from airvec.errors import ArgumentError
from airvec_trainer.evaluation import (
    CrossEncoderCorrelationEvaluator,
    EmbeddingSimilarityEvaluator,
    TripletEvaluator,
)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EmbeddingSimilarityEvaluator("abc", ["d", "e", "f"], [1, 2, 3]), "sentences1 'abc', expected several"),
        (lambda: EmbeddingSimilarityEvaluator(["a"], [None], [1]), "sentences2, row 0: None, expected a text"),
        (lambda: EmbeddingSimilarityEvaluator(["a", "b"], ["c", "d"], [1, "0.5"]), "scores, row 1: '0.5', expected a"),
        (lambda: EmbeddingSimilarityEvaluator(["a"], ["b"], [float("nan")]), "scores, row 0: nan, expected a finite"),
        (lambda: TripletEvaluator(["a"], "b", ["c"]), "positives 'b', expected several texts"),
        (lambda: TripletEvaluator(["a"], ["b"], [5]), "negatives, row 0: 5, expected a text"),
        (lambda: CrossEncoderCorrelationEvaluator(["ab"], [1]), "row 0: 'ab', expected two texts"),
        (lambda: CrossEncoderCorrelationEvaluator([("a", 5)], [1]), r"row 0: \('a', 5\), expected two texts"),
        (lambda: CrossEncoderCorrelationEvaluator([("a", "b", "c")], [1]), "row 0: .*expected two texts"),
        (lambda: CrossEncoderCorrelationEvaluator([("a", "b")], [None]), "scores, row 0: None, expected a finite"),
    ],
)  # fmt: skip
def test_a_wrong_column_is_told(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize("scores", [(0, 1), np.array([0.0, 1.0]), torch.tensor([0, 1]), [np.float32(0), True]])
def test_numbers_of_every_kind_are_taken(scores):
    measure = EmbeddingSimilarityEvaluator(np.array(["a", "b"]), ("c", "d"), scores)
    assert measure.scores == [0.0, 1.0]
    assert measure.sentences1 == ["a", "b"]
