"""Mirrors runtime/airvec/search/evaluation.py."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest

from airvec.search.beir import RetrievalTask
from airvec.search.evaluation import Evaluation, Step, StepScores, depth_for, evaluated
from airvec.search.ranking import Ranking

TASK = RetrievalTask(
    {"d0": "", "d1": "", "d2": ""}, {"p": "one", "q": "two"}, {"p": {"d1": 2, "d2": 1, "gone": 1}, "q": {"d0": 1}}
)


def ranking(*rows):
    return Ranking(np.array(rows, np.int64), np.zeros((len(rows), len(rows[0])), np.float32))


def test_measures_are_means_over_the_queries():
    steps = iter([Step("bm25", ranking([2, 1, -1], [0, 1, 2])), Step("dense", ranking([1, 2, 0], [1, -1, -1]))])
    found = evaluated(steps, TASK, ["d0", "d1", "d2"], {"bm25": 2_500_000, "dense": 500_000})
    best = 2 + 1 / math.log2(3) + 1 / 2
    assert [one.name for one in found.steps] == ["bm25", "dense"]
    assert found["bm25"].ndcg_at_10 == pytest.approx(((1 + 2 / math.log2(3)) / best + 1) / 2)
    assert found["bm25"].recall_at_100 == pytest.approx((2 / 3 + 1) / 2)
    assert found["dense"].ndcg_at_10 == pytest.approx(((2 + 1 / math.log2(3)) / best) / 2)
    assert found["dense"].recall_at_100 == pytest.approx((2 / 3) / 2)
    assert [one.index_mb for one in found.steps] == [2.5, 0.5]
    assert (found.queries, found.documents) == (2, 3)


def test_a_document_with_the_querys_id_is_no_result_and_leaves_its_place_to_the_next():
    ids = ["q", *(f"d{row}" for row in range(101))]
    task = RetrievalTask(dict.fromkeys(ids, ""), {"q": "", "p": ""}, {"q": {"d0": 1, "d99": 1}, "p": {"q": 1}})
    assert depth_for(task) == 101
    assert depth_for(replace(task, queries={"p": ""})) == 100
    found = evaluated(iter([Step("dense", ranking(range(101), range(101)))]), task, ids, {"dense": 0})["dense"]
    best = 1 + 1 / math.log2(3)
    assert found.ndcg_at_10 == pytest.approx((1 / best + 1) / 2)
    assert found.recall_at_100 == 1  # d99 is the hundredth of q's others


def test_a_step_that_combines_others_counts_their_time_and_bytes(monkeypatch):
    now = iter([0.0, 0.5, 0.5, 1.5, 1.5, 2.0])  # the stages take 0.5 s and 1 s, their fusion 0.5 s
    monkeypatch.setattr("airvec.search.evaluation.perf_counter", lambda: next(now, 2.0))
    one = ranking([0], [0])
    steps = iter([Step("bm25", one), Step("dense", one), Step("rrf", one, combines=True)])
    found = evaluated(steps, TASK, ["d0"], {"bm25": 1_000_000, "dense": 2_000_000})
    assert [step.queries_per_second for step in found.steps] == [4.0, 2.0, 1.0]
    assert found["rrf"].index_mb == 3.0


def test_a_step_is_computed_while_it_is_timed():
    def steps():
        time.perf_counter()
        yield Step("dense", ranking([0], [0]))

    assert 0 < evaluated(steps(), TASK, ["d0"], {"dense": 0}).steps[0].queries_per_second < np.inf


def test_the_table_has_a_line_a_step():
    steps = (StepScores("bm25", 0.12345, 1.0, 1234.5, 0.5), StepScores("reranked", 0.5, 0.75, 9.6, 12.3456))
    assert str(Evaluation(9, 99, steps)).splitlines() == [
        "| stage    | NDCG@10 | Recall@100 | queries/s | index MB |",
        "|----------|--------:|-----------:|----------:|---------:|",
        "| bm25     |   12.35 |     100.00 |     1,234 |     0.50 |",
        "| reranked |   50.00 |      75.00 |        10 |    12.35 |",
    ]


def test_no_queries_score_zero():
    none = RetrievalTask({"d": ""}, {}, {})
    empty = Ranking(np.zeros((0, 0), np.int64), np.zeros((0, 0), np.float32))
    found = evaluated(iter([Step("dense", empty)]), none, ["d"], {"dense": 0})
    assert (found["dense"].ndcg_at_10, found["dense"].recall_at_100) == (0.0, 0.0)
    with pytest.raises(KeyError):
        found["bm25"]
