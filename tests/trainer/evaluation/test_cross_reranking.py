"""CrossEncoderRerankingEvaluator on given scores."""

from math import log2

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.search.metrics import ndcg
from airvec_trainer.evaluation import CERerankingEvaluator, CrossEncoderRerankingEvaluator
from airvec_trainer.evaluation.ranking_metrics import average_precision, reciprocal_rank
from tests.trainer.evaluation.stand_in import Card


class Scores:
    """Scores a pair by its document."""

    def __init__(self, scores):
        self.scores = scores
        self.calls = []
        self.model_card_data = Card()

    def predict(self, pairs, **given):
        self.calls.append((pairs, given))
        return np.array([self.scores[document] for _, document in pairs], np.float32)


MODEL = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.1}
RANKED = [
    {"query": "q", "positive": ["b", "d"], "documents": ["c", "b", "a"]},  # d was not found
    {"query": "r", "positive": ["d"], "documents": ["a", "b"]},  # nothing was found
]


def test_positives_and_negatives_by_hand(tmp_path):
    model = Scores(MODEL)
    samples = [
        {"query": "q", "positive": ["b"], "negative": ["a", "c"]},
        {"query": "r", "positive": [], "negative": ["a"]},
    ]
    measure = CrossEncoderRerankingEvaluator(samples, name="dev", prompt_name="p", batch_size=2)
    assert measure(model, tmp_path, 1, 2) == pytest.approx(
        {"dev_map": 1 / 4, "dev_mrr@10": 1 / 4, "dev_ndcg@10": 1 / log2(3) / 2}
    )
    ((pairs, given),) = model.calls
    assert pairs == [["q", "b"], ["q", "a"], ["q", "c"]]  # of a query with nothing to find nothing is predicted
    assert (given["prompt_name"], given["batch_size"], given["show_progress_bar"]) == ("p", 2, False)
    head, row = (tmp_path / "CrossEncoderRerankingEvaluator_dev_results_@10.csv").read_text().splitlines()
    assert head == "epoch,steps,MAP,MRR@10,NDCG@10"
    assert row.startswith("1,2,0.25,0.25,0.3")
    assert measure.get_config_dict() == {"at_k": 10}


def test_a_ranking_before_is_measured_too():
    model = Scores(MODEL)
    measure = CrossEncoderRerankingEvaluator(RANKED)
    found = measure(model)
    # q: a, b, c, d of which b and d count; r: a, b, d of which d counts
    best = 1 + 1 / log2(3)
    assert found == pytest.approx(
        {
            "map": ((1 / 2 + 2 / 4) / 2 + 1 / 3) / 2,
            "mrr@10": (1 / 2 + 1 / 3) / 2,
            "ndcg@10": ((1 / log2(3) + 1 / log2(5)) / best + 1 / log2(4)) / 2,
            "base_map": ((1 / 2 + 2 / 4) / 2 + 0) / 2,  # before: c, b, a, and then d; and nothing
            "base_mrr@10": 1 / 4,
            "base_ndcg@10": (1 / log2(3) + 1 / log2(5)) / best / 2,
        }
    )
    assert measure.primary_metric == "ndcg@10"
    assert model.model_card_data.stored[0][1]["map"] == "0.4167 (+0.1667)"
    assert list(model.model_card_data.stored[0][1]) == ["map", "mrr@10", "ndcg@10"]
    assert measure.get_config_dict() == {"at_k": 10, "always_rerank_positives": True}


def test_only_what_was_found_is_reranked_if_asked():
    model = Scores(MODEL)
    found = CrossEncoderRerankingEvaluator(RANKED, always_rerank_positives=False, at_k=1)(model)
    assert model.calls[0][0] == [["q", "c"], ["q", "b"], ["q", "a"]]
    assert (found["map"], found["mrr@1"], found["ndcg@1"]) == (1 / 4, 0, 0)


class SameOrder:
    """Scores the documents of a query in the order in which they come."""

    def predict(self, pairs, **given):
        return -np.arange(len(pairs), dtype=np.float64)


def random_rankings(count=60):
    """Queries with one to five positives, of which some, none or all are among the documents found."""
    random = np.random.default_rng(0)
    rows = []
    for size in random.integers(1, 6, count).tolist():
        positive = [f"+{number}" for number in range(size)]
        found = random.permutation([*positive, *(f"-{number}" for number in range(8))])
        rows.append({"query": "q", "positive": positive, "documents": found[: random.integers(0, 9)].tolist()})
    return rows


@pytest.mark.parametrize("at_k", [3, 10])
def test_a_model_that_keeps_the_order_gains_exactly_nothing_if_missing_positives_count(at_k):
    rows = random_rankings()
    measure = CrossEncoderRerankingEvaluator(rows, at_k, always_rerank_positives=False, count_missing=True)
    found = measure(SameOrder())
    for key in ("map", f"mrr@{at_k}", f"ndcg@{at_k}"):
        assert 0 < found[key] == found[f"base_{key}"]
    # Without it the same model seems to gain: the reference's way.
    reference = CrossEncoderRerankingEvaluator(rows, at_k, always_rerank_positives=False)(SameOrder())
    assert reference[f"ndcg@{at_k}"] > reference[f"base_ndcg@{at_k}"]


def test_missing_positives_count_as_never_found_as_in_a_retrieval():
    rows = random_rankings()
    found = CrossEncoderRerankingEvaluator(rows, always_rerank_positives=False, count_missing=True)(SameOrder())
    judged = [(row["documents"], dict.fromkeys(row["positive"], 1)) for row in rows]
    assert found["ndcg@10"] == pytest.approx(np.mean([ndcg(*one) for one in judged]), abs=1e-12)
    precise = [average_precision(*one, 10) for one in judged]  # at most 5 positives and 8 documents: nothing is cut
    assert found["map"] == pytest.approx(np.mean(precise), abs=1e-12)
    assert found["mrr@10"] == pytest.approx(np.mean([reciprocal_rank(*one, 10) for one in judged]), abs=1e-12)


def test_missing_positives_by_hand():
    rows = [{"query": "q", "positive": ["b", "d"], "documents": ["c", "b", "a"]}]  # d was not found
    measure = CrossEncoderRerankingEvaluator(rows, always_rerank_positives=False, count_missing=True)
    best = 1 + 1 / log2(3)
    assert measure(Scores({"b": 0.9, "a": 0.5, "c": 0.1})) == pytest.approx(
        {
            "map": 1 / 2, "mrr@10": 1.0, "ndcg@10": 1 / best,
            "base_map": 1 / 4, "base_mrr@10": 1 / 2, "base_ndcg@10": 1 / log2(3) / best,
        }
    )  # fmt: skip
    assert measure.get_config_dict() == {"at_k": 10, "always_rerank_positives": False, "count_missing": True}
    both = CrossEncoderRerankingEvaluator(rows, count_missing=True)(Scores(MODEL))  # d is scored, and was not found
    assert (both["base_map"], both["map"]) == (1 / 4, (1 / 2 + 2 / 4) / 2)


def test_a_model_that_tells_nothing_apart_gains_nothing_by_the_order():
    model = Scores(dict.fromkeys("abcd", 0.5))
    found = CrossEncoderRerankingEvaluator([{"query": "q", "positive": "a", "negative": ["b", "c", "d"]}])(model)
    assert (found["mrr@10"], found["map"]) == (1 / 4, 1 / 4)


def test_nothing_to_find_at_all_needs_no_model():
    model = Scores({})
    samples = {"x": {"query": "q", "positive": ["d"], "documents": []}}
    found = CERerankingEvaluator(samples, always_rerank_positives=False, mrr_at_k=5)(model)
    assert found == dict.fromkeys(["map", "mrr@5", "ndcg@5", "base_map", "base_mrr@5", "base_ndcg@5"], 0)
    assert model.calls == []


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ({"query": "q", "positive": ["a"]}, "has query, positive, expected one of negative and documents"),
        ({"query": "q", "positive": ["a"], "negative": ["b"], "documents": ["b"]}, "expected one of negative and"),
        ({"query": "q", "negative": ["b"]}, "positive None, expected a text or several"),
        ({"query": "q", "positive": ["a"], "documents": [None]}, r"documents \[None\], expected a text"),
        ({"query": 7, "positive": ["a"], "documents": ["b"]}, "expected a dict with a text 'query'"),
    ],
)
def test_a_mistake_is_told_when_the_evaluator_is_made(sample, message):
    with pytest.raises(ArgumentError, match=f"^CrossEncoderRerankingEvaluator: samples, row 1: .*{message}"):
        CrossEncoderRerankingEvaluator([RANKED[0], sample])


def test_scores_that_are_none_are_told():
    class Labels(Scores):
        def predict(self, pairs, **given):
            return np.zeros((len(pairs), 3))

    measure = CrossEncoderRerankingEvaluator(RANKED)
    with pytest.raises(ArgumentError, match=r"gives shape \[7, 3\] for 7 pairs, expected \[7\]"):
        measure(Labels({}))
    with pytest.raises(ArgumentError, match="expected one finite number"):
        measure(Scores({**MODEL, "a": float("nan")}))
