import random

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.losses import ContrastiveTensionDataLoader, contrastive_tension_pairs

TEXTS = [f"text {number}" for number in range(40)]


def test_one_pair_in_so_many_is_one_text_twice_and_no_text_is_used_again():
    loader = ContrastiveTensionDataLoader(TEXTS, batch_size=8, pos_neg_ratio=4)
    batches = list(loader)
    assert len(batches) == len(loader) == 40 // 14
    for batch in batches:
        assert [pair.label for pair in batch] == [1, 0, 0, 0, 1, 0, 0, 0]
        assert all((pair.texts[0] == pair.texts[1]) == pair.label for pair in batch)
    used = [text for batch in batches for pair in batch for text in dict.fromkeys(pair.texts)]
    assert len(used) == len(set(used)) == 28


def test_texts_are_shuffled_anew_as_pythons_random_says_and_the_given_list_stays():
    given = list(TEXTS)
    random.seed(2)
    loader = ContrastiveTensionDataLoader(given, 8)
    walks = [[pair.texts for batch in loader for pair in batch] for _ in range(2)]
    assert walks[0] != walks[1]
    assert given == TEXTS
    random.seed(2)
    assert [pair.texts for batch in ContrastiveTensionDataLoader(TEXTS, 8) for pair in batch] == walks[0]


def test_batches_are_collated_where_a_function_is_set():
    loader = ContrastiveTensionDataLoader(TEXTS, 8)
    loader.collate_fn = len
    assert list(loader) == [8, 8]


def test_pairs_are_columns_for_a_trainer():
    pairs = contrastive_tension_pairs(TEXTS, pos_neg_ratio=2)
    assert list(pairs) == ["text1", "text2", "label"]
    assert pairs["label"] == [1, 0] * 13
    same = [one == other for one, other in zip(pairs["text1"], pairs["text2"], strict=True)]
    assert same == [bool(label) for label in pairs["label"]]


@pytest.mark.parametrize(("batch_size", "ratio"), [(10, 8), (8, 0), (0, 8)])
def test_a_ratio_that_does_not_fit_the_batch_is_refused(batch_size: int, ratio: int):
    with pytest.raises(ArgumentError, match=rf"batch_size={batch_size} and pos_neg_ratio={ratio}"):
        ContrastiveTensionDataLoader(TEXTS, batch_size, ratio)


def test_too_few_texts_are_refused():
    with pytest.raises(ArgumentError, match="2 texts, expected 15 or more"):
        contrastive_tension_pairs(TEXTS[:2])
