"""The adapter on models of airvec; mteb itself, which is not here, is a stand-in. tests/interop runs the real one."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
from airvec.errors import ArgumentError, MissingPackageError
from airvec.integrations.mteb import DenseAdapter, RerankerAdapter, SparseAdapter, adapt, prompt_name
from airvec.search import Retriever
from tests.folders import reranker
from tests.sparse_folders import splade_model

CORPUS = [
    {"id": "a", "title": "Fruit", "text": "apples and pears"},
    {"id": "b", "title": "", "text": "a red car"},
    {"id": "c", "title": None, "text": "pears in wine"},
]
TASK = {"task_metadata": SimpleNamespace(name="SciFact", type="Retrieval"), "hf_split": "test", "hf_subset": "default"}
RUN = TASK | {"encode_kwargs": {"show_progress_bar": False}}


@pytest.fixture
def mteb(monkeypatch):
    """mteb's one class that the adapter makes, which keeps what it is given."""
    home, models, meta = ModuleType("mteb"), ModuleType("mteb.models"), ModuleType("mteb.models.model_meta")
    home.__spec__ = ModuleSpec("mteb", None)
    meta.ModelMeta = SimpleNamespace
    for module in (home, models, meta):
        monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.fixture(scope="module")
def dense():
    return SentenceTransformer(prompts={"query": "ask: ", "STS": "compare: "})


def batches(*texts):
    return [{"text": list(texts[:2])}, {"text": list(texts[2:])}]


def test_texts_of_all_batches_are_encoded_in_order(mteb, dense):
    found = adapt(dense).encode(batches("one", "two", "three"), batch_size=2, **TASK)
    assert np.array_equal(found, dense.encode(["one", "two", "three"]))


@pytest.mark.parametrize(("role", "prompt"), [("query", "ask: "), ("document", ""), (None, "")])
def test_queries_and_documents_get_their_own_prompt(mteb, dense, role, prompt):
    kind = role and SimpleNamespace(value=role)
    found = adapt(dense).encode(batches("one", "two", "three"), prompt_type=kind, **TASK)
    assert np.array_equal(found, dense.encode([prompt + text for text in ("one", "two", "three")]))


def test_prompts_that_are_given_come_in_place_of_the_models(mteb, dense):
    found = adapt(dense, prompts={"SciFact-query": "find: "}).encode(batches("one"), prompt_type="query", **TASK)
    assert np.array_equal(found, dense.encode(["find: one"]))


@pytest.mark.parametrize(
    ("names", "role", "chosen"),
    [
        (["SciFact-query", "SciFact", "Retrieval-query", "Retrieval", "query"], "query", "SciFact-query"),
        (["SciFact", "Retrieval-query", "Retrieval", "query"], "query", "SciFact"),
        (["Retrieval-query", "Retrieval", "query"], "query", "Retrieval-query"),
        (["Retrieval", "query"], "query", "Retrieval"),
        (["query", "document"], "query", "query"),
        (["query", "document"], None, None),
        (["Retrieval-query"], None, None),
        (["Retrieval"], None, "Retrieval"),
        (["STS"], "query", None),
    ],
)
def test_the_most_particular_prompt_is_chosen(names, role, chosen):
    assert prompt_name(dict.fromkeys(names, "p"), TASK["task_metadata"], role) == chosen


def test_similarities_are_the_models_for_arrays_and_tensors(mteb, dense):
    adapter, rows = adapt(dense), dense.encode(["one", "two", "three"])
    expected = dense.similarity(rows, rows)
    assert adapter.similarity(rows, torch.tensor(rows)) == pytest.approx(expected)
    assert adapter.similarity_pairwise(torch.tensor(rows), rows) == pytest.approx(np.ones(3), abs=1e-6)


def test_the_results_say_what_the_model_is(mteb, dense):
    meta = adapt(dense).mteb_model_meta
    assert (meta.name, meta.model_type, meta.similarity_fn_name) == ("airvec/default_model", ["dense"], "cosine")
    assert meta.embed_dim == dense.get_embedding_dimension()
    assert meta.use_instructions is True
    assert meta.revision.startswith("airvec-")
    assert meta.license is None
    assert adapt(dense, name="org/mine").mteb_model_meta.name == "org/mine"


def test_a_reranker_scores_pairs_of_two_loaders(mteb, tmp_path):
    model = CrossEncoder(reranker(tmp_path / "reranker"))
    adapter = adapt(model)
    assert isinstance(adapter, RerankerAdapter)
    found = adapter.predict(batches("red", "car", "pears"), batches("car", "red", "wine"), **TASK)
    assert found == pytest.approx(model.predict([("red", "car"), ("car", "red"), ("pears", "wine")]))
    assert adapter.mteb_model_meta.model_type == ["cross-encoder"]
    with pytest.raises(ValueError, match="zip"):
        adapter.predict(batches("red"), batches("car", "red", "wine"), **TASK)


def test_a_sparse_model_searches_by_its_index_and_is_dense_elsewhere(mteb, tmp_path):
    model = SparseEncoder(splade_model(tmp_path / "splade"))
    adapter = adapt(model)
    assert isinstance(adapter, SparseAdapter)
    assert np.array_equal(adapter.encode(batches("red car", "a"), **TASK), model.encode(["red car", "a"]).to_dense())
    adapter.index(CORPUS, **RUN)
    texts = ["Fruit apples and pears", "a red car", "pears in wine"]
    scores = model.similarity(model.encode_query(["red"]), model.encode_document(texts))[0]
    (found,) = adapter.search([{"id": "q", "text": "red"}], top_k=3, **RUN).values()
    assert found == {name: pytest.approx(float(score)) for name, score in zip("abc", scores, strict=True) if score}
    assert found
    assert adapter.mteb_model_meta.model_type == ["sparse"]


def test_a_sparse_models_prompts_count_in_retrieval_too(mteb, tmp_path):
    model = SparseEncoder(splade_model(tmp_path / "splade"))
    adapter = adapt(model, prompts={"SciFact-query": "b c ", "document": "d "})
    corpus = [{"id": text, "title": "", "text": text} for text in ("a b", "e", "g h")]
    found = {}
    for name, front in (("SciFact", "b c "), ("NFCorpus", "")):
        task = RUN | {"task_metadata": SimpleNamespace(name=name, type="Retrieval")}
        adapter.index(corpus, **task)
        (found[name],) = adapter.search([{"id": "q", "text": "a"}], top_k=3, **task).values()
        documents = model.encode_document([f"d {row['text']}" for row in corpus])
        scores = model.similarity(model.encode_query([f"{front}a"]), documents)[0].tolist()
        expected = {row["id"]: score for row, score in zip(corpus, scores, strict=True) if score}
        assert found[name] == pytest.approx(expected)
    assert found["SciFact"] != found["NFCorpus"]


def words():
    adapter = adapt(Retriever(bm25=True))
    adapter.index(CORPUS, **RUN)
    return adapter


def test_a_retriever_answers_by_id(mteb):
    queries = [{"id": "q1", "text": "pears"}, {"id": "q2", "text": "fruit"}]
    found = words().search(queries, top_k=2, **RUN)
    assert {name: set(hits) for name, hits in found.items()} == {"q1": {"a", "c"}, "q2": {"a"}}  # the title counts
    assert all(isinstance(score, float) and score > 0 for hits in found.values() for score in hits.values())
    assert len(words().search(queries, top_k=1, **RUN)["q1"]) == 1


def test_an_instruction_comes_behind_the_query(mteb):
    found = words().search([{"id": "q", "text": "nothing", "instruction": "red"}], top_k=3, **RUN)
    assert set(found["q"]) == {"b"}


def test_in_tasks_of_reranking_only_the_candidates_count(mteb):
    found = words().search([{"id": "q", "text": "pears"}], top_k=1, top_ranked={"q": ["b", "c"]}, **RUN)
    assert set(found["q"]) == {"b", "c"}
    assert found["q"]["b"] == 0.0 < found["q"]["c"]


def test_a_retriever_with_a_reranker_takes_no_candidates(mteb, tmp_path):
    adapter = adapt(Retriever(bm25=True, reranker=CrossEncoder(reranker(tmp_path / "reranker"))))
    adapter.index(CORPUS, **RUN)
    with pytest.raises(ArgumentError, match="top_ranked: documents of 1 queries, but the retriever has a reranker"):
        adapter.search([{"id": "q", "text": "pears"}], top_k=1, top_ranked={"q": ["b"]}, **RUN)


def test_what_cannot_be_adapted_is_told(mteb, dense):
    assert isinstance(adapt(dense), DenseAdapter)
    with pytest.raises(ArgumentError, match="model: a str, expected airvec's SentenceTransformer"):
        adapt("all-MiniLM-L6-v2")
    with pytest.raises(ArgumentError, match="prompts: {'query': 'x'} for a Retriever"):
        adapt(Retriever(bm25=True), prompts={"query": "x"})
    with pytest.raises(ArgumentError, match="name: 'mine', expected ORG/NAME"):
        adapt(dense, name="mine")


def test_without_mteb_the_pip_line_is_told(dense, monkeypatch):
    monkeypatch.setitem(sys.modules, "mteb", None)  # even where it is installed
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r'pip install "airvec\[mteb\]"'):
        adapt(dense)
