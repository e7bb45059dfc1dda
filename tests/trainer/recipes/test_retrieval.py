"""Mirrors retrieval.py and retrieval_evaluators.py of trainer/airvec_trainer/recipes."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.search.beir import RetrievalTask, read_beir
from airvec.search.metrics import ndcg
from airvec_trainer.evaluation import CrossEncoderRerankingEvaluator, InformationRetrievalEvaluator
from airvec_trainer.recipes.reading import read_recipe
from airvec_trainer.recipes.retrieval import cut, parts_of_task, split_task
from airvec_trainer.recipes.retrieval_evaluators import bm25_ndcg, samples, task_evaluator
from airvec_trainer.recipes.running import plan
from airvec_trainer.recipes.sections import DataSection, EvaluationSection
from tests.trainer.recipes.in_stages import beir, written


@pytest.fixture
def folder(tmp_path):
    return beir(tmp_path / "task")


def task_of(queries):
    return RetrievalTask({"d": "a text"}, queries, {name: {"d": 1} for name in queries})


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_no_query_is_on_both_sides_and_none_is_lost(folder, share):
    task = read_beir(folder, "train")
    kept, out = split_task(task, share)
    assert len(out.queries) == round(share * 40)
    assert kept.queries.keys().isdisjoint(out.queries)
    assert kept.queries | out.queries == task.queries
    assert kept.corpus == out.corpus == task.corpus
    assert out.relevant == {name: task.relevant[name] for name in out.queries}


def test_queries_of_one_text_stay_on_one_side():
    for seed in range(20):
        kept, out = split_task(task_of({"a": "One  text", "b": "one text", "c": "two", "d": "three"}), 0.3, seed)
        assert ("a" in kept.queries) == ("b" in kept.queries)
        assert ("a" in out.queries) == ("b" in out.queries)


def test_a_split_depends_on_its_seed_and_not_on_the_order():
    queries = {f"q{number}": f"text {number}" for number in range(50)}
    turned = dict(reversed(queries.items()))
    assert set(split_task(task_of(queries), 0.2)[1].queries) == set(split_task(task_of(turned), 0.2)[1].queries)
    assert set(split_task(task_of(queries), 0.2, 1)[1].queries) != set(split_task(task_of(queries), 0.2, 2)[1].queries)


def linked():
    """Queries 0 and 1 share a document, 1 and 2 another, 3 and 4 one; 5 to 9 have documents of their own."""
    links = [("a",), ("a", "b"), ("b",), ("c",), ("c",), *((str(number),) for number in range(5, 10))]
    relevant = {f"q{number}": dict.fromkeys(documents, 1) for number, documents in enumerate(links)}
    relevant["q5"]["a"] = 0  # judged, and not relevant: no link
    return RetrievalTask(
        dict.fromkeys([*"abc", *"56789"], "text"), {name: f"ask {name}" for name in relevant}, relevant
    )


@pytest.mark.parametrize("seed", range(8))
def test_by_documents_no_relevant_document_is_on_both_sides(seed):
    task = linked()
    kept, out = split_task(task, 0.5, seed, by="documents")
    assert sorted([*kept.queries, *out.queries]) == sorted(task.queries)
    assert 3 <= len(out.queries) <= 5
    sides = [
        {key for grades in side.relevant.values() for key, grade in grades.items() if grade} for side in (kept, out)
    ]
    assert not sides[0] & sides[1]


def test_a_cut_takes_so_many_queries_spread_over_all():
    queries = {f"q{number}": f"text {number}" for number in range(50)}
    kept = cut(task_of(queries), 10).queries
    assert len(kept) == 10
    assert list(kept) != list(queries)[:10]
    assert cut(task_of(queries), 100).queries == queries


def test_pairs_are_each_query_with_each_document_of_its_own(folder):
    rows, out = parts_of_task(DataSection(beir=str(folder), split="train", held_out_queries=0.25))
    assert (len(rows), len(out.queries)) == (30, 10)
    assert rows.column_names == ["anchor", "positive"]
    number = int(rows[0]["anchor"].removeprefix("the ask"))
    assert rows[0]["positive"].startswith(f"the told{number} of")


def test_pairs_may_have_other_names(folder):
    section = DataSection(beir=str(folder), split="train", columns={"query": "anchor", "text": "positive"})
    assert parts_of_task(section)[0].column_names == ["query", "text"]


def test_all_queries_held_out_leave_nothing_to_train_on(folder):
    with pytest.raises(ArgumentError, match=r"\[\[data\]\] x: 40 of 40 queries held out"):
        parts_of_task(DataSection(name="x", beir=str(folder), split="train", held_out_queries=0.999))


def test_the_evaluator_searches_for_exactly_the_queries_held_out(tmp_path):
    found = plan(read_recipe(written(tmp_path)))
    (evaluator,) = found.evaluators
    assert isinstance(evaluator, InformationRetrievalEvaluator)
    assert sorted(evaluator.queries) == sorted(found.evaluated[0].queries.values())
    assert len(evaluator.corpus) == 40


def test_samples_hold_what_a_retriever_found_best_first(folder):
    task = read_beir(folder, "train")
    found = samples(RetrievalTask(task.corpus, {"q": "told3"}, {"q": {"d3": 1, "d9": 0}}), "bm25", 2)
    assert found[0]["query"] == "told3"
    assert found[0]["positive"] == [task.corpus["d3"]]
    assert set(found[0]["documents"]) == {task.corpus["d2"], task.corpus["d3"]}


class SameOrder:
    def predict(self, pairs, **given):
        return -np.arange(len(pairs), dtype=np.float64)


def test_a_reranker_that_keeps_what_bm25_found_gains_exactly_nothing(folder):
    task = read_beir(folder, "train")
    asked = RetrievalTask(task.corpus, {"q": "told3 of told4"}, {"q": {"d3": 1, "d9": 1, "d12": 1}})
    section = EvaluationSection(
        evaluator="CrossEncoderRerankingEvaluator", retriever="bm25", candidates=5,
        settings={"always_rerank_positives": False},
    )  # fmt: skip
    found = task_evaluator(CrossEncoderRerankingEvaluator, section, asked, "here")(SameOrder())
    hits = samples(asked, "bm25", 5)[0]
    ids = {text: name for name, text in task.corpus.items()}
    ranking = [ids[text] for text in hits["documents"]]
    assert 0 < found["ndcg@10"] == found["base_ndcg@10"] == pytest.approx(ndcg(ranking, asked.relevant["q"]))
    assert found["ndcg@10"] < 1  # of three documents that count, BM25 finds one


def test_bm25_beside_is_one_where_words_tell_all(folder):
    task = read_beir(folder, "train")
    assert bm25_ndcg(RetrievalTask(task.corpus, {"q": "the told3 of told4"}, {"q": {"d3": 1}})) == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('evaluator = "Info', 'evaluator = "Trip'), r"evaluator: 'Trip"),
        (
            ('evaluator = "InformationRetrievalEvaluator"', 'evaluator = "TripletEvaluator"'),
            r"expected one of retrieval",
        ),
        (('name = "held-out"', 'name = "held-out"\nndgc_at_k = [10]'), r"unknown key 'ndgc_at_k'.*'ndcg_at_k'"),
        (('beir = "task"', 'beir = "tusk"'), r"tusk: no such folder"),
        (
            ("InformationRetrievalEvaluator", "CrossEncoderRerankingEvaluator"),
            r"retriever: None, expected a model's name",
        ),
    ],
)
def test_a_wrong_task_is_refused_by_the_plan(tmp_path, change, message):
    with pytest.raises(ArgumentError, match=message):
        plan(read_recipe(written(tmp_path, change)))
