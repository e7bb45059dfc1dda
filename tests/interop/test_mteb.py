"""mteb, run through airvec's adapter, gives the numbers of airvec's own evaluators on the same files."""

import json

import pytest

from airvec import SentenceTransformer
from airvec.search import Retriever
from airvec.search.beir import read_beir
from airvec_trainer.evaluation.tasks import KINDS, Settings, parse_task, read_task
from tests.interop.programs import run


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


def test_a_retrievers_numbers_are_its_own(in_mteb, shared):
    found = in_mteb("bm25")["LocalRetrieval"]
    task = read_beir(shared / "data" / "scifact", "train")
    retriever = Retriever(bm25=True)
    retriever.index(task.corpus)
    expected = retriever.evaluate(shared / "data" / "scifact", split="train")["bm25"]
    # Documents of equal score are ordered by their ids there, and here by their place.
    assert found["ndcg_at_10"] == pytest.approx(expected.ndcg_at_10, abs=1e-3)
    assert found["recall_at_100"] == pytest.approx(expected.recall_at_100, abs=1e-3)
