"""ReciprocalRankFusionEvaluator by hand."""

import json
from math import log2

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.evaluation import ReciprocalRankFusionEvaluator

DENSE = [{"query_id": "1", "query": "q", "positive": ["b"], "documents": ["a", "b", "c"]}]
SPARSE = [{"query_id": "1", "query": "q", "positive": ["b"], "documents": ["d", "b"]}]


def test_metrics_and_files_by_hand(tmp_path):
    measure = ReciprocalRankFusionEvaluator(DENSE, SPARSE, name="x", write_predictions=True)
    found = measure(tmp_path, 1, 2)
    # b: 1/62 + 1/62; then a and d with 1/61 each, a first, which the dense ranking holds; then c
    second = {"map": 1 / 2, "mrr@10": 1 / 2, "ndcg@10": 1 / log2(3)}
    expected = {f"x_{side}_{key}": value for side in ("dense", "sparse") for key, value in second.items()}
    assert found == pytest.approx(expected | {"x_map": 1, "x_mrr@10": 1, "x_ndcg@10": 1})
    assert measure.primary_metric == "x_ndcg@10"
    (line,) = (tmp_path / "ReciprocalRankFusion_evaluation_x_predictions.jsonl").read_text().splitlines()
    assert json.loads(line) == {"query_id": "1", "query": "q", "positive": ["b"], "documents": ["b", "a", "d", "c"]}
    head, row = (tmp_path / "ReciprocalRankFusion_evaluation_x_results.csv").read_text().splitlines()
    kinds = [f"{side}_{kind}" for side in ("Dense", "Sparse", "Fusion") for kind in ("MAP", "MRR@10", "NDCG@10")]
    assert head.split(",") == ["epoch", "steps", *kinds]
    assert row.split(",")[:4] == ["1", "2", "0.5", "0.5"]
    assert measure.get_config_dict() == {"at_k": 10, "rrf_k": 60, "write_predictions": True}


def test_nothing_is_written_without_a_folder_and_the_constant_counts():
    dense = [{**DENSE[0], "documents": ["a", "x", "y", "b"]}]
    sparse = [{**SPARSE[0], "documents": ["c", "d", "e", "b"]}]
    assert ReciprocalRankFusionEvaluator(dense, sparse, rrf_k=60)()["mrr@10"] == 1  # 2/64 > 1/61
    assert ReciprocalRankFusionEvaluator(dense, sparse, rrf_k=1)()["mrr@10"] == 1 / 3  # 2/5 < 1/2, twice


def test_empty_rankings_score_0():
    none = [{**DENSE[0], "documents": []}]
    found = ReciprocalRankFusionEvaluator(none, none, at_k=1)()
    assert set(found.values()) == {0.0}


@pytest.mark.parametrize(
    ("dense", "sparse", "message"),
    [
        (DENSE, [], "0 samples"),
        (DENSE * 2, SPARSE, "2 dense and 1 sparse samples"),
        (DENSE, [{**SPARSE[0], "query_id": "2"}], "row 0: query_id '1' and '2', expected the same"),
        ([{"query": "q", "positive": [], "documents": []}], SPARSE, "query_id None and '1'"),
        ([{**DENSE[0], "positive": 3}], SPARSE, "positive 3, expected a text"),
        (DENSE, [{"query_id": "1", "query": "q"}], "documents None, expected a text"),
    ],
)
def test_a_mistake_is_told_when_the_evaluator_is_made(dense, sparse, message):
    with pytest.raises(ArgumentError, match=f"^ReciprocalRankFusionEvaluator: .*{message}"):
        ReciprocalRankFusionEvaluator(dense, sparse)
    with pytest.raises(ArgumentError, match="rrf_k: 0, expected a whole number"):
        ReciprocalRankFusionEvaluator(DENSE, SPARSE, rrf_k=0)
