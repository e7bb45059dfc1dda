"""Mirrors runtime/airvec/search/bm25.py: numbers worked out by hand, and against plain loops."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airvec.errors import ArgumentError, InputError, ModelFolderError, ModelNotFoundError
from airvec.search import BM25, InvertedIndex
from airvec.search.beir import read_beir
from airvec.search.bm25 import ENGLISH
from airvec.search.metrics import ndcg
from airvec.similarity import dot_score

TEXTS = ["a b", "a a c d", "d", "", "e d d"]  # 10 words, 2 on average


def plain(texts, query, k1, b):
    """The score of every text by the formula, without vectors."""
    split = [text.split() for text in texts]
    average = sum(map(len, split)) / max(1, len(split))
    scores = []
    for words in split:
        score = 0.0
        for word in query.split():
            df = sum(word in other for other in split)
            tf = words.count(word)
            if tf:
                idf = math.log(1 + (len(split) - df + 0.5) / (df + 0.5))
                score += idf * tf / (tf + k1 * (1 - b + b * len(words) / average))
        scores.append(score)
    return scores


def scores(bm25, texts, query):
    return dot_score(bm25.encode_query([query]), bm25.encode_document(texts))[0].tolist()


def test_weights_worked_out_by_hand():
    bm25 = BM25().fit(TEXTS)
    assert bm25.average_length == 2.0
    assert bm25.vocabulary == ["a", "b", "c", "d", "e"]
    assert bm25.idf["a"] == pytest.approx(math.log(1 + 3.5 / 2.5))  # in 2 of 5 texts
    assert bm25.idf["d"] == pytest.approx(math.log(1 + 2.5 / 3.5))
    document = bm25.encode_document(["a a c d"]).to_dict()[0]
    damping = 1.2 * (0.25 + 0.75 * 4 / 2)  # 2.1
    assert document == {
        0: pytest.approx(math.log(2.4) * 2 / (2 + damping)),
        2: pytest.approx(math.log(4) / (1 + damping)),
        3: pytest.approx(math.log(1 + 2.5 / 3.5) / (1 + damping)),
    }


def test_a_query_counts_its_words():
    bm25 = BM25().fit(TEXTS)
    assert bm25.encode_query(["d a d unknown", "unknown", ""]).to_dict() == [{0: 1.0, 3: 2.0}, {}, {}]
    assert bm25.encode_document(["unknown", ""]).to_dict() == [{}, {}]


words = st.lists(st.sampled_from("abcdefgh"), max_size=8).map(" ".join)


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(words, min_size=1, max_size=8), query=words, k1=st.floats(0, 5), b=st.floats(0, 1))
def test_dot_products_are_the_scores_of_plain_loops(texts, query, k1, b):
    bm25 = BM25(k1=k1, b=b).fit(texts)
    np.testing.assert_allclose(scores(bm25, texts, query), plain(texts, query, k1, b), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("k1", "b"), [(0, 0), (0, 1), (1.2, 0), (1.2, 1), (np.float32(2), np.int64(1))])
def test_the_ends_of_the_settings(k1, b):
    bm25 = BM25(k1=k1, b=b).fit(TEXTS)
    np.testing.assert_allclose(scores(bm25, TEXTS, "a d e"), plain(TEXTS, "a d e", float(k1), float(b)), rtol=1e-5)
    if k1 == 0:  # repetitions add nothing
        assert bm25.encode_document(["d d d"]).to_dict() == bm25.encode_document(["d"]).to_dict()
    if b == 0:  # length takes nothing away
        one, long = bm25.encode_document(["d", "d a b c"]).to_dict()
        assert one[3] == long[3]


def test_with_an_index_it_finds_the_best_texts():
    bm25 = BM25().fit(TEXTS)
    found = InvertedIndex.build(bm25.encode_document(TEXTS)).search(bm25.encode_query(["d a"]), 2)
    expected = plain(TEXTS, "d a", 1.2, 0.75)
    best = sorted(range(5), key=lambda row: -expected[row])[:2]
    assert found.rows.tolist() == [best]


def test_words_are_runs_of_letters_and_digits_in_lower_case():
    bm25 = BM25().fit(["Zürich's COVID-19, snake_case…"])
    assert bm25.vocabulary == ["19", "covid", "s", "snake_case", "zürich"]


@pytest.mark.parametrize(("one", "other"), [("Ängste caf\u00e9", "A\u0308ngste cafe\u0301"), ("ﬁre E４２", "fire e42")])
def test_the_same_letters_in_other_characters_are_the_same_words(one, other):
    assert BM25().fit([one]).vocabulary == BM25().fit([other]).vocabulary
    assert all(word.isalnum() for word in BM25().fit([one]).vocabulary)
    assert BM25().fit([one]).encode_query([other]).to_dict() == [{0: 1.0, 1: 1.0}]


def test_a_script_without_spaces_needs_a_function_of_ones_own():
    assert BM25().fit(["今日は晴れ"]).vocabulary == ["今日は晴れ"]
    assert BM25(split=list).fit(["今日は晴れ"]).encode_query(["晴れ"]).values.tolist() == [1.0, 1.0]


def test_stop_words_are_neither_words_nor_length():
    bm25 = BM25(stop_words=ENGLISH).fit(["The cat is on the mat", "a dog"])
    assert bm25.vocabulary == ["cat", "dog", "mat"]
    assert bm25.average_length == 1.5
    assert bm25.encode_query(["the of"]).to_dict() == [{}]
    assert BM25().fit(["The cat"]).vocabulary == ["cat", "the"]


def test_a_function_of_ones_own_splits_texts():
    bm25 = BM25(split=list, stop_words=[" "]).fit(["ab a", "bc"])
    assert bm25.vocabulary == ["a", "b", "c"]
    assert bm25.encode_query(["abba"]).to_dict() == [{0: 2.0, 1: 2.0}]


@pytest.mark.parametrize("given", [None, "a b", ("a", "b"), [1], iter("ab")])
def test_a_function_that_gives_no_list_of_words_is_named(given):
    with pytest.raises(ArgumentError, match="split: gave .* for 'some text', expected a list of words"):
        BM25(split=lambda text: given).fit(["some text"])


@pytest.mark.parametrize("texts", [[], ["", "  "], ["the", "a an"]])
def test_a_corpus_without_words_has_vectors_without_dimensions(texts, tmp_path):
    bm25 = BM25(stop_words=ENGLISH).fit(texts)
    assert bm25.average_length == 0.0
    bm25.save(tmp_path / "bm25.json")
    for one in (bm25, BM25.load(tmp_path / "bm25.json")):
        assert one.encode_document(texts).shape == (len(texts), 0)
        assert one.encode_query(["cat"]).to_dict() == [{}]


def test_fit_leaves_the_settings_as_they_were():
    settings = BM25(k1=0.9)
    assert settings.fit(["a b"]) != settings
    assert settings == BM25(k1=0.9)
    assert settings.fit(["a b"]).fit(["c"]).vocabulary == ["c"]


def test_what_was_not_fitted_cannot_encode():
    for encode in (BM25().encode_query, BM25().encode_document):
        with pytest.raises(ArgumentError, match=r"corpus: none was seen by BM25\(k1=1.2.*Call fit\(texts\) first"):
            encode(["a"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k1": -0.1}, "k1: -0.1, expected a number from 0"),
        ({"k1": float("nan")}, "k1: nan"),
        ({"k1": float("inf")}, "k1: inf"),
        ({"k1": "1"}, "k1: '1'"),
        ({"b": 1.1}, "b: 1.1, expected a number from 0 to 1"),
        ({"b": True}, "b: True"),
        ({"stop_words": "the"}, "stop_words: 'the', expected words"),
        ({"idf": {"a": float("nan")}, "average_length": 1.0}, r"\['a'\] and 1.0, expected finite"),
        ({"average_length": float("inf")}, "and inf, expected finite"),
    ],
)
def test_settings_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        BM25(**arguments)


@pytest.mark.parametrize("texts", [["a", None], [1], None, {"a": "b"}])
def test_what_are_no_texts_is_refused(texts):
    for call in (BM25().fit, BM25().fit(["a"]).encode_document, BM25().fit(["a"]).encode_query):
        with pytest.raises(InputError):
            call(texts)


def test_a_file_comes_back_the_same(tmp_path):
    bm25 = BM25(k1=0.9, b=0.4, stop_words=["x"]).fit(["Zürich a b", "b c x"])
    for _ in range(2):  # over itself, too
        bm25.save(tmp_path / "new" / "bm25.json")
    loaded = BM25.load(str(tmp_path / "new" / "bm25.json"))
    assert (loaded.k1, loaded.b, list(loaded.stop_words)) == (0.9, 0.4, ["x"])
    assert (loaded.idf, loaded.vocabulary, loaded.average_length) == (bm25.idf, bm25.vocabulary, bm25.average_length)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["bm25.json"]
    BM25(k1=2).save(tmp_path / "unfitted.json")
    assert BM25.load(tmp_path / "unfitted.json") == BM25(k1=2.0)


def test_a_function_of_ones_own_is_given_again(tmp_path):
    BM25(split=str.split).fit(["a-b c"]).save(tmp_path / "bm25.json")
    with pytest.raises(ArgumentError, match="split: None, but .*bm25.json was fitted with a function. Pass the same"):
        BM25.load(tmp_path / "bm25.json")
    assert BM25.load(tmp_path / "bm25.json", str.split).encode_query(["a-b"]).to_dict() == [{0: 1.0}]


@pytest.mark.parametrize(
    "changed",
    [
        {"k1": None},
        {"k1": "fast"},
        {"b": 2},
        {"idf": {"a": None}},
        {"idf": {"a": "heavy"}},
        {"idf": {"a": float("nan")}},
        {"idf": []},
        {"average_length": float("inf")},
        {"average_length": "long"},
        {"stop_words": "the"},
        {"own_split": "yes"},
    ],
)
def test_a_damaged_file_is_named(tmp_path, changed):
    file = tmp_path / "bm25.json"
    BM25().fit(["a b"]).save(file)
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))
    with pytest.raises(ModelFolderError, match=r"bm25.json"):
        BM25.load(file)


def test_a_missing_cut_or_empty_file_is_named(tmp_path):
    file = tmp_path / "bm25.json"
    with pytest.raises(ModelNotFoundError, match=r"bm25.json"):
        BM25.load(file)
    BM25().fit(["a b"]).save(file)
    content = file.read_text()
    for text in ("", "{}", "[]", content[:-1], content.replace('"k1"', '"k2"')):
        file.write_text(text)
        with pytest.raises(ModelFolderError, match=r"bm25.json"):
            BM25.load(file)


def test_the_plain_loops_are_right_themselves():
    assert plain(["a", "b"], "a", 0, 0) == [pytest.approx(math.log(2)), 0]  # in one text of two: 1 + 1.5 / 1.5
    assert plain(["a a", "b"], "a", 1, 0) == [pytest.approx(math.log(2) * 2 / 3), 0]
    assert plain(["a", "b b b"], "a", 2, 1) == [pytest.approx(math.log(2) / 2), 0]  # half the average length


@pytest.mark.slow
def test_scifact_has_the_score_that_was_found_for_lucenes_formula(shared):
    task = read_beir(shared / "data" / "scifact", "train")
    names, bm25 = list(task.corpus), BM25().fit(list(task.corpus.values()))
    index = InvertedIndex.build(bm25.encode_document(list(task.corpus.values())))
    found = index.search(bm25.encode_query(list(task.queries.values())), 10)
    ranked = [[names[row] for row, _ in found.hits(place)] for place in range(len(task.queries))]
    score = np.mean([ndcg(ids, task.relevant[query]) for ids, query in zip(ranked, task.queries, strict=True)])
    assert score == pytest.approx(0.6683, abs=5e-4)
