"""Mirrors runtime/airvec/serving/tasks.py: the numbers are those of the Python calls."""

import base64
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airvec.errors import ArgumentError
from airvec.pipeline import Pipeline
from airvec.serving.limits import Limits
from airvec.serving.problems import RequestError
from airvec.serving.tasks import run_task, tasks_of
from airvec.tokenizer import Tokenizer
from tests.runtime.serving.conftest import CORPUS, service

TEXTS = ["a b c", "j", ""]


def run(made, name, limits=Limits(), /, **values):  # noqa: B008 - frozen
    done = run_task(name, made.opened, values, limits)
    json.dumps(done.result, allow_nan=False)
    return done.result


def refused(made, name, limits=Limits(), /, **values):  # noqa: B008 - frozen
    with pytest.raises(RequestError) as caught:
        run_task(name, made.opened, values, limits)
    return caught.value.status, str(caught.value)


def same(found, expected):
    np.testing.assert_array_equal(np.array(found, np.float64).astype(np.float32), expected)


def test_embeddings_are_those_of_the_model_to_the_last_bit(dense):
    found = run(dense, "encode", texts=TEXTS)
    same(found["embeddings"], dense.opened.model.encode(TEXTS))
    assert {name: found[name] for name in ("dim", "model", "tokens")} == {"dim": 4, "model": "words", "tokens": 10}


def test_one_text_gives_one_embedding_and_none_give_none(dense):
    same(run(dense, "encode", texts="a b")["embeddings"], dense.opened.model.encode("a b"))
    found = run(dense, "encode", texts=[])
    assert (found["embeddings"], found["dim"], found["tokens"]) == ([], 4, 0)


def test_tasks_and_prompts_put_in_front_what_the_python_calls_do(dense):
    model = dense.opened.model
    same(run(dense, "encode", texts=["c"], task="query")["embeddings"], model.encode_query(["c"]))
    same(run(dense, "encode", texts=["c"], task="document")["embeddings"], model.encode_document(["c"]))
    same(run(dense, "encode", texts=["c"], prompt_name="other")["embeddings"], model.encode(["c"], prompt_name="other"))
    both = run(dense, "encode", texts=["c"], task="query", prompt="d ")
    same(both["embeddings"], model.encode_query(["c"], prompt="d "))
    assert (both["tokens"], run(dense, "encode", texts=["c"], task="document")["tokens"]) == (4, 5)
    assert refused(dense, "encode", texts="c", prompt_name="quest") == (
        422, "prompt_name: 'quest', expected one of query, document, other. Correct it.",
    )  # fmt: skip


def test_shape_and_precision_are_as_asked_for(dense):
    model = dense.opened.model
    cut = run(dense, "encode", texts=TEXTS, truncate_dim=3, normalize_embeddings=True)
    same(cut["embeddings"], model.encode(TEXTS, truncate_dim=3, normalize_embeddings=True))
    assert cut["dim"] == 3
    for precision in ("binary", "ubinary"):
        found = run(dense, "encode", texts=TEXTS, precision=precision)
        assert found["embeddings"] == model.encode(TEXTS, precision=precision).tolist()
        assert found["dim"] == 1


@pytest.mark.parametrize(("precision", "dtype"), [("float32", "<f4"), ("ubinary", "u1"), ("binary", "i1")])
def test_base64_holds_the_same_numbers(dense, precision, dtype):
    found = run(dense, "encode", texts=TEXTS, precision=precision, encoding_format="base64")["embeddings"]
    read = [np.frombuffer(base64.b64decode(row), dtype) for row in found]
    np.testing.assert_array_equal(read, dense.opened.model.encode(TEXTS, precision=precision))
    assert run(dense, "encode", texts=TEXTS[0], precision=precision, encoding_format="base64")["embeddings"] == found[0]


def test_sparse_embeddings_are_those_of_the_model(sparse):
    vectors = sparse.opened.model.encode(TEXTS)
    found = run(sparse, "sparse", texts=TEXTS)
    assert found["dim"] == vectors.dim
    for row, vector in zip(found["embeddings"], vectors, strict=True):
        assert row["indices"] == vector.indices.tolist()
        same(row["values"], vector.values)
    assert run(sparse, "sparse", texts=TEXTS[0])["embeddings"] == found["embeddings"][0]
    assert run(sparse, "sparse", texts=[])["embeddings"] == []


def test_sparse_embeddings_come_as_tokens_and_cut(sparse):
    model = sparse.opened.model
    (found,) = run(sparse, "sparse", texts=["a b c"], encoding_format="tokens", max_active_dims=2)["embeddings"]
    decoded = model.decode(model.encode(["a b c"], max_active_dims=2))[0]
    assert found["tokens"] == [word for word, _ in decoded]
    same(found["values"], np.array([weight for _, weight in decoded], np.float32))
    assert len(found["tokens"]) == 2


def test_a_multi_encoder_gives_both_kinds(multi):
    whole = multi.opened.model.encode(TEXTS)
    same(run(multi, "encode", texts=TEXTS)["embeddings"], whole.dense)
    rows = run(multi, "sparse", texts=TEXTS)["embeddings"]
    assert [row["indices"] for row in rows] == [vector.indices.tolist() for vector in whole.sparse]
    cut = np.array(run(multi, "encode", texts=TEXTS, truncate_dim=2, normalize_embeddings=True)["embeddings"])
    np.testing.assert_allclose(np.linalg.norm(cut, axis=1), 1, rtol=1e-6)
    similar = run(multi, "similarity", texts=TEXTS)
    np.testing.assert_allclose(similar["similarities"], whole.dense @ whole.dense.T, rtol=1e-5, atol=1e-6)
    assert similar["similarity_fn_name"] == "dot"


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_similarities_are_those_of_the_model(kind, request):
    made = request.getfixturevalue(kind)
    model = made.opened.model
    vectors = model.encode(TEXTS)
    found = run(made, "similarity", texts1=TEXTS[:2], texts2=TEXTS[2:])
    same(found["similarities"], model.similarity(vectors[:2], vectors[2:]))
    assert found["similarity_fn_name"] == model.similarity_fn_name
    same(run(made, "similarity", texts=TEXTS)["similarities"], model.similarity(vectors, vectors))
    assert np.shape(run(made, "similarity", texts1="a", texts2=["b", "c"])["similarities"]) == (1, 2)


def test_documents_are_reranked_as_rank_does(ranker):
    documents = ["c", "j j", "a"]
    hits = ranker.opened.model.rank("a b", documents, top_k=2)
    found = run(ranker, "rerank", query="a b", documents=documents, top_k=2, return_documents=True)["results"]
    assert [one["index"] for one in found] == [hit["corpus_id"] for hit in hits]
    assert [one["text"] for one in found] == [documents[hit["corpus_id"]] for hit in hits]
    same([one["score"] for one in found], np.array([hit["score"] for hit in hits], np.float32))
    assert run(ranker, "rerank", query="a", documents=[])["results"] == []


def test_search_finds_what_the_retriever_finds(search):
    retriever = search.opened.retriever
    found = run(search, "search", query="a b c", top_k=2, return_documents=True)["hits"]
    expected = retriever.search("a b c", 2, return_documents=True)
    assert [one | {"score": None} for one in found] == [one | {"score": None} for one in expected]
    same([one["score"] for one in found], np.array([one["score"] for one in expected], np.float32))
    assert found[0]["text"] == CORPUS[found[0]["corpus_id"]]
    several = run(search, "search", queries=["a", "j"])["hits"]
    assert [[hit["corpus_id"] for hit in one] for one in several] == [
        [hit["corpus_id"] for hit in one] for one in retriever.search(["a", "j"])
    ]
    assert len(run(search, "search", query="a", top_k=10**12)["hits"]) == 4
    assert run(search, "search", queries=[])["hits"] == []


def test_what_can_be_done_is_what_has_been_opened(static, sparse, ranker, multi, everything):
    assert tasks_of(static.opened) == ("encode", "similarity")
    assert tasks_of(sparse.opened) == ("sparse", "similarity")
    assert tasks_of(ranker.opened) == ("rerank",)
    assert tasks_of(multi.opened) == ("encode", "sparse", "similarity")
    assert tasks_of(everything.opened) == ("encode", "similarity", "rerank", "search")
    assert run(everything, "rerank", query="a", documents=["b"])["model"] == "ranker"


@pytest.mark.parametrize(
    ("task", "needs"),
    [("sparse", "a SparseEncoder or MultiEncoder"), ("rerank", "a CrossEncoder"), ("search", "an index, made by")],
)
def test_a_task_that_the_model_cannot_do_names_the_class_it_needs(static, task, needs):
    status, message = refused(static, task, texts="a")
    assert status == 422
    assert message.startswith(f"{task}: needs {needs}")
    assert "here is the SentenceTransformer static-en, which can do encode, similarity" in message


@pytest.mark.parametrize(
    ("task", "values", "message"),
    [("encode", {"texts": ["a"] * 4}, "texts: 4 texts, expected at most 3"),
     ("similarity", {"texts1": ["a"] * 2, "texts2": ["b"] * 2}, "texts1 and texts2: 4 texts, expected at most 3"),
     ("rerank", {"query": "a", "documents": ["b"] * 4}, "documents: 4 documents, expected at most 3"),
     ("search", {"queries": ["a"] * 4}, "queries: 4 queries, expected at most 3"),
     ("search", {"query": "a"}, "queries: 4 documents to rerank, expected at most 3")],
)  # fmt: skip
def test_too_many_texts_are_refused(everything, task, values, message):
    status, said = refused(everything, task, Limits(texts=3), **values)
    assert (status, message in said) == (413, True), said


@pytest.mark.parametrize(
    ("task", "values", "where"),
    [("encode", {"texts": ["a b c"] * 2}, "texts: 6 tokens"), ("similarity", {"texts": ["a b c d e f"]}, "texts: 6"),
     ("rerank", {"query": "a", "documents": ["b"]}, "query and documents: 5 tokens"),
     ("search", {"queries": ["a b c d e f"]}, "queries: 6 tokens")],
)  # fmt: skip
def test_too_many_tokens_are_refused(everything, task, values, where):
    status, said = refused(everything, task, Limits(tokens=4), **values)
    assert (status, where in said, "AIRVEC_MAX_TOKENS" in said) == (413, True, True), said


@pytest.mark.parametrize(
    ("task", "values"),
    [("encode", {"texts": ["a", "b" * 17]}), ("similarity", {"texts": ["b" * 17]}), ("search", {"query": "b" * 17}),
     ("rerank", {"query": "a", "documents": ["b" * 17]}), ("rerank", {"query": "b" * 17, "documents": ["a"]})],
)  # fmt: skip
def test_a_text_too_long_to_be_counted_is_refused(everything, task, values):
    status, said = refused(everything, task, Limits(tokens=1), **values)
    assert (status, "17 characters in one text, expected at most 16" in said, "AIRVEC_MAX_TOKENS" in said) == (
        413, True, True,
    )  # fmt: skip


MANY = ["a"] * 512
LONG = "a " * 500_000


@pytest.mark.parametrize(
    ("kind", "task", "values"),
    [("dense", "encode", {"texts": MANY, "prompt": LONG}), ("dense", "encode", {"texts": MANY, "task": "query"}),
     ("dense", "encode", {"texts": MANY, "prompt_name": "query"}),
     ("dense", "encode", {"texts": [], "prompt": LONG * 2}),
     ("dense", "similarity", {"texts": MANY}), ("dense", "similarity", {"texts1": MANY[1:], "texts2": "a"}),
     ("dense", "similarity", {"texts1": "a", "texts2": MANY[1:]}),
     ("sparse", "sparse", {"texts": MANY, "prompt": LONG}),
     ("sparse", "similarity", {"texts": MANY}), ("multi", "encode", {"texts": MANY, "prompt": LONG}),
     ("multi", "sparse", {"texts": MANY, "prompt": LONG}), ("ranker", "rerank", {"query": "a", "documents": MANY}),
     ("everything", "rerank", {"query": LONG, "documents": MANY}), ("search", "search", {"queries": MANY})],
)  # fmt: skip
def test_what_is_put_in_front_of_every_text_is_counted_before_it_is_put_there(kind, task, values, request, monkeypatch):
    made = request.getfixturevalue(kind)
    monkeypatch.setattr(made.opened.model, "prompts", {"query": LONG})
    monkeypatch.setattr(made.opened.model, "default_prompt_name", "query")
    tracemalloc.start()
    status, said = refused(made, task, **values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (status, "characters" in said, peak < 2**22) == (413, True, True), (said, peak)


def test_as_many_characters_together_as_a_body_may_have_are_read_and_one_more_is_refused(dense):
    limits = Limits(body_bytes=100, tokens=6)
    assert run(dense, "encode", limits, texts=["a", "b"], prompt=" " * 49)["tokens"] == 6
    status, said = refused(dense, "encode", limits, texts=["a", "bb"], prompt=" " * 49)
    assert status == 413
    assert said == (
        "texts: 101 characters together, expected at most 100. Send fewer or shorter texts a request, or a shorter "
        "prompt, or set AIRVEC_MAX_BODY_BYTES higher."
    )


def test_the_tokens_of_a_prompt_count_for_every_text(dense, ranker, search, monkeypatch):
    assert run(dense, "encode", texts=["c", "c"], prompt="a b ")["tokens"] == 10
    assert (
        "texts: 10 tokens, expected at most 9"
        in refused(dense, "encode", Limits(tokens=9), texts=["c", "c"], prompt="a b ")[1]
    )
    monkeypatch.setattr(ranker.opened.model, "prompts", {"query": "a b "})
    monkeypatch.setattr(ranker.opened.model, "default_prompt_name", "query")
    pairs = [("a b c", "d"), ("a b c", "e")]
    read = int(ranker.opened.model.tokenize(pairs)["attention_mask"].sum())
    assert run(ranker, "rerank", query="c", documents=["d", "e"])["tokens"] == read
    monkeypatch.setattr(search.opened.model, "prompts", {"query": "a b "})
    assert run(search, "search", queries=["c", "d"])["tokens"] == 6


def test_the_tokens_that_a_search_reranks_are_counted_before_they_are_read(everything, monkeypatch):
    texts = [one["text"] for one in run(everything, "search", query="a b", return_documents=True)["hits"]]
    assert len(texts) == 4
    read = int(everything.opened.reranker.tokenize([("a b", text) for text in texts])["attention_mask"].sum())
    assert run(everything, "search", Limits(tokens=read + 2), query="a b")["tokens"] == read + 2
    monkeypatch.setattr(everything.opened.reranker, "predict", None)
    status, said = refused(everything, "search", Limits(tokens=read + 1), query="a b")
    assert (status, f"queries and the documents to rerank: {read + 2} tokens" in said) == (413, True), said
    assert everything.opened.retriever.reranker is everything.opened.reranker


def test_a_search_gives_no_more_than_a_request_may_bring_or_an_answer_may_hold(search, monkeypatch):
    limits = Limits(texts=7)
    assert run(search, "search", limits, queries=["a", "b"], top_k=4)["hits"]
    status, said = refused(search, "search", limits, queries=["a", "b"], top_k=4, return_documents=True)
    assert (status, "queries: 8 documents to return, expected at most 7" in said) == (413, True), said
    monkeypatch.setattr(search.opened.retriever, "search", None)
    monkeypatch.setattr(type(search.opened.retriever), "__len__", lambda _: 10**6)
    status, said = refused(search, "search", query="a", top_k=300_000)
    assert (status, "answer: at least 8,400,000 bytes" in said) == (413, True), said


WORDS = st.lists(st.sampled_from("abcdefghij"), max_size=16).map(" ".join)
LISTS = st.lists(WORDS, max_size=7)
MORE = {"top_k": st.integers(1, 10**30), "return_documents": st.booleans()}
PROMPTING = {"prompt": WORDS, "task": st.sampled_from(["query", "document"]), "prompt_name": st.just("other")}
ASKED = {
    "encode": st.fixed_dictionaries({"texts": WORDS | LISTS}, optional=PROMPTING),
    "sparse": st.fixed_dictionaries({"texts": WORDS | LISTS}, optional=PROMPTING),
    "rerank": st.fixed_dictionaries({"query": WORDS, "documents": LISTS}, optional=MORE),
    "similarity": st.fixed_dictionaries({"texts": LISTS})
    | st.fixed_dictionaries({"texts1": LISTS, "texts2": WORDS | LISTS}),
    "search": st.fixed_dictionaries({"queries": LISTS}, optional=MORE),
}


@pytest.mark.parametrize(
    ("kind", "task"),
    [("dense", "encode"), ("dense", "similarity"), ("sparse", "sparse"), ("sparse", "similarity"), ("multi", "encode"),
     ("multi", "sparse"), ("multi", "similarity"), ("ranker", "rerank"), ("static", "encode"), ("search", "search"),
     ("everything", "search"), ("everything", "rerank")],
)  # fmt: skip
@settings(max_examples=40, deadline=None)
@given(data=st.data(), most=st.integers(1, 60))
def test_no_request_makes_a_model_read_more_tokens_than_the_limit_nor_others_than_it_says(
    kind, task, data, most, request
):
    made, read = request.getfixturevalue(kind), list[int]()
    tokens, scores = Pipeline.tokens, Pipeline.scores

    def counted_tokens(self, *given):
        found = tokens(self, *given)
        read.append(len(found.ids))
        return found

    def counted_scores(self, pairs, *given):
        read.append(len(pairs.ids))
        return scores(self, pairs, *given)

    values, limits = data.draw(ASKED[task]), Limits(texts=24, tokens=most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pipeline, "tokens", counted_tokens)
        patch.setattr(Pipeline, "scores", counted_scores)
        try:
            said = run_task(task, made.opened, values, limits).tokens
        except RequestError:
            said = None
    assert sum(read) <= most
    assert said in (None, sum(read))


def test_texts_with_a_long_prompt_are_tokenised_one_at_a_time(dense, monkeypatch):
    """All at once, five texts behind a prompt of 1 MB took 975 MB instead of 482."""
    sizes = list[int]()
    encode = Tokenizer._encode
    monkeypatch.setattr(Tokenizer, "_encode", lambda self, texts: sizes.append(len(texts)) or encode(self, texts))
    run(dense, "encode", texts=["a", "b", "c"], prompt=LONG)
    assert set(sizes) == {1}


def test_an_answer_that_no_platform_takes_is_not_made(dense, sparse, monkeypatch):
    limits = Limits(texts=10_000)
    for values in ({"texts": ["a"] * 1300}, {"texts1": ["a"] * 1100, "texts2": ["b"] * 1500}):
        with monkeypatch.context() as patch:
            patch.setattr(dense.opened.model, "encode", None)
            status, said = refused(dense, "similarity", limits, **values)
        assert (status, "answer: at least 6," in said, "the platform's own limit" in said) == (413, True, True), said
    with monkeypatch.context() as patch:
        patch.setattr("airvec.serving.tasks.plain", None)
        patch.setattr(dense.opened.model, "encode", lambda *_, **__: np.zeros((512, 4096), np.float32))
        assert refused(dense, "encode", texts="a")[0] == 413


def test_a_model_that_gives_no_number_is_our_error_and_not_in_the_answer(dense, monkeypatch):
    monkeypatch.setattr(dense.opened.model, "encode", lambda *_, **__: np.full((1, 4), np.nan, np.float32))
    with pytest.raises(FloatingPointError, match="not finite"):
        run(dense, "encode", texts=["a"])


def test_a_reranker_with_several_labels_is_refused_when_it_is_warmed(tmp_path):
    from airvec.serving.opened import Places
    from tests.folders import reranker

    with pytest.raises(ArgumentError, match="rank: this model has 3 labels, expected 1"):
        service(Places(reranker(tmp_path / "classes", labels=3)))
