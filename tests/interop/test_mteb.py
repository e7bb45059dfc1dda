"""mteb, run through airvec's adapter, gives the numbers of airvec's own evaluators on the same files."""

import json

import numpy as np
import pytest

from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
from airvec.search import Retriever
from airvec.search.beir import read_beir
from airvec_trainer.evaluation.tasks import KINDS, Settings, parse_task, read_task
from tests.folders import WORDS, reranker
from tests.interop.programs import run
from tests.sparse_folders import splade_model


@pytest.fixture(scope="module")
def in_mteb(shared, tmp_path_factory):
    """What mteb gives for a model, by task."""

    def evaluate(model):
        out = tmp_path_factory.mktemp("mteb") / "found.json"
        run("mteb", "evaluate_with_mteb", model, shared / "data", out, path="runtime")
        return json.loads(out.read_text(encoding="utf-8"))

    return evaluate


@pytest.fixture(scope="module")
def default_in_mteb(in_mteb):
    return in_mteb("default")


TASKS = {
    "LocalSTS": ("stsb:{}/stsb/test.tsv", {"cosine_spearman": "spearman_cosine", "cosine_pearson": "pearson_cosine"}),
    "LocalRetrieval": (
        "beir:{}/scifact?split=train",
        {"ndcg_at_10": "cosine_ndcg@10", "recall_at_100": "cosine_recall@100", "map_at_100": "cosine_map@100"},
    ),
    "LocalBitext": (
        "bitext:{}/tatoeba/deu-eng.tsv?sentence1=1&sentence2=2",
        {name: name for name in ("f1", "accuracy", "precision", "recall")},
    ),
    "LocalClassification": (
        "classification:{0}/clinc150/val.tsv?train={0}/clinc150/train.tsv",
        {name: name for name in ("accuracy", "f1", "f1_weighted", "precision", "recall_weighted")},
    ),
}
# Scores of retrieval are rounded to five digits there, and its regression stops before the optimum: a few rows differ.
BOUNDS = {"LocalSTS": 1e-6, "LocalRetrieval": 6e-6, "LocalBitext": 1e-12, "LocalClassification": 2e-3}


@pytest.mark.parametrize("name", TASKS)
def test_a_dense_models_numbers_are_those_of_airvec_eval(name, default_in_mteb, shared):
    words, metrics = TASKS[name]
    evaluator = read_task(parse_task(words.format(shared / "data"), KINDS), Settings()).evaluator
    ours = {key.removeprefix(f"{evaluator.name}_"): value for key, value in evaluator(SentenceTransformer()).items()}
    for theirs, key in metrics.items():
        assert ours[key] == pytest.approx(default_in_mteb[name][theirs], abs=BOUNDS[name]), key
    assert 0.03 < ours[evaluator.primary_metric.removeprefix(f"{evaluator.name}_")] < 0.95


@pytest.fixture(scope="module")
def ranking():
    """Queries, documents and candidates of ten words, such as the small models read."""
    random = np.random.default_rng(5)
    corpus = {f"d{row:02}": " ".join(random.choice(WORDS, 3 + row % 3)) for row in range(20)}
    queries = {f"q{row}": " ".join(random.choice(WORDS, 2, replace=False)) for row in range(6)}
    names = list(corpus)
    relevant = {query: dict.fromkeys(random.choice(names, 3, replace=False).tolist(), 1) for query in queries}
    other = {query: random.choice(names, 7, replace=False).tolist() for query in queries}
    candidates = {query: list(dict.fromkeys([*relevant[query], *other[query]])) for query in queries}
    return {"corpus": corpus, "queries": queries, "relevant": relevant, "candidates": candidates}


def ndcg_at_10(scores, relevant):
    """Of one query's scores by id; among equals the last id comes first, as in trec_eval."""
    best = sorted(scores, key=lambda name: (scores[name], name), reverse=True)[:10]
    gain = sum(1 / np.log2(place + 2) for place, name in enumerate(best) if name in relevant)
    return gain / sum(1 / np.log2(place + 2) for place in range(len(relevant)))


def small_models(folder):
    """By name: what the program opens, and a function of a query and texts that gives their scores."""
    sparse = SparseEncoder(splade_model(folder / "sparse"))
    scorer = CrossEncoder(reranker(folder / "reranker"))
    words = Retriever(bm25=True)

    def by_words(query, texts):
        words.index(texts)
        found = {hit["corpus_id"]: hit["score"] for hit in words.search(query, len(texts))}
        return [found.get(row, 0.0) for row in range(len(texts))]

    return {
        "sparse": lambda query, texts: sparse.similarity(sparse.encode_query([query]), sparse.encode_document(texts))[
            0
        ],
        "reranker": lambda query, texts: scorer.predict([(query, text) for text in texts]),
        "words": by_words,
    }


@pytest.mark.parametrize("kind", ["sparse", "reranker", "words"])
def test_rankings_of_small_models_and_of_candidates(kind, ranking, tmp_path):
    score = small_models(tmp_path)[kind]
    (tmp_path / "ranking.json").write_text(json.dumps(ranking), encoding="utf-8")
    place = "" if kind == "words" else tmp_path / kind
    run("mteb", "evaluate_with_mteb", f"{kind}={place}", tmp_path, tmp_path / "found.json", path="runtime")
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert set(found) == ({"LocalRanking"} if kind == "reranker" else {"LocalRanking", "LocalSearch"})
    for task in found:
        expected = []
        for query, text in ranking["queries"].items():
            scores = dict(zip(ranking["corpus"], score(text, list(ranking["corpus"].values())), strict=True))
            wanted = ranking["candidates"][query] if task == "LocalRanking" else [one for one in scores if scores[one]]
            expected.append(ndcg_at_10({one: float(scores[one]) for one in wanted}, ranking["relevant"][query]))
        assert found[task]["ndcg_at_10"] == pytest.approx(np.mean(expected), abs=6e-6), task  # five digits there
        assert 0.1 < np.mean(expected) < 0.95


def test_a_retrievers_numbers_are_its_own(in_mteb, shared):
    found = in_mteb("bm25")["LocalRetrieval"]
    task = read_beir(shared / "data" / "scifact", "train")
    retriever = Retriever(bm25=True)
    retriever.index(task.corpus)
    expected = retriever.evaluate(shared / "data" / "scifact", split="train")["bm25"]
    # Five digits there. Documents of equal score are in another order there, which changes neither here.
    assert found["ndcg_at_10"] == pytest.approx(expected.ndcg_at_10, abs=6e-6)
    assert found["recall_at_100"] == pytest.approx(expected.recall_at_100, abs=6e-6)
