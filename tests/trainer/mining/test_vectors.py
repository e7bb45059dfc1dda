"""What each kind of model is asked for."""

import numpy as np
import pytest

from airvec.errors import ArgumentError, InputError
from airvec.search import BM25
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.mining import MiningSettings
from airvec_trainer.mining.vectors import check_model, encode, processes, similarity_of
from tests.trainer.mining.stand_in import AngleModel

SETTINGS = MiningSettings(query_prompt_name="query", corpus_prompt="passage: ", batch_size=7, show_progress_bar=False)


class Sparse:
    """A sparse encoder of two words."""

    def sparsity(self):
        """What tells it from dense ones."""

    def encode_document(self, texts, **given):
        self.given = given
        return SparseVectors.from_dense(np.array([[2, 0]] * len(texts), np.float32))


class Pooled(AngleModel):
    """With processes of its own."""

    def start_multi_process_pool(self, target_devices=None):
        self.calls.append(("start", target_devices))
        return "pool"

    def stop_multi_process_pool(self, pool):
        self.calls.append(("stop", pool))


def test_queries_and_documents_are_encoded_as_such_at_length_one():
    model = AngleModel()
    encode(model, ["q"], "query", SETTINGS)
    encode(model, ["near", "far"], "corpus", SETTINGS, pool="pool")
    common = {"batch_size": 7, "show_progress_bar": False, "normalize_embeddings": True, "convert_to_numpy": True}
    assert model.calls == [
        ("query", ["q"], common | {"prompt_name": "query", "prompt": None}),
        ("document", ["near", "far"], common | {"prompt_name": None, "prompt": "passage: ", "pool": "pool"}),
    ]


def test_sparse_models_keep_the_length_and_are_compared_by_dot_product():
    model = Sparse()
    assert encode(model, ["a"], "corpus", SETTINGS).to_dict() == [{0: 2.0}]
    assert "normalize_embeddings" not in model.given
    assert model.given["save_to_cpu"] is True
    assert similarity_of(model) == "dot"
    assert similarity_of(object()) == "cosine"
    assert similarity_of(BM25()) == "dot"


def test_bm25_is_fitted_unless_it_has_been():
    bm25 = check_model(BM25(), ["the cat", "a dog"], MiningSettings())
    assert bm25.vocabulary == ["a", "cat", "dog", "the"]
    assert check_model(bm25, ["other"], MiningSettings()) is bm25
    assert encode(bm25, ["dog"], "query", MiningSettings()).to_dict() == [{2: 1.0}]


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        (BM25(), {"query_prompt": "query: "}, "model: BM25, given query_prompt='query: ', expected neither"),
        (BM25(), {"use_multi_process": True}, "given use_multi_process=True, expected neither prompts nor processes"),
        ("all-MiniLM-L6-v2", {}, "model: 'all-MiniLM-L6-v2', expected a model with encode"),
    ],
)
def test_what_cannot_mine_is_told(model, given, message):
    with pytest.raises(ArgumentError, match=message):
        check_model(model, ["a text"], MiningSettings(**given))


@pytest.mark.parametrize("rows", [[[np.nan, 0.0]], [[np.inf, 0.0]], [[1.0, 0.0], [0.0, 1.0]]])
def test_vectors_that_are_none_are_told(rows):
    model = AngleModel()
    model.encode_query = lambda texts, **given: np.array(rows)
    with pytest.raises(InputError, match=r"AngleModel.encode_query: vectors of shape .* for 1 texts"):
        encode(model, ["q"], "query", SETTINGS)


def test_processes_are_stopped_whatever_happens():
    model = Pooled()
    with pytest.raises(ZeroDivisionError), processes(model, ["cpu", "cpu"]) as pool:
        model.calls.append(1 / len(pool[4:]))
    assert model.calls == [("start", ["cpu", "cpu"]), ("stop", "pool")]
    with processes(model, True):
        assert model.calls[-1] == ("start", None)
    with processes(model, False) as pool:
        assert pool is None


def test_a_model_without_processes_is_told():
    message = "use_multi_process: True, but AngleModel has no start_multi_process_pool"
    with pytest.raises(ArgumentError, match=message), processes(AngleModel(), True):
        pass
