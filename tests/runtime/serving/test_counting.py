"""Mirrors runtime/airvec/serving/counting.py."""

import pytest

from airvec import SentenceTransformer, SparseEncoder
from airvec.serving.counting import Counter

TEXTS = ["a b c", "", "a b c d e f g h i j", "a", "a b c"]


def test_tokens_are_those_that_the_model_reads(dense):
    model, counter = dense.opened.model, dense.opened.counter
    read = model.tokenize(TEXTS)["attention_mask"].sum(axis=1).tolist()
    assert [counter.read(counter.lengths([text])) for text in TEXTS] == read == [5, 2, 8, 3, 5]
    assert counter.read(counter.lengths(TEXTS)) == sum(read)


def test_a_static_model_adds_no_special_tokens_and_has_no_limit():
    counter = Counter.of(SentenceTransformer())
    assert (counter.special, counter.longest) == (0, None)
    assert counter.read(counter.lengths(["", "hello world", "hello " * 9999])) == 2 + 9999


def test_pairs_are_counted_with_the_query_in_each(ranker):
    model, counter = ranker.opened.model, ranker.opened.pairs
    documents = ["a", "b c d", "j " * 50]
    read = int(model.tokenize([("a b", text) for text in documents])["attention_mask"].sum())
    query, *lengths = counter.lengths(["a b", *documents])
    assert counter.read([query + length for length in lengths]) == read


def test_no_texts_have_no_tokens(sparse):
    assert isinstance(sparse.opened.model, SparseEncoder)
    assert sparse.opened.counter.lengths([]) == []
    assert sparse.opened.counter.read([]) == 0


@pytest.mark.parametrize("count", [255, 256, 257, 600])
def test_many_texts_are_counted_in_order(dense, count):
    texts = [" ".join("abcdefghij"[: place % 11]) for place in range(count)]
    assert dense.opened.counter.lengths(texts) == [place % 11 for place in range(count)]
