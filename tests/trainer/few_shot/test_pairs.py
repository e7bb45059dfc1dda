"""Pairs as SetFit 1.2.0 makes them: frozen, from its `ContrastiveDataset` on the same labels."""

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.few_shot.pairs import contrastive_pairs

TWO = ["a", "a", "b"]
ALL = [
    (0, 0, 1.0), (0, 2, 0.0), (0, 1, 1.0), (1, 2, 0.0), (2, 2, 1.0), (0, 2, 0.0), (1, 1, 1.0), (1, 2, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ALL),
        ({"num_iterations": 1}, ALL[:6]),
        ({"strategy": "unique"}, [*ALL[:5], (1, 1, 1.0)]),
        ({"strategy": "undersampling"}, ALL[:4]),
    ],
)
def test_the_pairs_and_their_order_are_setfits(settings, expected):
    assert contrastive_pairs(TWO, **settings) == expected


def test_no_more_pairs_than_are_asked_for():
    expected = [(2, 2, 1.0), (2, 4, 0.0), (0, 0, 1.0), (1, 4, 0.0)]
    assert contrastive_pairs(list("aaabb"), max_pairs=4) == expected


def test_texts_with_several_labels_are_alike_if_they_share_one():
    expected = [
        (0, 0, 1.0), (0, 2, 0.0), (0, 1, 1.0), (0, 2, 0.0), (2, 2, 1.0), (0, 2, 0.0), (1, 2, 1.0), (0, 2, 0.0),
        (1, 1, 1.0), (0, 2, 0.0),
    ]  # fmt: skip
    assert contrastive_pairs([[1, 0], [1, 1], [0, 1]]) == expected


def test_every_text_gets_so_many_pairs_of_each_kind():
    found = contrastive_pairs([0, 1, 2, 0, 1, 2], num_iterations=5)
    assert sorted(score for *_, score in found) == [0.0] * 30 + [1.0] * 30


def test_labels_of_any_type_that_are_equal_are_one():
    assert contrastive_pairs([True, True, False]) == contrastive_pairs(["x", "x", "y"])


def test_one_label_makes_no_pairs_of_two():
    with pytest.raises(ArgumentError, match="label: 3 rows, of which every two share a label"):
        contrastive_pairs([1, 1, 1])
    assert len(contrastive_pairs([1, 1, 1], strategy="unique")) == 6
