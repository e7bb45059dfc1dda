"""Exported folders are measured where torch, datasets and scikit-learn are not installed: dense, sparse, rerankers."""

import json

from tests.folders import reranker
from tests.house.probe import HEAVY, probe
from tests.sparse_folders import splade_model

RUN = """
import json
from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
from airvec.search.beir import RetrievalTask
from airvec_trainer import evaluation

corpus = {{"d1": "a b", "d2": "c d e", "d3": "j"}}
queries, relevant = {{"q": "b a"}}, {{"q": {{"d1": 1}}}}
samples = [{{"query": "b a", "positive": "a b", "negative": ["j", "c d e"]}}]
sets = {{"mine": RetrievalTask(corpus, queries, relevant)}}
dense, sparse, rerank = SentenceTransformer(), SparseEncoder({splade!r}), CrossEncoder({reranker!r})
found = [
    evaluation.InformationRetrievalEvaluator(queries, corpus, relevant, 2)(dense),
    evaluation.SparseInformationRetrievalEvaluator(queries, corpus, relevant, 2, max_active_dims=5)(sparse),
    evaluation.NanoBEIREvaluator(dataset_id=sets)(dense),
    evaluation.SparseNanoBEIREvaluator(dataset_id=sets)(sparse),
    evaluation.CrossEncoderNanoBEIREvaluator(dataset_id=sets)(rerank),
    evaluation.RerankingEvaluator(samples)(dense),
    evaluation.SparseRerankingEvaluator(samples)(sparse),
    evaluation.CrossEncoderRerankingEvaluator(samples)(rerank),
]
open({file!r}, "w").write(json.dumps(found))
"""


def test_every_kind_of_folder_is_measured_without_torch(tmp_path):
    file = tmp_path / "found.json"
    folders = {"splade": str(splade_model(tmp_path / "splade")), "reranker": str(reranker(tmp_path / "reranker"))}
    assert probe(RUN.format(file=str(file), **folders), (*HEAVY, "datasets", "pyarrow", "sklearn")).problem is None
    found = json.loads(file.read_text())
    assert [len(metrics) for metrics in found] == [15, 20, 30, 40, 12, 3, 7, 3]
    assert found[0]["cosine_mrr@10"] == found[5]["mrr@10"] == 1.0  # the words are the same
    assert found[1]["query_active_dims"] <= 5
