"""Mirrors runtime/airvec/caching/asking.py: a cached model takes what its model takes, and refuses what it refuses."""

import inspect

import numpy as np
import pytest

from airvec import CachedModel, CrossEncoder, MultiEncoder, SentenceTransformer, SparseEncoder
from airvec.caching import CacheInfo
from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer.evaluation import CrossEncoderCorrelationEvaluator, InformationRetrievalEvaluator
from tests.folders import reranker, word_model
from tests.multi_folders import multi_model
from tests.sparse_folders import splade_model

TEXTS = ["a b c", "d e", "a b c"]
METHODS = ("encode", "encode_query", "encode_document")


@pytest.fixture
def dense(tmp_path):
    return SentenceTransformer(word_model(tmp_path / "words"))


@pytest.fixture
def sparse(tmp_path):
    return SparseEncoder(splade_model(tmp_path / "splade"))


@pytest.mark.parametrize("method", METHODS)
def test_the_arguments_are_those_of_the_dense_model_in_its_order_and_then_the_sparse_one_s(method):
    taken = list(inspect.signature(getattr(CachedModel, method)).parameters)
    model = list(inspect.signature(getattr(SentenceTransformer, method)).parameters)
    assert taken[: len(model)] == model
    assert set(taken) == {*model, *inspect.signature(getattr(SparseEncoder, method)).parameters}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore:convert_to_tensor:airvec.errors.AirvecWarning")
def test_shapes_are_the_dense_model_s(dense, method):
    cached = CachedModel(dense)
    for asked in ({"convert_to_numpy": True}, {"convert_to_numpy": False}, {"convert_to_tensor": True},
                  {"device": "cpu"}, {"task": None}):  # fmt: skip
        for texts in (TEXTS, "d e", []):
            found, expected = getattr(cached, method)(texts, **asked), getattr(dense, method)(texts, **asked)
            assert type(found) is type(expected)
            assert np.array_equal(found, expected)
    assert cached.info.misses == 2


def test_shapes_are_the_sparse_model_s(sparse):
    cached = CachedModel(sparse)
    for asked in ({"save_to_cpu": True}, {"convert_to_sparse_tensor": False}, {"convert_to_tensor": False},
                  {"convert_to_sparse_tensor": False, "convert_to_tensor": False}):  # fmt: skip
        for texts in (TEXTS, "d e"):
            found, expected = cached.encode(texts, **asked), sparse.encode(texts, **asked)
            assert type(found) is type(expected)
            assert len(found) == len(expected)
            if not asked.get("convert_to_sparse_tensor", True):
                assert np.array_equal(found, expected)
    assert cached.info.misses == 2


def test_positions_are_the_dense_model_s(dense):
    given = (TEXTS, None, None, 2, False, "sentence_embedding", "ubinary", True, False, None, True, 3)
    assert CachedModel(dense).encode(*given).tolist() == dense.encode(*given).tolist()


@pytest.mark.parametrize("method", ["predict", "rank"])
def test_the_arguments_are_the_reranker_s(method):
    taken = list(inspect.signature(getattr(CachedModel, method)).parameters)
    assert taken == list(inspect.signature(getattr(CrossEncoder, method)).parameters)


@pytest.mark.filterwarnings("ignore:convert_to_tensor:airvec.errors.AirvecWarning")
def test_shapes_are_the_reranker_s(tmp_path):
    model = CrossEncoder(reranker(tmp_path / "reranker"))
    cached, pairs = CachedModel(model), [("a b", "c"), ("d", "e")]
    for asked in ({"convert_to_numpy": True}, {"convert_to_numpy": False}, {"convert_to_tensor": True},
                  {"device": "cpu", "num_workers": 2}, {"activation_fct": "Identity"}):  # fmt: skip
        for given in (pairs, pairs[0], []):
            found, expected = cached.predict(given, **asked), model.predict(given, **asked)
            assert type(found) is type(expected)
            assert np.array_equal(found, expected)
    assert cached.predict(sentences=pairs).tolist() == model.predict(pairs).tolist()
    assert cached.rank("a b", ["c", "d"], convert_to_numpy=True) == model.rank("a b", ["c", "d"])
    with pytest.raises(ArgumentError, match="device: 'cuda'"):
        cached.predict(pairs, device="cuda")
    with pytest.raises(ArgumentError, match="batch_size: 0"):
        cached.predict(pairs, batch_size=0)
    assert cached.info.misses == 3


def test_evaluators_of_rerankers_take_a_cached_model(tmp_path):
    model = CrossEncoder(reranker(tmp_path / "reranker"))
    evaluate = CrossEncoderCorrelationEvaluator([("a", "b"), ("c", "d e"), ("f", "g")], [0.1, 0.5, 0.9])
    cached = CachedModel(model)
    assert evaluate(cached) == evaluate(model) == evaluate(cached)
    assert cached.info == CacheInfo(hits=3, misses=3)


def test_old_names_and_keyed_texts_are_taken(dense):
    cached = CachedModel(dense)
    assert cached.encode(sentences=TEXTS).tolist() == dense.encode(TEXTS).tolist()
    assert cached.encode([{"query": "a b c"}]).tolist() == dense.encode([{"query": "a b c"}]).tolist()


def test_other_outputs_and_processes_are_the_model_s_own(dense, monkeypatch):
    cached = CachedModel(dense)
    tokens, expected = (model.encode(TEXTS, output_value="token_embeddings") for model in (cached, dense))
    assert [found.tolist() for found in tokens] == [found.tolist() for found in expected]
    assert cached.encode("a b", output_value=None).keys() == dense.encode("a b", output_value=None).keys()
    out = np.empty((len(TEXTS), 4), np.float32)
    assert cached.encode(TEXTS, out=out) is out
    seen = []
    monkeypatch.setattr(SentenceTransformer, "_processes", lambda model, pool: seen.append(pool.devices) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cached.encode(TEXTS, device=["cpu", "cpu"])
    assert seen == [("cpu", "cpu")]
    assert cached.info == CacheInfo(0, 0)


@pytest.mark.parametrize(
    "asked",
    [
        {"batch_size": -3},
        {"batch_size": 0},
        {"truncate_dim": 0},
        {"on_truncate": "never"},
        {"on_truncate": None},
        {"precision": "int7"},
        {"prompt_name": "unheard of"},
        {"device": "cuda"},
        {"output_value": "nothing"},
        {"chunk_size": 0},
    ],
)
def test_arguments_that_cannot_be_are_refused_on_a_hit_too(dense, asked):
    cached = CachedModel(dense)
    with pytest.raises(ArgumentError) as expected:
        dense.encode(TEXTS, **asked)
    for _ in range(2):
        with pytest.raises(ArgumentError) as found:
            cached.encode(TEXTS, **asked)
        assert str(found.value) == str(expected.value)
        cached.encode(TEXTS)


def test_arguments_of_the_other_kind_are_told(dense, sparse, tmp_path):
    with pytest.raises(
        ArgumentError, match=r"max_active_dims: 3, but SentenceTransformer.encode takes no such argument"
    ):
        CachedModel(dense).encode(TEXTS, max_active_dims=3)
    with pytest.raises(ArgumentError, match=r"truncate_dim: 3, but SparseEncoder.encode_query takes no such argument"):
        CachedModel(sparse).encode_query(TEXTS, truncate_dim=3)
    with pytest.raises(ArgumentError, match=r"CachedModel.encode: model is of the class CrossEncoder, which has no"):
        CachedModel(CrossEncoder(reranker(tmp_path / "reranker"))).encode(TEXTS)


def test_settings_are_the_model_s(dense):
    cached = CachedModel(dense)
    cached.truncate_dim = 2
    assert (dense.truncate_dim, cached.encode(TEXTS).shape) == (2, (3, 2))
    cached.max_seq_length = 3
    assert dense.max_seq_length == 3
    with pytest.raises(ArgumentError, match="truncate_dim"):
        cached.truncate_dim = 0
    with pytest.raises(AttributeError, match="model"):
        cached.model = dense


def test_evaluators_take_a_cached_model(dense):
    corpus = {str(place): text for place, text in enumerate(["a b", "c d", "e f", "g h"])}
    evaluate = InformationRetrievalEvaluator({"q": "a c"}, corpus, {"q": {"1"}}, show_progress_bar=False)
    cached = CachedModel(dense)
    assert evaluate(cached) == evaluate(dense) == evaluate(cached)
    assert cached.info == CacheInfo(hits=5, misses=5)


class Tensors:
    """A dense model of another library that has tensors."""

    def encode(self, texts, convert_to_numpy=True, convert_to_tensor=False):
        return ("tensor", texts) if convert_to_tensor else np.ones((len(texts), 2), np.float32)


def test_tensors_of_another_library_are_its_own():
    cached = CachedModel(Tensors(), identity="1")
    assert cached.encode(["a"], convert_to_tensor=True) == ("tensor", ["a"])
    assert cached.encode(["a"], convert_to_numpy=True).tolist() == [[1, 1]]
    with pytest.raises(ArgumentError, match="prompt: 'x', but Tensors.encode takes no such argument"):
        cached.encode(["a"], prompt="x")


class Scores:
    """A reranker of another library."""

    def predict(self, pairs):
        return np.ones(len(pairs))


class Weights(Tensors):
    """A sparse model of another library."""

    sparsity = None


def test_models_with_other_answers_are_refused(tmp_path):
    models = [MultiEncoder(multi_model(tmp_path / "multi")), Scores(), Weights(), object()]
    for model in models:
        with pytest.raises(ArgumentError, match=rf"class {type(model).__name__}, expected one of airvec's Sentence"):
            CachedModel(model, identity="1")


def test_one_bar_is_drawn_over_all_texts(dense, monkeypatch):
    drawn = []

    class Bar:
        def __init__(self, total, **given):
            drawn.append(total)

        def __enter__(self):
            return self

        def __exit__(self, *problem):
            return None

        def update(self, count):
            drawn.append(count)

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    CachedModel(dense).encode(TEXTS, show_progress_bar=True)
    assert drawn == [3, 1, 2]


def test_two_prompts_are_told_as_the_model_tells_them(dense):
    cached = CachedModel(dense)
    dense.prompts["p"] = "a "
    for _ in range(2):
        with pytest.warns(AirvecWarning, match="prompt: given together with prompt_name='p'"):
            cached.encode(TEXTS, prompt_name="p", prompt="b ")
