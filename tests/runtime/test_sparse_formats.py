"""Mirrors runtime/airvec/sparse_formats.py: what each engine takes, worked out by hand."""

import json

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.sparse_formats import dotless_tokens, impact_scale, impacts, token_names
from airvec.sparse_vectors import SparseVectors

TOKENS = ["[PAD]", "cat", "U.S.", "U_S_", "dog"]
ROWS = SparseVectors(
    np.array([1, 2, 3, 4, 0], np.int32), np.array([0.5, 2.0, 1.0, -1.0, 0.0], np.float32), np.array([0, 4, 5, 5]), 5
)  # the second row has a stated 0, the third nothing


@pytest.mark.parametrize("vocabulary", [TOKENS, tuple(TOKENS), {token: index for index, token in enumerate(TOKENS)}])
def test_tokens_are_the_heaviest_first(vocabulary):
    assert ROWS.to_tokens(vocabulary) == [[("U.S.", 2.0), ("U_S_", 1.0), ("cat", 0.5), ("dog", -1.0)], [], []]
    assert ROWS[0].to_tokens(vocabulary, top_k=2) == [("U.S.", 2.0), ("U_S_", 1.0)]


def test_equally_heavy_tokens_come_by_index():
    rows = SparseVectors.from_rows([{3: 1.0, 1: 1.0, 4: 2.0}], 5)
    assert [token for token, _ in rows[0].to_tokens(TOKENS)] == ["dog", "cat", "U_S_"]
    assert rows.to_tokens(TOKENS, 2) == [[("dog", 2.0), ("cat", 1.0)]]


def test_engines_get_weights_above_zero():
    assert ROWS.to_opensearch(TOKENS) == [{"cat": 0.5, "U.S.": 2.0, "U_S_": 1.0}, {}, {}]
    assert ROWS[0].to_opensearch(TOKENS) == {"cat": 0.5, "U.S.": 2.0, "U_S_": 1.0}


def test_elasticsearch_gets_no_dots_and_of_two_tokens_that_become_one_the_heavier():
    assert ROWS.to_elasticsearch(TOKENS) == [{"cat": 0.5, "U_S_": 2.0}, {}, {}]
    assert ROWS[0].to_elasticsearch(TOKENS) == {"cat": 0.5, "U_S_": 2.0}
    swapped = dotless_tokens(np.array([0, 1], np.int32), np.array([1.0, 2.0], np.float32), ["U.S.", "U_S_"])
    assert swapped == {"U_S_": 2.0}


def test_anserini_gets_whole_impacts_on_one_scale():
    assert ROWS.to_anserini(TOKENS) == [{"cat": 64, "U.S.": 255, "U_S_": 128}, {}, {}]  # 0.5 / 2 * 255 = 63.75
    assert ROWS.to_anserini(TOKENS, quantize=2) == [{"cat": 1, "U.S.": 3, "U_S_": 2}, {}, {}]  # 0.75, 3, 1.5
    assert ROWS[:1].to_anserini(TOKENS, maximum=4) == [{"cat": 32, "U.S.": 128, "U_S_": 64}]
    assert ROWS[0].to_anserini(TOKENS, maximum=1.0) == {"cat": 128, "U.S.": 255, "U_S_": 255}  # what is over is cut
    assert ROWS[0].to_anserini(TOKENS, 1) == {"U.S.": 1}  # 0.25 and 0.5 round to 0
    other = SparseVectors.from_rows([{1: 4.0}], 5)
    assert SparseVectors.concatenate([ROWS, other]).to_anserini(TOKENS)[0]["U.S."] == 128


def test_impacts_of_nothing_are_nothing():
    assert SparseVectors.from_rows([{}, {1: -2.0}], 5).to_anserini(TOKENS) == [{}, {}]
    assert SparseVectors.from_rows([], 5).to_anserini(TOKENS) == []
    assert impact_scale(np.array([-1.0], np.float32), None, 8) == 1.0


def test_databases_get_indices_and_values_without_zeros():
    assert ROWS.to_dict() == ROWS.to_milvus() == [{1: 0.5, 2: 2.0, 3: 1.0, 4: -1.0}, {}, {}]
    assert ROWS[0].to_dict() == ROWS[0].to_milvus() == {1: 0.5, 2: 2.0, 3: 1.0, 4: -1.0}
    lists = {"indices": [1, 2, 3, 4], "values": [0.5, 2.0, 1.0, -1.0]}
    empty = {"indices": [], "values": []}
    assert ROWS.to_qdrant() == ROWS.to_pinecone() == [lists, empty, empty]
    assert ROWS[0].to_qdrant() == ROWS[0].to_pinecone() == lists


def test_pgvector_counts_from_one_and_keeps_every_digit():
    assert ROWS.to_pgvector() == ["{2:0.5,3:2.0,4:1.0,5:-1.0}/5", "{}/5", "{}/5"]
    third = SparseVectors.from_rows([{2**31 - 1: 1 / 3}], 2**31)[0]
    text = third.to_pgvector()
    assert text.startswith("{2147483648:")
    assert np.float32(text[1:-1].partition(":")[2].partition("}")[0]) == third.values[0]


def test_everything_is_of_python_so_that_json_takes_it():
    found = [
        ROWS.to_dict(),
        ROWS.to_tokens(TOKENS),
        ROWS.to_qdrant(),
        ROWS.to_anserini(TOKENS),
        ROWS.to_opensearch(TOKENS),
    ]
    assert json.loads(json.dumps(found))


@pytest.mark.parametrize("vocabulary", [None, "cat", 7, {1, 2}, {0: "[PAD]"}, {"cat": "dog"}])
def test_what_is_no_vocabulary_is_refused(vocabulary):
    for rows in (ROWS, ROWS[0]):
        with pytest.raises(ArgumentError, match="vocabulary: .*expected a list of tokens or {token: index}"):
            rows.to_tokens(vocabulary)


@pytest.mark.parametrize("vocabulary", [TOKENS[:4], {"cat": 1, "U.S.": 2, "U_S_": 3}])
def test_an_index_that_the_vocabulary_lacks_is_named(vocabulary):
    with pytest.raises(ArgumentError, match=f"no token for index 4 among {len(vocabulary)}.*the model that made"):
        ROWS.to_tokens(vocabulary)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quantize": 0}, "quantize: 0, expected a whole number of at least 1"),
        ({"quantize": 25}, "quantize: 25, expected 24 bits at most"),
        ({"maximum": 0}, "maximum: 0, expected a finite weight above 0"),
        ({"maximum": float("nan")}, "maximum: nan"),
        ({"maximum": float("inf")}, "maximum: inf"),
    ],
)
def test_impacts_out_of_range_are_refused(arguments, message):
    for rows in (ROWS, ROWS[0]):
        with pytest.raises(ArgumentError, match=message):
            rows.to_anserini(TOKENS, **arguments)


@pytest.mark.parametrize("top_k", [0, -1, 1.5, True])
def test_no_tokens_at_all_cannot_be_asked_for(top_k):
    with pytest.raises(ArgumentError, match="top_k: "):
        ROWS.to_tokens(TOKENS, top_k)


def test_impacts_of_the_finest_scale_are_exact():
    values = np.array([1.0, 2.0**-24 * 1.1], np.float32)
    found = impacts(np.array([0, 1], np.int32), values, token_names(["a", "b"]), 1.0, 24)
    assert found == {"a": 2**24 - 1, "b": 1}
