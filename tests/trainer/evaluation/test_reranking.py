"""RerankingEvaluator and its sparse name, on vectors that can be checked by hand."""

from math import log2

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.similarity import dot_score
from airvec.sparse_vectors import SparseVectors
from airvec_trainer import util
from airvec_trainer.evaluation import RerankingEvaluator, SparseRerankingEvaluator
from tests.trainer.evaluation.stand_in import Card, TableModel

TABLE = {"q": [1, 0], "r": [0, 1], "far": [-1, 0.5], "near": [1, 0.1], "mid": [1, 1], "up": [0, 3]}
SAMPLES = [
    {"query": "q", "positive": ["mid"], "negative": ["near", "far", "up"]},  # near, mid, up, far
    {"query": "r", "positive": "up", "negative": "far"},  # up, far
    {"query": "q", "positive": [], "negative": ["far"]},
    {"query": "q", "positive": ["far"], "negative": []},
]


def model():
    return TableModel({text: np.array(row, np.float32) for text, row in TABLE.items()})


@pytest.mark.parametrize("batched", [True, False])
def test_metrics_file_and_card_by_hand(tmp_path, batched):
    measure = RerankingEvaluator(SAMPLES, at_k=3, name="dev", use_batched_encoding=batched)
    encoder = model()
    encoder.model_card_data = Card()
    found = measure(encoder, tmp_path, 1, 20)
    expected = {"dev_map": 3 / 4, "dev_mrr@3": 3 / 4, "dev_ndcg@3": (1 / log2(3) + 1) / 2}
    assert found == pytest.approx(expected, abs=1e-12)
    assert measure.primary_metric == "dev_ndcg@3"
    head, row = (tmp_path / "RerankingEvaluator_dev_results_@3.csv").read_text().splitlines()
    assert head == "epoch,steps,MAP,MRR@3,NDCG@3"
    assert row.startswith("1,20,0.75,0.75,0.81")
    assert encoder.model_card_data.stored[0][1] == found
    queries = [texts for name, texts, _ in encoder.calls if name == "encode_query"]
    assert queries == ([["q", "r"]] if batched else [["q"], ["r"]])


def test_equal_scores_have_no_order_but_for_the_reciprocal_rank():
    sample = {"query": "q", "positive": ["mid"], "negative": ["near"]}
    encoder = TableModel({"q": [1.0, 0], "mid": [1.0, 1], "near": [1.0, -1]})
    found = RerankingEvaluator([sample])(encoder)
    assert found == pytest.approx({"map": 1 / 2, "mrr@10": 1, "ndcg@10": (1 + 1 / log2(3)) / 2})


@pytest.mark.parametrize("compare", [dot_score, util.dot_score, lambda q, d: d @ q, lambda q, d: -dot_score(-q, d)])
def test_a_similarity_may_be_of_numpy_of_torch_or_one_s_own(compare):
    found = RerankingEvaluator(SAMPLES, similarity_fct=compare)(model())
    # "mid" and "near" are equal, and the positive one is the first of them.
    assert found == pytest.approx({"map": 3 / 4, "mrr@10": 1, "ndcg@10": ((1 + 1 / log2(3)) / 2 + 1) / 2})


def test_options_are_passed_and_told():
    encoder = model()
    measure = RerankingEvaluator(dict(enumerate(SAMPLES)), at_k=4, batch_size=9, truncate_dim=1, mrr_at_k=2)
    measure(encoder)
    assert all(call[2]["batch_size"] == 9 and call[2]["truncate_dim"] == 1 for call in encoder.calls)
    assert measure.get_config_dict() == {"at_k": 2, "truncate_dim": 1}
    assert measure.primary({}) == "ndcg@2"


@pytest.mark.parametrize("batched", [True, False])
def test_sparse_vectors_are_counted(batched, monkeypatch, tmp_path):
    monkeypatch.setattr(SparseVectors, "to_dense", lambda self: pytest.fail("made dense"))

    class Sparse(TableModel):
        def encode(self, texts, **given):
            return SparseVectors.from_rows([self.table[text] for text in texts], 100)

        def sparsity(self):
            """What sparse models are known by."""

    encoder = Sparse({})
    encoder.table = {"q": {0: 1.0}, "r": {1: 1.0, 2: 1.0}, "far": {5: 1.0}, "near": {0: 1.0}, "mid": {0: 1.0, 3: 2.0},
                     "up": {1: 2.0, 2: 1.0, 7: 0.5}}  # fmt: skip
    measure = SparseRerankingEvaluator(SAMPLES, use_batched_encoding=batched, max_active_dims=3)
    found = measure(encoder, tmp_path)
    assert found["query_active_dims"] == 3 / 2
    # documents: 2, 1, 1, 3 of the first query; 3, 1 of the second
    assert found["corpus_active_dims"] == pytest.approx(11 / 6 if batched else (7 / 4 + 2) / 2)
    assert found["mrr@10"] == (1 / 2 + 1) / 2
    head = (tmp_path / "RerankingEvaluator_results_@10.csv").read_text().splitlines()[0]
    sparsity = "query_active_dims,query_sparsity_ratio,corpus_active_dims,corpus_sparsity_ratio"
    assert head == f"epoch,steps,MAP,MRR@10,NDCG@10,{sparsity}"
    assert measure.get_config_dict() == {"at_k": 10, "max_active_dims": 3}


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "0 samples, expected one at least"),
        ("q", "samples 'q', expected dicts"),
        ([{"positive": ["a"], "negative": ["b"]}], "row 0: .*expected a dict with a text 'query'"),
        ([{"query": "q", "positive": ["a"]}], "row 0: negative None, expected a text or several"),
        ([{"query": "q", "positive": [5], "negative": ["b"]}], r"row 0: positive \[5\], expected a text"),
        (SAMPLES[2:], "0 of 2 samples have positive and negative documents"),
    ],
)
def test_a_mistake_is_told_when_the_evaluator_is_made(samples, message):
    with pytest.raises(ArgumentError, match=f"^RerankingEvaluator: .*{message}"):
        RerankingEvaluator(samples)
    with pytest.raises(ArgumentError, match="at_k: 0, expected a whole number"):
        RerankingEvaluator(SAMPLES, at_k=0)


def test_a_similarity_of_another_shape_is_told():
    with pytest.raises(ArgumentError, match=r"gives shape \[2\] for 4 documents, expected \[4\]"):
        RerankingEvaluator(SAMPLES, similarity_fct=lambda q, d: q)(model())
