"""Evaluators of retrieval against sentence-transformers', on the same vectors: metrics, files, equal scores, chunks."""

import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from airvec import similarity
from airvec_trainer.evaluation import (
    CrossEncoderNanoBEIREvaluator,
    InformationRetrievalEvaluator,
    NanoBEIREvaluator,
    SparseInformationRetrievalEvaluator,
    SparseNanoBEIREvaluator,
)
from tests.parity.trainer.vector_models import SparseVectorModel, VectorModel, agree

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning"),  # the reference's sparsity
]


@pytest.fixture
def theirs():
    """The reference's evaluators, by our class."""
    from sentence_transformers.cross_encoder.evaluation import CrossEncoderNanoBEIREvaluator as CrossNano
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator as Retrieval
    from sentence_transformers.sentence_transformer.evaluation import NanoBEIREvaluator as Nano
    from sentence_transformers.sparse_encoder import evaluation as sparse

    return {
        InformationRetrievalEvaluator: Retrieval,
        NanoBEIREvaluator: Nano,
        SparseInformationRetrievalEvaluator: sparse.SparseInformationRetrievalEvaluator,
        SparseNanoBEIREvaluator: sparse.SparseNanoBEIREvaluator,
        CrossEncoderNanoBEIREvaluator: CrossNano,
    }


@pytest.fixture(scope="module")
def task():
    """Queries, a corpus whose ids are not in order, and relevant documents, of some queries none."""
    random = np.random.default_rng(0)
    corpus = {f"d{number}": f"document {number}" for number in random.permutation(700)}
    queries = {f"q{number}": f"question {number}" for number in range(30)}
    relevant = {name: set(random.choice(list(corpus), random.integers(0, 40), replace=False)) for name in queries}
    relevant["q3"] = {"d5", "nowhere"}
    return {"queries": queries, "corpus": corpus, "relevant_docs": relevant}


def called(model, *, times=2):
    """How both are called: twice in training, and with the folder."""

    def call(evaluator, folder):
        for step in range(times):
            found = evaluator(model, folder, 1.5, step)
        return found

    return call


@pytest.mark.parametrize("chunk", [7, 100, 699, 50000])
@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean", "manhattan"])
def test_retrieval_by_each_similarity_in_chunks(theirs, task, tmp_path, chunk, name):
    given = task | {"corpus_chunk_size": chunk, "name": "set", "write_predictions": True}
    ours, other = InformationRetrievalEvaluator(**given), theirs[InformationRetrievalEvaluator](**given)
    model = VectorModel(similarity=name)
    found = agree(ours, other, called(model), tmp_path)
    assert 0 < found[f"set_{name}_ndcg@10"] < 1
    first, second = model.model_card_data.stored[0], model.model_card_data.stored[-1]
    assert first.keys() == second.keys()
    assert ours.get_config_dict() == other.get_config_dict()


@pytest.mark.parametrize("chunk", [3, 64, 50000])
def test_equal_scores_at_the_cut_are_ordered_by_id(theirs, task, tmp_path, chunk):
    from sentence_transformers import util

    model = VectorModel(dim=3, whole=True)  # 27 vectors for 700 documents: whole dot products, exact in both
    depths = {"mrr_at_k": [3], "ndcg_at_k": [2, 5], "accuracy_at_k": [1], "precision_recall_at_k": [4], "map_at_k": [9]}
    given = task | depths | {"corpus_chunk_size": chunk, "write_predictions": True}
    ours = InformationRetrievalEvaluator(**given, score_functions={"dot": similarity.dot_score})
    other = theirs[InformationRetrievalEvaluator](**given, score_functions={"dot": util.dot_score})
    agree(ours, other, called(model), tmp_path)
    lines = (tmp_path / "ours" / "Information-Retrieval_evaluation_predictions_dot.jsonl").read_text().splitlines()
    results = json.loads(lines[0])["results"]
    assert len(results) == 9
    assert len({hit["score"] for hit in results}) < 3


@pytest.mark.parametrize(
    "options",
    [
        {"query_prompt": "ask: ", "corpus_prompt": "text: "},
        {"query_prompt_name": "question", "corpus_prompt_name": "passage"},
        {"truncate_dim": 5, "name": "cut"},
        {"main_score_function": "dot"},
        {"main_score_function": "cosine", "map_at_k": [5, 50], "ndcg_at_k": [1, 20]},
    ],
)
def test_options_and_several_score_functions(theirs, task, tmp_path, options):
    from sentence_transformers import util

    ours = InformationRetrievalEvaluator(
        **task, **options, score_functions={"dot": similarity.dot_score, "cosine": similarity.cos_sim}
    )
    other = theirs[InformationRetrievalEvaluator](
        **task, **options, score_functions={"dot": util.dot_score, "cosine": util.cos_sim}
    )
    agree(ours, other, called(VectorModel()), tmp_path)
    assert ours.get_config_dict() == other.get_config_dict()


@pytest.mark.parametrize("options", [{}, {"max_active_dims": 4}, {"corpus_chunk_size": 11, "name": "sparse"}])
def test_retrieval_with_sparse_vectors(theirs, task, tmp_path, options):
    given = task | {"write_predictions": True} | options
    model = SparseVectorModel(whole=True)
    ours = SparseInformationRetrievalEvaluator(**given)
    other = theirs[SparseInformationRetrievalEvaluator](**given)
    found = agree(ours, other, called(model), tmp_path, within=1e-6)  # FLOPS are summed in float32 there
    end = "sparse_" if options.get("name") else ""
    assert 1 < found[f"{end}corpus_active_dims"] < 20
    assert found[f"{end}avg_flops"] > 0
    assert ours.get_config_dict() == other.get_config_dict()


@pytest.mark.parametrize("chunk", [7, 50000])
@pytest.mark.parametrize("kind", ["model", "embeddings", "sparse"])
def test_documents_of_another_model_or_already_encoded(theirs, task, tmp_path, chunk, kind):
    given, name = task | {"corpus_chunk_size": chunk}, InformationRetrievalEvaluator
    corpus, model, other = list(task["corpus"].values()), VectorModel(), VectorModel()
    other.prompts = ("", "another: ")
    if kind == "sparse":
        name, model = SparseInformationRetrievalEvaluator, SparseVectorModel(whole=True)
        embeddings = model.encode_document(corpus, convert_to_tensor=True)
    else:
        embeddings = torch.from_numpy(other.encode_document(corpus))
    documents = {"corpus_model": other} if kind == "model" else {"corpus_embeddings": embeddings}
    ours, reference = name(**given), theirs[name](**given)
    found = agree(ours, reference, lambda evaluator, folder: evaluator(model, folder, **documents), tmp_path, 1e-6)
    assert found != name(**given)(model) or kind == "sparse"


@pytest.fixture(scope="module")
def nano(tmp_path_factory):
    """Three sets as the Hub's data set lies on disk."""
    home, random = tmp_path_factory.mktemp("nano"), np.random.default_rng(1)
    for name in ("MSMARCO", "SciFact", "Touche2020"):
        queries, documents = ([f"{kind}{number}" for number in range(count)] for kind, count in (("q", 9), ("d", 80)))
        drawn = {query: random.choice(documents, 43, replace=False).tolist() for query in queries}
        tables = {
            "corpus": [{"_id": one, "text": f"{name} {one}"} for one in documents] + [{"_id": "none", "text": ""}],
            "queries": [{"_id": one, "text": f"{name} {one}"} for one in queries],
            "qrels": [{"query-id": one, "corpus-id": other} for one in queries for other in drawn[one][:3]],
            "bm25": [{"query-id": one, "corpus-ids": drawn[one][2:]} for one in queries],
        }
        for part, rows in tables.items():
            (home / part).mkdir(exist_ok=True)
            file = home / part / f"Nano{name}-00000-of-00001.parquet"
            parquet.write_table(pa.Table.from_pylist(rows), file)
    (home / "README.md").write_text(card(home))
    return home


def card(home):
    """What tells `load_dataset` where the tables are."""
    parts = [
        f"- config_name: {part.name}\n  data_files:\n"
        + "".join(f"  - split: {name}\n    path: {part.name}/{name}-*\n" for name in names)
        for part in sorted(home.iterdir())
        for names in [sorted(file.name.partition("-")[0] for file in part.iterdir())]
    ]
    return "---\nconfigs:\n" + "".join(parts) + "---\n"


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """Data sets are cached in a folder of the test."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"truncate_dim": 4, "aggregate_fn": np.max, "aggregate_key": "max"},
        {"query_prompts": "q: ", "corpus_prompts": {"msmarco": "m: ", "SciFact": "s: "}, "write_predictions": True},
    ],
)
def test_nano_beir_from_a_folder(theirs, nano, tmp_path, options):
    given = {"dataset_names": ["msmarco", "SciFact"], "dataset_id": str(nano)} | options
    ours, other = NanoBEIREvaluator(**given), theirs[NanoBEIREvaluator](**given)
    assert (ours.name, ours.csv_file) == (other.name, other.csv_file)
    model = VectorModel()
    agree(ours, other, called(model), tmp_path)
    cards = model.model_card_data.stored
    assert cards[: len(cards) // 2] == cards[len(cards) // 2 :]
    assert ours.get_config_dict() == other.get_config_dict()


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("most", [None, 6])
def test_nano_beir_with_sparse_vectors(theirs, nano, tmp_path, most):
    given = {"dataset_names": ["msmarco", "scifact"], "dataset_id": str(nano), "max_active_dims": most}
    ours, other = SparseNanoBEIREvaluator(**given), theirs[SparseNanoBEIREvaluator](**given)
    agree(ours, other, called(SparseVectorModel(whole=True), times=1), tmp_path, within=1e-6)  # FLOPS in float32
    assert ours.get_config_dict() == other.get_config_dict()


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("options", [{}, {"rerank_k": 5, "always_rerank_positives": False, "at_k": 3}])
def test_nano_beir_of_rerankers(theirs, nano, tmp_path, options):
    given = {"dataset_names": ["msmarco", "scifact"], "dataset_id": str(nano)} | options
    ours, other = CrossEncoderNanoBEIREvaluator(**given), theirs[CrossEncoderNanoBEIREvaluator](**given)
    model = VectorModel()
    agree(ours, other, called(model), tmp_path)
    cards = model.model_card_data.stored
    assert cards[: len(cards) // 2] == cards[len(cards) // 2 :]
    assert ours.get_config_dict() == other.get_config_dict()
