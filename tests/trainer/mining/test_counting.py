"""The report: what was dropped, what is doubtful, and the table."""

from dataclasses import replace

import numpy as np
import pytest

from airvec_trainer.mining import MiningSettings, mine
from airvec_trainer.mining.counting import plain_texts, same_text
from airvec_trainer.mining.pairs import read_pairs
from airvec_trainer.mining.report import summary
from tests.trainer.mining.stand_in import COSINES, AngleModel, NoiseModel, generated, pairs

CORPUS = ["near", "middle", "far", "other", "Gold "]


def report(**given):
    """Of mining for "q", whose positive is "gold": Gold 0.79, near 0.78, middle 0.6, far 0.3, other 0.1."""
    settings = MiningSettings(show_progress_bar=False, **given)
    return mine(pairs(("q", "gold")), AngleModel(), settings, corpus=CORPUS)[1]


def test_texts_that_differ_by_case_and_spaces_are_one():
    assert plain_texts(["Gold ", "gold", "GO LD", "\tgo\nld"]).tolist() == [0, 0, 1, 1]
    assert plain_texts(["Straße", "STRASSE"]).tolist() == [0, 0]
    read = read_pairs(pairs(("q", "gold"), ("r", "far")), None, None, ["Gold "])
    rows = np.array([[0, 1, -1], [0, 2, 1]])  # Gold, gold, nobody; Gold, far, gold
    assert same_text(rows, read).tolist() == [[True, True, False], [False, True, False]]


def test_without_a_filter_the_same_text_is_counted_and_kept():
    found = report()
    assert (found.candidates, found.dropped, found.same_text, found.same_text_kept) == (4, {}, 1, 1)
    assert found.likely_false_negatives == 1
    assert "1 negatives have a positive's text but for case and spaces." in found.text()


def test_where_spellings_are_joined_no_negative_is_a_positive_of_another_spelling():
    rows, model = pairs(("q", "gold"), ("Q ", "near")), AngleModel({**COSINES, "Q ": 1.0})
    for joined in (False, True):
        settings = MiningSettings(join_same_texts=joined, num_negatives=2, show_progress_bar=False)
        found, told = mine(rows, model, settings, corpus=CORPUS)
        texts = {row["negative"] for row in found}
        assert (not texts & {"gold", "Gold ", "near"}, told.same_text_kept == 0) == (joined, joined)


def test_margins_and_same_texts_are_counted_once():
    found = report(absolute_margin=0.1, max_score=0.5)
    # 0.79 and 0.78 are nearer than 0.7; 0.6 is above 0.5; 0.3 and 0.1 are left
    assert (found.candidates, found.dropped) == (5, {"absolute_margin": 2, "max_score": 1})
    assert (found.same_text, found.same_text_kept, found.likely_false_negatives) == (1, 0, 2)
    assert (found.rows, found.missing, found.negative.count) == (2, 1, 2)
    assert found.settings == {"absolute_margin": 0.1, "max_score": 0.5}
    assert found.text().splitlines()[-4:] == [
        "Dropped 1 of 5 candidates (20.00%) by max_score=0.5.",
        "Likely false negatives among the candidates: 2 (40.00%).",
        "1 candidates have a positive's text but for case and spaces.",
        "Too few negatives for 1 rows (33.33%). Change range_max, absolute_margin and max_score to find more.",
    ]


def test_candidates_above_a_positive_are_counted():
    settings = MiningSettings(show_progress_bar=False)
    found = mine(pairs(("q", "gold"), ("q", "far")), AngleModel(), settings, corpus=CORPUS)[1]
    assert found.above_positive == 3  # Gold, near and middle, above "far"
    assert "3 candidates score higher than their query's lowest positive." in found.text()


def test_a_query_with_two_positives_counts_its_kept_negatives_twice():
    settings = MiningSettings(show_progress_bar=False)
    found = mine(pairs(("q", "gold"), ("q", "silver")), AngleModel(), settings, corpus=CORPUS)[1]
    assert found.same_text_kept == 2
    incomplete = replace(settings, output_format="n-tuple", max_score=0.795, min_score=0.5)
    found = mine(pairs(("q", "gold"), ("q", "silver")), AngleModel(), incomplete, corpus=CORPUS)[1]
    assert (found.rows, found.same_text_kept) == (2, 2)


def test_the_numbers_of_one_score_and_of_none():
    one, none = summary(np.float32([0.5])), summary(np.zeros(0, np.float32))
    assert (one.count, one.mean, one.median, one.max) == (1, 0.5, 0.5, 0.5)
    assert np.isnan(one.std)
    assert none.count == 0
    assert np.isnan(none.mean)


@pytest.mark.parametrize("output_format", ["triplet", "n-tuple", "labeled-pair", "labeled-list"])
def test_the_table_has_a_column_for_each_kind_of_score(output_format):
    settings = MiningSettings(output_format=output_format, show_progress_bar=False)
    found = mine(generated(), NoiseModel(), settings)[1]
    lines = found.table().splitlines()
    assert lines[0].split() == ["Metric", "Positive", "Negative", "Difference"]
    assert lines[1].split() == ["Count", str(found.positive.count), str(found.negative.count)]
    assert [line.split()[0] for line in lines[2:]] == ["Mean", "Median", "Std", "Min", "25%", "50%", "75%", "Max"]
    assert lines[2].split()[1] == f"{found.positive.mean:.4f}"
