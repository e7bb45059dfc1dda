"""The evaluators of several sets, on sets in memory."""

import csv

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.search.beir import RetrievalTask
from airvec_trainer.evaluation import CrossEncoderNanoBEIREvaluator, NanoBEIREvaluator, SparseNanoBEIREvaluator
from tests.trainer.evaluation.stand_in import Card, TableModel

TABLE = {"up": [0, 1], "right": [1, 0], "high": [0.1, 1], "east": [1, 0.1], "both": [0.6, 0.5], "": [0, 0]}
SETS = {
    "scifact": RetrievalTask({"a": "high", "b": "east", "e": ""}, {"q": "up"}, {"q": {"a": 1}}),  # first
    "Mine": RetrievalTask({"a": "high", "b": "both"}, {"q": "right"}, {"q": {"a": 2, "b": 0}}),  # second
}


def model():
    found = TableModel({text: np.array(row, np.float32) for text, row in TABLE.items()})
    found.model_card_data = Card()
    return found


def test_each_set_and_the_mean_by_hand(tmp_path):
    encoder = model()
    measure = NanoBEIREvaluator(dataset_id=SETS)
    found = measure(encoder, tmp_path, 1, 5)
    mrr = {key: value for key, value in found.items() if "mrr" in key}
    assert mrr == {"NanoSciFact_cosine_mrr@10": 1, "Mine_cosine_mrr@10": 1 / 2, "NanoBEIR_mean_cosine_mrr@10": 3 / 4}
    assert measure.primary_metric == "NanoBEIR_mean_cosine_ndcg@10"
    assert found[measure.primary_metric] == pytest.approx((1 + 1 / np.log2(3)) / 2)
    assert [len(one.corpus) for one in measure.evaluators] == [2, 2]  # the document without a text is left out
    with (tmp_path / "NanoBEIR_evaluation_mean_results.csv").open() as file:
        head, row = csv.reader(file)
    assert (head[:3], row[:3]) == (["epoch", "steps", "cosine-Accuracy@1"], ["1", "5", "0.5"])
    assert len(list(tmp_path.iterdir())) == 3
    assert len(encoder.model_card_data.stored) == 3
    assert measure.get_config_dict() == {"dataset_names": ["scifact", "Mine"], "dataset_id": "in memory"}
    aggregates = {f"NanoBEIR_mean_{key}": value for key, value in measure.measure(model()).items()}
    assert aggregates.items() <= found.items()


def test_another_aggregate_and_a_cut_go_into_the_names():
    measure = NanoBEIREvaluator(
        ["mine", "nanoscifact"][1:], SETS, truncate_dim=1, aggregate_fn=min, aggregate_key="min_1"
    )
    encoder = model()
    found = measure(encoder)
    assert measure.primary_metric == "NanoBEIR_min_1_1_cosine_ndcg@10"
    assert {key.partition("_cosine")[0] for key in found} == {"NanoSciFact_1", "NanoBEIR_min_1_1"}
    assert len(encoder.model_card_data.stored) == 1  # of one set the aggregate says nothing new


def test_prompts_are_one_for_all_or_one_for_each():
    encoder = model()
    prompts = {"NanoSciFact": "s: ", "Mine": "m: "}
    NanoBEIREvaluator(dataset_id=SETS, query_prompts=prompts, corpus_prompts="d: ")(encoder)
    passed = [call[2].get("prompt") for call in encoder.calls if call[0] != "encode"]
    assert passed == ["s: ", "d: ", "m: ", "d: "]
    with pytest.raises(ArgumentError, match="^NanoBEIREvaluator: query_prompts has none for Mine"):
        NanoBEIREvaluator(dataset_id=SETS, query_prompts={"scifact": "s: "})
    with pytest.raises(ArgumentError, match=r"dataset_names \['nq'\], expected some of scifact, Mine"):
        NanoBEIREvaluator(["nq"], SETS)


def test_sparsity_is_that_of_all_texts_of_all_sets():
    measure = SparseNanoBEIREvaluator(dataset_id=SETS, max_active_dims=9)
    encoder = model()
    encoder.sparsity = None  # sparse models are known by it
    found = measure(encoder)
    # queries: 1 and 1 of 2; documents: 2, 2 and 2, 2
    sparsity = {
        key: found[f"NanoBEIR_mean_9_{key}"] for key in ("query_active_dims", "corpus_active_dims", "avg_flops")
    }
    assert sparsity == {"query_active_dims": 1, "corpus_active_dims": 2, "avg_flops": 1 / 2 * 1 + 1 / 2 * 1}
    assert found["NanoSciFact_9_query_sparsity_ratio"] == 1 / 2
    assert measure.get_config_dict()["max_active_dims"] == 9


class Reranker:
    """The longer document is the better one."""

    def __init__(self):
        self.pairs = []
        self.model_card_data = Card()

    def predict(self, pairs, **given):
        self.pairs += pairs
        return np.array([len(document) for _, document in pairs], np.float32)


def test_rerankers_get_what_bm25_finds():
    texts = {"a": "a red fox", "b": "the red and very quick fox", "c": "a hen", "d": "the"}
    sets = {"Mine": RetrievalTask(texts, {"q": "red fox", "none": "hen"}, {"q": {"c": 1, "b": 1}, "none": {"c": 0}}),
            "arguana": SETS["scifact"]}  # fmt: skip
    measure = CrossEncoderNanoBEIREvaluator(dataset_id=sets, rerank_k=2)
    assert measure.dataset_names == ["Mine"]
    reranker = Reranker()
    found = measure(reranker)
    assert reranker.pairs == [["red fox", texts[name]] for name in ("c", "b", "a")]  # positives, then what BM25 found
    assert found["Mine_R2_base_mrr@10"] == 1 / 2
    assert found["NanoBEIR_R2_mean_mrr@10"] == 1
    assert measure.primary_metric == "NanoBEIR_R2_mean_ndcg@10"
    assert reranker.model_card_data.stored[-1][1]["NanoBEIR_R2_mean_mrr@10"] == "1.0000 (+0.5000)"
    assert {f"NanoBEIR_R2_mean_{key}" for key in measure.measure(reranker)} <= found.keys()
    assert measure.get_config_dict() == {
        "dataset_names": ["Mine"], "dataset_id": "in memory", "rerank_k": 2, "at_k": 10,
        "always_rerank_positives": True,
    }  # fmt: skip


def test_a_set_without_the_text_of_an_id_is_told(tmp_path):
    sets = {"Mine": RetrievalTask({"a": "x"}, {"q": "y"}, {"q": {"nowhere": 1}})}
    with pytest.raises(ValueError, match="Mine: no text for the id 'nowhere'"):
        CrossEncoderNanoBEIREvaluator(dataset_id=sets)
