"""Mirrors runtime/airvec/caching/cached_model.py and keys.py: the same answers, computed once, of this model."""

import shutil
import warnings

import numpy as np
import pytest

from airvec import CachedModel, CrossEncoder, SentenceTransformer, SparseEncoder
from airvec.caching import CacheInfo, LRUStore, SQLiteStore
from airvec.errors import AirvecWarning, ArgumentError, InputError, StoreError, TruncationError
from tests.folders import reranker, word_model
from tests.sparse_folders import splade_model

TEXTS = ["a b c", "d e", "a b c", "f g h i j", ""]


class Counted:
    """Stands in for a model's method and notes the texts that it is asked for."""

    def __init__(self, monkeypatch, model, *names):
        self.asked = []
        for name in names:
            monkeypatch.setattr(type(model), name, self._noting(getattr(type(model), name)))

    def _noting(self, method):
        def noted(model, texts, *given, **named):
            if len(texts):  # an empty call checks the arguments
                self.asked.append(list(texts))
            return method(model, texts, *given, **named)

        return noted


@pytest.fixture
def folder(tmp_path):
    found = word_model(tmp_path / "words")
    (found / "config_sentence_transformers.json").write_text('{"prompts": {"query": "a ", "document": "b "}}')
    return found


@pytest.fixture
def dense(folder):
    return SentenceTransformer(folder)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"normalize_embeddings": True, "truncate_dim": 3},
        {"prompt": "c "},
        {"prompt_name": "query"},
        {"precision": "int8"},
        {"precision": "ubinary"},
        {"on_truncate": "chunk"},
        {"batch_size": 1},
    ],
)
@pytest.mark.filterwarnings("ignore:precision. ranges taken from:airvec.errors.AirvecWarning")
def test_dense_embeddings_are_the_model_s_the_first_time_and_the_second(dense, asked):
    cached = CachedModel(dense)
    for method in ("encode", "encode_query", "encode_document"):
        expected = getattr(dense, method)(TEXTS, **asked)
        for _ in range(2):
            found = getattr(cached, method)(TEXTS, **asked)
            assert (found.dtype, found.tolist()) == (expected.dtype, expected.tolist())
        if "int8" not in asked.values():  # whose ranges are those of a call's vectors: one gives none
            one = getattr(dense, method)("d e", **asked)
            assert getattr(cached, method)("d e", **asked).tolist() == one.tolist()
    assert cached.encode([]).shape == dense.encode([]).shape
    assert cached.encode(np.array(TEXTS)).tolist() == dense.encode(TEXTS).tolist()


def test_a_text_is_computed_once_however_often_it_is_given(dense, monkeypatch):
    counted = Counted(monkeypatch, dense, "encode")
    cached = CachedModel(dense)
    cached.encode(TEXTS)
    cached.encode(["d e", "new j", "a b c"])
    assert counted.asked == [["a b c", "d e", "f g h i j", ""], ["new j"]]
    assert cached.info == CacheInfo(hits=3, misses=5)


def test_each_way_to_ask_has_answers_of_its_own(dense, monkeypatch):
    counted = Counted(monkeypatch, dense, "encode")
    cached = CachedModel(dense)
    ways = [{}, {"prompt": "a "}, {"prompt_name": "query"}, {"truncate_dim": 2}, {"normalize_embeddings": True}]
    for _ in range(2):
        for way in ways:
            assert cached.encode(["d e"], **way).tolist() == dense.encode(["d e"], **way).tolist()
    assert cached.info.misses == len(ways)
    assert len(counted.asked) == len(ways) + 2 * len(ways)  # those that the model itself was asked for by this test


def test_sparse_embeddings_are_the_model_s(tmp_path):
    model = SparseEncoder(splade_model(tmp_path / "splade"))
    cached = CachedModel(model)
    for asked in ({}, {"max_active_dims": 2}):
        expected = model.encode_query(TEXTS, **asked).to_dense().tolist()
        for _ in range(2):
            assert cached.encode_query(TEXTS, **asked).to_dense().tolist() == expected
    assert cached.encode("a b").to_dict() == model.encode("a b").to_dict()
    assert cached.encode([]).shape == model.encode([]).shape
    with pytest.raises(ArgumentError, match="precision: 'int8', but SparseEncoder.encode takes no such argument"):
        cached.encode(TEXTS, precision="int8")


@pytest.mark.parametrize("labels", [1, 3])
def test_scores_and_rankings_are_the_model_s(tmp_path, labels):
    model = CrossEncoder(reranker(tmp_path / "reranker", labels))
    pairs = [("a b", "c"), ("a", "b c"), ("a b", "c"), ("d", "e f")]
    cached = CachedModel(model)
    ways = [{}, {"activation_fn": "Identity"}, {"apply_softmax": True}, {"activation_fn": np.tanh}]
    for way in ways * 2:
        assert cached.predict(pairs, **way).tolist() == model.predict(pairs, **way).tolist()
        assert np.array_equal(cached.predict(pairs[1], **way), model.predict(pairs[1], **way))
    assert cached.predict([]).shape == model.predict([]).shape
    assert cached.info.misses == 3  # logits are kept, whatever is made of them; ("a b", "c") is not ("a", "b c")
    if labels == 1:
        documents = ["c", "d e", "b c"]
        expected = model.rank("a b", documents, 2, return_documents=True)
        assert cached.rank("a b", documents, 2, return_documents=True) == expected
    else:
        with pytest.raises(ArgumentError, match="this model has 3 labels"):
            cached.rank("a b", ["c"])


def test_a_changed_model_never_answers_from_an_old_cache(folder, tmp_path):
    store = LRUStore()
    CachedModel(SentenceTransformer(folder), store).encode(TEXTS)

    def misses(model):
        cached = CachedModel(model, store)
        assert cached.encode(TEXTS).tolist() == model.encode(TEXTS).tolist()
        return cached.info.misses

    assert misses(SentenceTransformer(folder)) == 0
    moved = tmp_path / "elsewhere" / "copy"
    shutil.copytree(folder, moved)
    assert misses(SentenceTransformer(moved)) == 0  # a model is what its files hold, wherever they lie
    (moved / "README.md").write_text("A card.")
    assert misses(SentenceTransformer(moved)) == 0
    graph = moved / "onnx" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-4] + bytes(4))
    changed = CachedModel(SentenceTransformer(folder), store, identity="v2")
    changed.encode(TEXTS)
    assert changed.info.misses == 4
    (moved / "1_Pooling" / "config.json").write_text('{"word_embedding_dimension": 4, "pooling_mode_cls_token": true}')
    shutil.copy(folder / "onnx" / "model.onnx", graph)
    assert misses(SentenceTransformer(moved)) == 4
    assert misses(SentenceTransformer(folder, truncate_dim=2)) == 4
    assert misses(SentenceTransformer(folder, max_seq_length=3)) == 4
    model = SentenceTransformer(folder)
    model.prompts["query"] = "c "
    assert misses(model) == 4


def test_settings_that_change_later_count_from_then_on(dense):
    cached = CachedModel(dense)
    cached.encode(TEXTS)
    dense.truncate_dim = 2
    assert cached.encode(TEXTS).tolist() == dense.encode(TEXTS).tolist()
    dense.truncate_dim = None
    assert cached.encode(TEXTS).shape == (5, 4)
    assert cached.info.misses == 8


def test_what_is_not_cached_is_the_model_s_own(dense):
    cached = CachedModel(dense)
    assert cached.max_seq_length == dense.max_seq_length
    assert np.concatenate(list(cached.encode_stream(TEXTS))).shape == (5, 4)
    assert cached.similarity(cached.encode("a"), cached.encode("b")).shape == (1, 1)
    assert repr(cached).startswith("CachedModel(SentenceTransformer(")
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = cached.no_such_name


def test_a_row_that_was_damaged_is_computed_again(dense, tmp_path):
    store = SQLiteStore(tmp_path / "rows.db")
    expected = CachedModel(dense, store).encode(TEXTS).tolist()
    with store._connected() as connection:  # a disk does it otherwise
        connection.execute("UPDATE rows SET row = substr(row, 1, 9)")
    cached = CachedModel(dense, store)
    assert cached.encode(TEXTS).tolist() == expected
    assert cached.info == CacheInfo(hits=1, misses=4)
    assert CachedModel(dense, store).encode(TEXTS).tolist() == expected


class Broken:
    """A store whose server is gone."""

    def get(self, keys):
        raise StoreError("Broken: gone.")

    def put(self, rows):
        raise StoreError("Broken: gone.")


def test_a_store_that_fails_is_told_and_can_be_gone_without(dense):
    with pytest.raises(StoreError, match="Broken: gone"):
        CachedModel(dense, Broken()).encode(TEXTS)
    going_on = CachedModel(dense, Broken(), on_error="warn")
    with pytest.warns(AirvecWarning, match="Broken: gone. The model computes without the store"):
        found = going_on.encode(TEXTS)
    assert found.tolist() == dense.encode(TEXTS).tolist()


def test_wrong_inputs_are_told_as_the_model_tells_them_and_nothing_is_kept(dense):
    store = LRUStore()
    cached = CachedModel(dense, store)
    with pytest.raises(InputError):
        cached.encode(["a", 5])
    with pytest.raises(TruncationError):
        cached.encode(["a " * 100], on_truncate="error")
    with pytest.raises(ArgumentError, match="expected a CrossEncoder"):
        cached.predict([("a", "b")])
    with pytest.raises(ArgumentError, match="expected a CrossEncoder"):
        cached.rank("a", ["b"])
    assert len(store) == 0


def test_other_models_need_something_to_be_told_by(dense):
    class Other:
        def encode(self, texts, **given):
            return np.ones((len(texts), 2), np.float32)

    with pytest.raises(ArgumentError, match=r"of the class Other, whose weights airvec cannot tell.*identity="):
        CachedModel(Other())
    store = LRUStore()
    for identity, misses in (("v1", 1), ("v1", 0), ("v2", 1)):
        cached = CachedModel(Other(), store, identity=identity)
        assert cached.encode("a").tolist() == [1, 1]
        assert cached.info.misses == misses
    with pytest.raises(ArgumentError, match="on_error: 'never'"):
        CachedModel(dense, on_error="never")


def test_no_warning_comes_from_ordinary_use(dense):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CachedModel(dense).encode(TEXTS)
