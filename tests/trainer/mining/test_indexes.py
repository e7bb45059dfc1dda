"""FAISS and usearch, where they are installed; and what is told where they are not."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest

from airvec.errors import ArgumentError, MissingPackageError
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.mining import MiningSettings, mine
from airvec_trainer.mining.indexes import OPENERS, most_results, open_index
from airvec_trainer.mining.retrieve import nearest
from tests.trainer.mining.stand_in import NoiseModel, generated

RANDOM = np.random.default_rng(0)
QUERIES, DOCUMENTS = (RANDOM.normal(size=(n, 8)).astype(np.float32) for n in (6, 20))


class FlatIndex:
    """What FAISS does, in NumPy."""

    def __init__(self, dim):
        self.rows = np.zeros((0, dim), np.float32)

    def add(self, rows):
        self.rows = np.vstack([self.rows, rows])

    def search(self, queries, k):
        scores = queries @ self.rows.T
        best = np.argsort(-scores, axis=1)[:, :k]
        return np.take_along_axis(scores, best, axis=1), best


@pytest.fixture
def faiss(monkeypatch):
    """A stand-in for the package, in whose place it is imported."""
    module = ModuleType("faiss")
    module.__spec__ = ModuleSpec("faiss", None)
    module.IndexFlatIP = FlatIndex
    monkeypatch.setitem(sys.modules, "faiss", module)
    return module


@pytest.mark.parametrize("name", OPENERS)
@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("count", [5, 25])
def test_an_index_finds_what_numpy_finds(name, similarity, count):
    pytest.importorskip(name, reason=f"{name} is an optional package")
    quiet = {"show_progress_bar": False, "faiss_batch_size": 4}
    found = nearest(QUERIES, DOCUMENTS, count, similarity, MiningSettings(index=name, **quiet))
    expected = nearest(QUERIES, DOCUMENTS, count, similarity, MiningSettings(**quiet))
    np.testing.assert_array_equal(found.rows, expected.rows)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_faiss_gets_unit_vectors_for_the_cosine(faiss, similarity):
    found = nearest(QUERIES, DOCUMENTS, 25, similarity, MiningSettings(index="faiss", show_progress_bar=False))
    expected = nearest(QUERIES, DOCUMENTS, 25, similarity, MiningSettings(show_progress_bar=False))
    np.testing.assert_array_equal(found.rows, expected.rows)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)
    assert found.rows.dtype == np.int64


@pytest.mark.parametrize(("name", "package"), [("faiss", "faiss-cpu"), ("usearch", "usearch")])
def test_a_package_that_is_not_there_is_told_before_anything_is_encoded(name, package, monkeypatch):
    monkeypatch.setattr("airvec_trainer.mining.indexes.find_spec", lambda found: None)
    model = NoiseModel()
    with pytest.raises(MissingPackageError, match=f"needs the package {name}, .* pip install {package}"):
        mine(generated(9), model, MiningSettings(index=name))
    assert model.calls == 0


@pytest.mark.parametrize(
    ("documents", "similarity", "message"),
    [
        (DOCUMENTS, "euclidean", "'faiss' for dense vectors compared by euclidean, expected dense ones"),
        (SparseVectors.from_dense(DOCUMENTS), "dot", "'faiss' for sparse vectors compared by dot"),
    ],
)
def test_what_is_no_dot_product_of_dense_vectors_is_told(faiss, documents, similarity, message):
    with pytest.raises(ArgumentError, match=message):
        open_index("faiss", documents, similarity)


def test_on_a_gpu_faiss_finds_2048_documents_and_range_max_is_no_more_unless_named(faiss):
    assert most_results("faiss") is None
    assert most_results("numpy") is None
    faiss.get_num_gpus = lambda: 1
    faiss.GpuMultipleClonerOptions = lambda: ModuleType("options")
    faiss.index_cpu_to_all_gpus = lambda index, co: index
    assert most_results("faiss") == 2048
    settings = MiningSettings(index="faiss", num_negatives=300, max_score=2.0, show_progress_bar=False)
    data = generated(600)
    corpus = [f"document {number}" for number in range(400)]
    most = max(data["query"][:].count(query) for query in set(data["query"][:]))
    assert mine(data, NoiseModel(), settings, corpus=corpus)[1].range_max == 2048 - most
