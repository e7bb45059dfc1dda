"""The five steps together, on a plane that can be drawn."""

import pytest

from airvec.errors import AirvecWarning, ArgumentError
from airvec.search import BM25
from airvec_trainer.mining import MiningSettings, mine
from tests.trainer.mining.stand_in import AngleModel, NoiseModel, PairScores, generated, pairs

CORPUS = ["near", "middle", "far", "other"]  # cosines with "q": 0.78, 0.6, 0.3, 0.1; that of its positive is 0.8


def negatives(*rows, corpus=CORPUS, cross_encoder=None, **given):
    """The negatives that are mined for "q"."""
    settings = MiningSettings(show_progress_bar=False, **given)
    found, _ = mine(
        pairs(*(rows or [("q", "gold")])), AngleModel(), settings, corpus=corpus, cross_encoder=cross_encoder
    )
    return found["negative"][:]


def test_the_nearest_come_first_and_the_positive_is_none_of_them():
    assert negatives() == ["near", "middle", "far"]


def test_a_relative_margin_keeps_what_has_less_of_the_positive_s_score():
    assert negatives(relative_margin=0.05) == ["middle", "far", "other"]  # 0.78 > 0.95 * 0.8


def test_the_margin_is_to_the_lowest_positive():
    found = negatives(("q", "gold"), ("q", "silver"), absolute_margin=0.0)  # 0.5
    assert found == ["far", "other"] * 2


def test_ranks_are_counted_after_the_filters_by_score():
    assert negatives(relative_margin=0.05, range_min=1, num_negatives=2) == ["far", "other"]
    assert negatives(range_min=1, range_max=3, num_negatives=2) == ["middle", "far"]


def test_a_cross_encoder_turns_the_order_only_where_a_filter_is_set():
    scores = PairScores({"gold": 5.0, "near": 1.0, "middle": 2.0, "far": 3.0, "other": 4.0})
    assert negatives(cross_encoder=scores) == ["near", "middle", "far"]
    assert scores.asked == []
    assert negatives(cross_encoder=scores, max_score=3.5) == ["far", "middle", "near"]
    assert negatives(cross_encoder=scores, min_score=2.0) == ["other", "far", "middle"]
    assert negatives(cross_encoder=scores, absolute_margin=2.5) == ["middle", "near"]


def test_a_cross_encoder_s_score_of_the_positive_is_what_margins_are_measured_from():
    scores = PairScores({"gold": 2.5, "near": 1.0, "middle": 2.0, "far": 3.0, "other": 4.0})
    assert negatives(cross_encoder=scores, relative_margin=0.0) == ["middle", "near"]


def test_positives_may_stand_in_their_ranking():
    settings = MiningSettings(
        include_positives=True, output_format="n-tuple", num_negatives=4, output_scores=True, show_progress_bar=False
    )
    found, report = mine(pairs(("q", "middle"), ("q", "far")), AngleModel(), settings, corpus=["near", "other"])
    assert found[0]["answer"] == "middle"
    assert [found[0][f"negative_{place}"] for place in range(1, 5)] == ["near", "middle", "far", "other"]
    assert report.candidates == 2


def test_a_query_of_one_data_set_has_other_queries_positives_as_negatives():
    found, _ = mine(
        pairs(("q", "near"), ("r", "other")), AngleModel(), MiningSettings(show_progress_bar=False, num_negatives=1)
    )
    assert found[:] == {"query": ["q", "r"], "answer": ["near", "other"], "negative": ["other", "near"]}


def test_words_mine_as_well():
    rows = [("black cat", "a cat that is black"), ("white dog", "a dog that is white")]
    corpus = ["a black dog", "a white cat", "the moon"]
    settings = MiningSettings(num_negatives=1, show_progress_bar=False)
    found, report = mine(pairs(*rows), BM25(stop_words=["a", "is", "that"]), settings, corpus=corpus)
    # Either negative has one word of either query, in two documents: equal scores, so the first of the corpus.
    assert found["negative"][:] == ["a black dog", "a black dog"]
    assert report.documents == 5
    found, _ = mine(pairs(("black cat", "a cat that is black")), BM25(), settings, corpus=["the moon", "black"])
    assert found["negative"][:] == ["black"]  # and never the moon, which has no word of the query


def test_nothing_that_is_left_is_told():
    with pytest.warns(AirvecWarning, match="dataset: 0 rows of 3 were made, as too few candidates are left. Loosen"):
        assert negatives(max_score=-0.5) == []


def test_a_mistake_is_told_before_anything_is_encoded():
    model = NoiseModel()
    for given, corpus in (
        ({"anchor_column_name": "x"}, None),
        ({"num_negatives": 50, "output_format": "n-tuple"}, None),
    ):
        with pytest.raises(ArgumentError):
            mine(generated(9), model, MiningSettings(**given), corpus=corpus)
    with pytest.raises(ArgumentError, match="model: None, expected a model with encode"):
        mine(generated(9), None)
    assert model.calls == 0


@pytest.mark.parametrize("strategy", ["top", "random"])
@pytest.mark.parametrize("form", ["triplet", "n-tuple", "labeled-pair", "labeled-list"])
def test_a_range_without_end_is_as_long_as_the_corpus(form, strategy):
    def found(range_max):
        settings = MiningSettings(
            range_max=range_max, output_format=form, sampling_strategy=strategy, seed=1, show_progress_bar=False
        )
        rows, report = mine(generated(), NoiseModel(), settings)
        return rows.to_dict(), report.missing, report.candidates

    assert found(10**12) == found(170)


@pytest.mark.parametrize("form", ["triplet", "labeled-pair", "labeled-list"])
def test_more_negatives_than_there_are_documents_are_all_of_them(form):
    def found(count):
        settings = MiningSettings(num_negatives=count, output_format=form, show_progress_bar=False)
        with pytest.warns(AirvecWarning, match="expected num_negatives"):
            rows, report = mine(pairs(("q", "gold"), ("q", "far")), AngleModel(), settings, corpus=CORPUS)
        return rows.to_dict(), report.missing

    some, missing = found(9)
    every, most = found(10**9)
    assert every == some
    # Negatives a positive, a query, or none, as a list is a row however long it is.
    assert most - missing == (10**9 - 9) * {"triplet": 2, "labeled-pair": 1, "labeled-list": 0}[form]


def test_a_negative_margin_lets_in_what_is_above_the_positive():
    assert negatives(("q", "middle"), relative_margin=0.0) == ["far", "other"]
    assert negatives(("q", "middle"), relative_margin=-0.5) == ["near", "far", "other"]  # 0.78 < 1.5 * 0.6


@pytest.mark.parametrize("given", [{"num_negatives": 2}, "top", 3])
def test_settings_of_another_kind_are_told(given):
    with pytest.raises(ArgumentError, match=f"settings: {type(given).__name__}, expected MiningSettings"):
        mine(generated(9), NoiseModel(), given)


def test_a_seed_gives_the_same_rows_again():
    def drawn(seed):
        settings = MiningSettings(sampling_strategy="random", range_max=40, seed=seed, show_progress_bar=False)
        return mine(generated(), NoiseModel(), settings)[0]["negative"][:]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
