"""Mirrors runtime/airvec/search/retriever.py: searching and evaluating; its folder is in test_corpus_index.py."""

import json
import re
from itertools import permutations

import numpy as np
import pytest

from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
from airvec.errors import ArgumentError, InputError
from airvec.search import BM25, Retriever, reciprocal_rank_fusion, weighted_fusion
from airvec.similarity import cos_sim
from tests.folders import reranker, word_model
from tests.runtime.search.fakes import LengthReranker, LetterModel, SparseLetterModel, random_texts
from tests.sparse_folders import splade_model

CORPUS = ["apples and pears", "a red car", "pears in wine", "the car is fast, the red one"]


def ids(hits):
    return [hit["corpus_id"] for hit in hits]


def test_words_find_the_documents_that_have_them_best_first():
    retriever = Retriever(bm25=True)
    retriever.index(CORPUS)
    assert ids(retriever.search("a red car")) == [1, 3]
    assert ids(retriever.search("pears, wine")) == [2, 0]
    assert retriever.search("submarine") == []


def test_the_embedded_model_finds_what_exact_search_finds():
    model = SentenceTransformer()
    retriever = Retriever(model)
    retriever.index(CORPUS)
    hits = retriever.search("fruit", top_k=4)
    scores = cos_sim(model.encode_query("fruit"), model.encode_document(CORPUS))[0]
    assert ids(hits) == np.argsort(-scores).tolist()
    assert [hit["score"] for hit in hits] == pytest.approx(np.sort(scores)[::-1].tolist(), abs=1e-6)


def test_sparse_vectors_are_compared_by_dot_product():
    retriever = Retriever(sparse=SparseLetterModel())
    retriever.index(["ab", "aab", "c"])
    assert retriever.search("a") == [{"corpus_id": 1, "score": 4.0}, {"corpus_id": 0, "score": 2.0}]


def test_ids_texts_and_shapes_are_as_asked_for():
    retriever = Retriever(bm25=True)
    retriever.index({"grün": "Äpfel 🍎", "x": "Birnen"})
    one = retriever.search("äpfel", return_documents=True)
    assert one == [{"corpus_id": "grün", "score": pytest.approx(one[0]["score"]), "text": "Äpfel 🍎"}]
    assert retriever.search(["birnen", "äpfel"]) == [retriever.search("birnen"), retriever.search("äpfel")]
    assert retriever.search([]) == []
    json.dumps(one)  # Python's own numbers


def test_several_stages_are_fused_by_place_or_by_weight():
    texts, queries = random_texts(60), random_texts(7, "queries")
    alone = [Retriever(bm25=True), Retriever(sparse=SparseLetterModel()), Retriever(LetterModel())]
    rankings = []
    for retriever in alone:
        retriever.index(texts)
        rankings += [step.ranking for step in retriever.steps(queries, 20)]
    every = Retriever(LetterModel(), sparse=SparseLetterModel(), bm25=True)
    every.index(texts)
    steps = list(every.steps(queries, 5, candidates=20))
    assert [step.name for step in steps] == ["bm25", "sparse", "dense", "rrf"]
    assert [step.combines for step in steps] == [False, False, False, True]
    expected = reciprocal_rank_fusion(rankings, 5)
    assert steps[-1].ranking.rows.tolist() == expected.rows.tolist()
    assert [ids(hits) for hits in every.search(queries, 5, candidates=20)] == expected.rows.tolist()
    every.fusion = {"dense": 1, "bm25": 3, "sparse": 2}
    *_, last = every.steps(queries, 5, candidates=20)
    assert last.name == "weighted"
    assert last.ranking.rows.tolist() == weighted_fusion(rankings, [3, 2, 1], 5).rows.tolist()


def test_each_stage_hands_as_many_candidates_as_asked_for_and_one_alone_no_more_than_needed():
    retriever = Retriever(LetterModel(), bm25=True)
    retriever.index(random_texts(60))
    widths = [step.ranking.rows.shape[1] for step in retriever.steps(["a b"], 4, candidates=9)]
    assert widths == [9, 9, 4]
    alone = Retriever(LetterModel())
    alone.index(random_texts(60))
    assert [step.ranking.rows.shape[1] for step in alone.steps(["a b"], 4, candidates=9)] == [4]


def test_the_reranker_sees_the_first_candidates_and_decides():
    reranker, texts = LengthReranker(), ["a a a a a b", "a a b", "a", "a a a a b", "b b"]
    retriever = Retriever(bm25=True, reranker=reranker)
    retriever.index(texts)
    by_words, reranked = (step.ranking.rows[0].tolist() for step in retriever.steps(["a"], 4))
    assert by_words == [0, 3, 1, 2]
    assert reranked == [2, 1, 3, 0]
    reranker.pairs.clear()
    assert retriever.search("a", top_k=1, rerank_top=3) == [{"corpus_id": 1, "score": -5.0}]
    assert reranker.pairs == [("a", texts[row]) for row in by_words[:3]]
    assert len(retriever.search("a", top_k=4, rerank_top=1)) == 4  # never fewer than asked for


def test_more_results_than_documents_are_all_of_them():
    retriever = Retriever(LetterModel())
    retriever.index(["a", "b"])
    assert len(retriever.search("a", top_k=100)) == 2


@pytest.mark.parametrize("corpus", [[], {}])
def test_an_empty_corpus_has_no_results(corpus):
    for retriever in (
        Retriever(SentenceTransformer(), bm25=True),
        Retriever(LetterModel(), precision="int8"),
        Retriever(LetterModel(), precision="binary", sparse=SparseLetterModel()),
    ):
        retriever.index(corpus)
        assert len(retriever) == 0
        assert retriever.search("anything") == []
        assert retriever.search(["anything", "else"]) == [[], []]


def test_a_corpus_without_words_is_found_by_embeddings_alone():
    retriever = Retriever(LetterModel(), bm25=True)
    retriever.index(["!!!", ""])
    assert sorted(ids(retriever.search("a"))) == [0, 1]
    assert retriever.search("") != []


def test_codes_find_the_same_first_document():
    texts = random_texts(200)
    for precision in ("int8", "binary"):
        for keep_float in (False, True):
            retriever = Retriever(LetterModel(), precision=precision, keep_float=keep_float)
            retriever.index(texts)
            best = retriever.search(texts[17], top_k=1, rescore_multiplier=200)[0]["corpus_id"]
            exact = cos_sim(LetterModel().encode_query([texts[17]]), LetterModel().encode_document([texts[best]]))
            assert exact[0, 0] > (0.99 if keep_float or precision == "int8" else 0.7)


def test_indexing_again_replaces_and_a_failure_leaves_what_was_there():
    retriever = Retriever(LetterModel(), bm25=True)
    retriever.index(["a"])
    with pytest.raises(InputError):
        retriever.index(["b", None])
    assert ids(retriever.search("a")) == [0]
    retriever.index({"new": "b"})
    assert ids(retriever.search("b")) == ["new"]


def test_a_bm25_of_ones_own_is_used_and_left_as_it_was():
    words = BM25(stop_words=["the"])
    retriever = Retriever(bm25=words)
    retriever.index(["the cat", "the dog"])
    assert retriever.search("the") == []
    assert not words.idf


def test_what_cannot_be_is_refused():
    with pytest.raises(ArgumentError, match="expected one or more"):
        Retriever()
    with pytest.raises(ArgumentError, match="bm25: str 'yes'"):
        Retriever(bm25="yes")
    with pytest.raises(ArgumentError, match="precision: 'int4', expected one of float32, int8, binary"):
        Retriever(LetterModel(), precision="int4")
    for fusion in ("sum", {"dense": 1}, {"dense": 1, "bm25": 1, "sparse": 1}, {"dense": -1, "bm25": 1}, None, 3):
        with pytest.raises(ArgumentError, match="fusion|weights"):
            Retriever(LetterModel(), bm25=True, fusion=fusion)


@pytest.mark.parametrize("argument", ["dense", "sparse", "reranker"])
@pytest.mark.parametrize("given", ["all-MiniLM-L6-v2", True, False, 3, LetterModel, LengthReranker, [LetterModel()]])
def test_what_is_no_model_is_refused_by_name(argument, given):
    methods = "predict" if argument == "reranker" else "encode_query and encode_document"
    message = rf"^{argument}: {re.escape(repr(given))}, expected a model with the methods? {methods}\. Pass \w+\(…\)"
    with pytest.raises(ArgumentError, match=message):
        Retriever(bm25=True, **{argument: given})


def test_a_model_for_another_argument_is_refused(tmp_path):
    dense, sparse, scorer = LetterModel(), SparseLetterModel(), LengthReranker()
    with pytest.raises(ArgumentError, match=r"dense: LetterModel.* gives SparseVectors, expected an array .* sparse=…"):
        Retriever(sparse)
    with pytest.raises(ArgumentError, match=r"sparse: LetterModel.* gives ndarray, expected SparseVectors.* dense=…"):
        Retriever(sparse=dense)
    for given in ({"dense": scorer}, {"sparse": scorer}, {"bm25": True, "reranker": dense}):
        with pytest.raises(ArgumentError, match="expected a model with the method"):
            Retriever(**given)
    retriever = Retriever(dense)
    retriever.index(CORPUS)
    retriever.save(tmp_path / "index")
    for given, message in (("all-MiniLM-L6-v2", "dense: 'all-MiniLM"), (sparse, "dense: .* gives SparseVectors")):
        with pytest.raises(ArgumentError, match=message):
            Retriever.load(tmp_path / "index", dense=given)


def test_steps_take_the_queries_that_search_takes():
    retriever = Retriever(bm25=True, reranker=LengthReranker())
    retriever.index(CORPUS)
    (one, last), (_, alone) = retriever.steps("a red car"), retriever.steps(["a red car"])
    assert (one.ranking.rows.shape, last.ranking.rows.tolist()) == ((1, 2), alone.ranking.rows.tolist())
    with pytest.raises(InputError):
        retriever.steps([None])  # before the first step is asked for


def test_a_search_that_cannot_be_is_refused():
    retriever = Retriever(LetterModel(), bm25=True)
    for call in (lambda: retriever.search("a"), lambda: retriever.save("nowhere")):
        with pytest.raises(ArgumentError, match=r"Retriever\(bm25, dense; 0 documents\) has no index"):
            call()
    retriever.index(["a"])
    for name in ("top_k", "candidates", "rerank_top"):
        with pytest.raises(ArgumentError, match=f"{name}: 0, expected a whole number"):
            retriever.search("a", **{name: 0})
    for queries in (None, [None], {"a": "b"}, 3):
        with pytest.raises(InputError):
            retriever.search(queries)


@pytest.mark.parametrize("corpus", ["one text", None, [1], {"a": None}, {1: "a"}, ["a\ud800"]])
def test_what_is_no_corpus_is_refused(corpus):
    with pytest.raises(InputError):
        Retriever(bm25=True).index(corpus)


@pytest.fixture
def task(tmp_path):
    """Three documents and two judged queries in BEIR's layout."""
    (tmp_path / "qrels").mkdir()
    corpus = [{"_id": name, "title": "", "text": text} for name, text in (("x", "a b"), ("y", "b"), ("z", "c c"))]
    queries = [{"_id": "q1", "text": "b"}, {"_id": "q2", "text": "c"}, {"_id": "q3", "text": "never judged"}]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tx\t1\nq2\tz\t1\nq2\ty\t1\n")
    return tmp_path


def test_evaluate_gives_a_line_a_stage_the_fusion_and_the_reranker(task):
    retriever = Retriever(LetterModel(), bm25=True, reranker=LengthReranker())
    found = retriever.evaluate(task)
    assert [one.name for one in found.steps] == ["bm25", "dense", "rrf", "reranked"]
    assert (found.queries, found.documents) == (2, 3)
    # bm25: y before x, as it is shorter; z, and nothing else.
    second = 1 / np.log2(3)
    assert found["bm25"].ndcg_at_10 == pytest.approx((second + 1 / (1 + second)) / 2)
    assert found["bm25"].recall_at_100 == pytest.approx((1 + 1 / 2) / 2)
    # dense ranks all: y x z; z x y.
    assert found["dense"].ndcg_at_10 == pytest.approx((second + (1 + 1 / 2) / (1 + second)) / 2)
    assert found["dense"].recall_at_100 == 1
    sizes = [one.index_mb for one in found.steps]
    assert sizes[1] == 3 * 10 * 4 / 1e6
    assert sizes[2] == sizes[3] == pytest.approx(sizes[0] + sizes[1])
    assert all(one.queries_per_second > 0 for one in found.steps)


def test_evaluate_leaves_out_the_document_that_is_the_query(task):
    (task / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\ny\tx\t1\n")
    (task / "queries.jsonl").write_text('{"_id": "y", "text": "b"}')
    assert Retriever(bm25=True).evaluate(task)["bm25"].ndcg_at_10 == 1  # y itself would come before x


def test_evaluate_uses_the_index_that_is_there_if_it_is_the_tasks(task):
    model = LetterModel()
    retriever = Retriever(model)
    retriever.index({"x": "a b", "y": "b", "z": "c c"})
    encoded = model.encoded
    assert retriever.evaluate(task)["dense"].recall_at_100 == 1
    assert model.encoded == encoded
    for other in (["a b", "b", "c c"], {"x": "a b"}):
        retriever.index(other)
        with pytest.raises(ArgumentError, match=r"has 3 documents, the index holds \d others"):
            retriever.evaluate(task)


def test_the_three_classes_of_models_fit(tmp_path):
    made = {
        "dense": SentenceTransformer(word_model(tmp_path / "dense")),
        "sparse": SparseEncoder(splade_model(tmp_path / "sparse")),
        "reranker": CrossEncoder(reranker(tmp_path / "reranker")),
    }
    for argument, kind in permutations(made, 2):
        with pytest.raises(ArgumentError, match=f"^{argument}: {type(made[kind]).__name__}.*expected"):
            Retriever(bm25=True, **{argument: made[kind]})
    retriever = Retriever(**made, bm25=True)
    retriever.index({"one": "a b", "two": "c", "three": "d e a"})
    hits = retriever.search("a", top_k=2)
    scores = made["reranker"].predict([("a", text) for text in ("a b", "c", "d e a")])
    assert [hit["score"] for hit in hits] == pytest.approx(np.sort(scores)[::-1][:2].tolist(), rel=1e-5)
    retriever.save(tmp_path / "index")
    assert Retriever.load(tmp_path / "index", **made).search("a", top_k=2) == hits
