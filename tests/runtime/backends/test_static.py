"""Mirrors runtime/airvec/backends/static.py."""

import tracemalloc

import numpy as np
import pytest

from airvec import SentenceTransformer
from airvec.backends.static import BLOCK, FEW_TOKENS, GROUP_TOKENS, StaticTable
from airvec.batching import Tokens
from airvec.errors import ModelFolderError
from tests.folders import rows_of, static_model, table


def test_an_embedding_is_the_mean_of_its_tokens_rows_and_zero_without_tokens(tmp_path):
    model = SentenceTransformer(static_model(tmp_path, {"embedding.weight": table()}))
    found = model.encode(["a b", "", "c", "   "])
    np.testing.assert_allclose(found[0], rows_of("a", "b", special=False).mean(axis=0), atol=1e-7)
    np.testing.assert_allclose(found[2], rows_of("c", special=False)[0], atol=1e-7)
    assert found.dtype == np.float32
    assert not found[[1, 3]].any()
    assert model.encode(["", ""]).shape == (2, 4)
    assert model.max_seq_length is None


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64, np.int8])
def test_tables_of_every_dtype_are_read_as_float32(tmp_path, dtype):
    rows = (table() * 40).astype(dtype)
    model = SentenceTransformer(static_model(tmp_path, {"embeddings": rows}))
    np.testing.assert_allclose(model.encode("a"), rows[4].astype(np.float32))


def test_model2vecs_mapping_and_weights_are_applied(tmp_path):
    rows = np.arange(12, dtype=np.int8).reshape(3, 4)
    mapping = np.array([0, 0, 0, 0, 2, 1, *[0] * 8])
    weights = np.linspace(0.5, 2, 14)
    folder = static_model(tmp_path, {"embeddings": rows, "mapping": mapping, "weights": weights})
    expected = (rows[2] * weights[4] + rows[1] * weights[5]) / 2
    np.testing.assert_allclose(SentenceTransformer(folder).encode("a b"), expected, rtol=1e-6)


def test_modules_after_the_table_are_applied(tmp_path):
    model = SentenceTransformer(static_model(tmp_path, {"embeddings": table()}, ("StaticEmbedding", "Normalize")))
    assert np.linalg.norm(model.encode("a b")) == pytest.approx(1)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"other": table()}, r"\{'other': \[14, 4\]\}, expected a matrix"),
        ({"embeddings": table()[0]}, "expected a matrix"),
        ({"embeddings": table(), "mapping": np.array([14])}, "points outside the table of 14 rows"),
        ({"embeddings": table(), "mapping": np.array([-1])}, "points outside"),
        ({"embeddings": table(), "mapping": np.zeros(0, np.int64)}, "points outside"),
        ({"embeddings": table(), "weights": np.ones(3)}, r"weights of shape \[3\], expected \[14\]"),
    ],
)
def test_a_table_that_does_not_fit_is_an_error(tmp_path, tensors, message):
    with pytest.raises(ModelFolderError, match=message):
        SentenceTransformer(static_model(tmp_path, tensors))


def test_a_tokenizer_of_another_model_is_an_error(tmp_path):
    model = SentenceTransformer(static_model(tmp_path, {"embeddings": table()[:5]}))
    with pytest.raises(ModelFolderError, match="token id 5 in a table of 5 rows"):
        model.encode(["a", "b"])


def test_a_static_model_has_no_token_embeddings(tmp_path):
    model = SentenceTransformer(static_model(tmp_path, {"embeddings": table()}))
    with pytest.raises(ValueError, match="'token_embeddings', but this model has sentence_embedding"):
        model.encode(["a"], output_value="token_embeddings")


def tokens_of(*texts: np.ndarray) -> Tokens:
    """Texts given as ids."""
    ids = np.concatenate(texts).astype(np.int32)
    return Tokens(ids, np.zeros_like(ids), np.cumsum([0, *map(len, texts)]))


def test_long_texts_have_the_mean_of_all_their_rows_whatever_stands_beside_them():
    random = np.random.default_rng(0)
    rows = random.normal(size=(1000, 8)).astype(np.float32)
    texts = [random.integers(0, 1000, size) for size in (3, 0, BLOCK + 1, BLOCK, 5 * BLOCK - 1, 0, 7)]
    found = StaticTable(rows).run(tokens_of(*texts), bulk=True)["sentence_embedding"]
    expected = [rows[ids].astype(np.float64).mean(axis=0) if len(ids) else np.zeros(8) for ids in texts]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    alone = [StaticTable(rows).run(tokens_of(ids), bulk=False)["sentence_embedding"][0] for ids in texts]
    assert (found == alone).all()


def test_texts_of_one_length_are_summed_together_and_as_they_are_alone():
    random = np.random.default_rng(0)
    rows = random.normal(size=(500, 16)).astype(np.float32)
    texts = [
        random.integers(0, 500, size)
        for size in (*[5] * 700, 1, *[GROUP_TOKENS] * 3, *[2 * GROUP_TOKENS] * 2, 0, *[5] * 4)
    ]
    found = StaticTable(rows).run(tokens_of(*texts), bulk=True)["sentence_embedding"]
    expected = [rows[ids].astype(np.float64).mean(axis=0) if len(ids) else np.zeros(16) for ids in texts]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    alone = [StaticTable(rows).run(tokens_of(ids), bulk=False)["sentence_embedding"][0] for ids in texts]
    assert (found == alone).all()


@pytest.mark.parametrize("size", [GROUP_TOKENS, GROUP_TOKENS + 1, BLOCK, 3 * BLOCK])
def test_one_token_again_and_again_has_its_own_row(size):
    rows = np.full((1, 4), 0.1, np.float32)
    found = StaticTable(rows).run(tokens_of(np.zeros(size, int)), bulk=False)["sentence_embedding"]
    np.testing.assert_allclose(found, rows, rtol=3e-5)


def test_a_text_of_two_million_tokens_takes_little_memory():
    rows = np.random.default_rng(0).normal(size=(30_000, 256)).astype(np.float32)
    tokens = tokens_of(np.random.default_rng(1).integers(0, 30_000, 2_000_000))
    tracemalloc.start()
    StaticTable(rows).run(tokens, bulk=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * 2**20


def test_few_tokens_leave_the_table_as_stored_and_have_the_rows_that_many_get():
    rows = np.random.default_rng(0).normal(size=(1000, 8)).astype(np.float16)
    few, many = np.arange(FEW_TOKENS) % 1000, np.arange(FEW_TOKENS + 1) % 1000
    table = StaticTable(rows)
    before = table.run(tokens_of(few[:7]), bulk=False)["sentence_embedding"]
    assert table._rows is None
    table.run(tokens_of(many), bulk=False)
    assert table._rows is not None
    after = table.run(tokens_of(few[:7]), bulk=False)["sentence_embedding"]
    assert before.dtype == after.dtype == np.float32
    assert (before == after).all()
