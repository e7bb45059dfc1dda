"""Evaluators of reranking and of fusion against sentence-transformers', on the same scores: metrics, files, cards."""

import functools

import numpy as np
import pytest

from airvec import similarity
from airvec_trainer.evaluation import (
    CERerankingEvaluator,
    CrossEncoderRerankingEvaluator,
    ReciprocalRankFusionEvaluator,
    RerankingEvaluator,
    SparseRerankingEvaluator,
)
from tests.parity.trainer.vector_models import SparseVectorModel, VectorModel, agree

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning"),  # the reference's sparsity
]


@pytest.fixture
def theirs():
    """The reference's evaluators, by our class."""
    from sentence_transformers.cross_encoder import evaluation as rerank
    from sentence_transformers.sentence_transformer import evaluation
    from sentence_transformers.sparse_encoder import evaluation as sparse

    return {
        RerankingEvaluator: evaluation.RerankingEvaluator,
        SparseRerankingEvaluator: sparse.SparseRerankingEvaluator,
        CrossEncoderRerankingEvaluator: rerank.CrossEncoderRerankingEvaluator,
        ReciprocalRankFusionEvaluator: sparse.ReciprocalRankFusionEvaluator,
    }


@pytest.fixture
def stable(monkeypatch):
    """The reference's orders of equal scores, which depend on the processor, made those of stable sorting."""
    import torch

    monkeypatch.setattr(np, "argsort", functools.partial(np.argsort, kind="stable"))
    monkeypatch.setattr(torch, "argsort", functools.partial(torch.argsort, stable=True))


def samples(count=40):
    """Queries with none to four positives and some negatives; no document is in both."""
    random = np.random.default_rng(0)
    drawn = [random.permutation(200).tolist() for _ in range(count)]
    sizes = random.integers(0, 5, count).tolist()
    return [
        {
            "query": f"question {row}",
            "positive": [f"document {number}" for number in places[:size]],
            "negative": [f"document {number}" for number in places[5 : 7 + row % 30]],
        }
        for row, (places, size) in enumerate(zip(drawn, sizes, strict=True))
    ]


def ranked(count=40):
    """Queries with documents in an order; some positives are not among them, and some queries find none."""
    found = [sample for sample in samples(count) if sample["positive"]]
    return [
        {
            "query": one["query"],
            "positive": one["positive"],
            "documents": [*one["negative"], *one["positive"][: row % 4]],
        }
        for row, one in enumerate(found)
    ]


def called(model):
    """How both are called: twice in training, with the folder."""

    def call(evaluator, folder):
        return [evaluator(model, folder, 1.5, step) for step in (1, 2)][-1]

    return call


@pytest.mark.parametrize("whole", [False, True], ids=["all different", "many equal"])
@pytest.mark.parametrize(
    "options", [{}, {"at_k": 3, "name": "dev"}, {"truncate_dim": 5}, {"use_batched_encoding": False}]
)
@pytest.mark.usefixtures("stable")
def test_reranking(theirs, tmp_path, options, whole):
    from sentence_transformers import util

    ours = RerankingEvaluator(samples(), similarity_fct=similarity.dot_score, **options)
    other = theirs[RerankingEvaluator](samples(), similarity_fct=util.dot_score, **options)
    model = VectorModel(dim=8, whole=whole)
    found = agree(ours, other, called(model), tmp_path)
    assert all(0.01 < value < 0.99 for value in found.values())
    assert ours.get_config_dict() == other.get_config_dict()
    assert len(model.model_card_data.stored) == 4


@pytest.mark.parametrize("given", ["a dict", "one text", "the old name"])
def test_reranking_takes_what_the_reference_takes(theirs, tmp_path, given):
    rows, options = samples(), {}
    if given == "a dict":
        rows = dict(enumerate(rows))
    elif given == "one text":
        rows = [{**row, "positive": "document 1", "negative": "document 2"} for row in rows]
    else:
        options = {"mrr_at_k": 2, "at_k": 7}
    ours, other = RerankingEvaluator(rows, **options), theirs[RerankingEvaluator](rows, **options)
    agree(ours, other, called(VectorModel()), tmp_path)


@pytest.mark.parametrize("options", [{}, {"max_active_dims": 5, "name": "s"}, {"use_batched_encoding": False}])
@pytest.mark.usefixtures("stable")
def test_reranking_with_sparse_vectors(theirs, tmp_path, options):
    from sentence_transformers import util

    # Most pairs share nothing and score 0: whole numbers, so that products are exact in both.
    model = SparseVectorModel(dim=60, whole=True)
    ours = SparseRerankingEvaluator(samples(), similarity_fct=similarity.dot_score, **options)
    other = theirs[SparseRerankingEvaluator](samples(), similarity_fct=util.dot_score, **options)
    found = agree(ours, other, called(model), tmp_path, within=1e-6)  # active dimensions are float32 there
    assert min(value for key, value in found.items() if "active_dims" in key) > 1
    assert ours.get_config_dict() == other.get_config_dict()


@pytest.mark.parametrize("whole", [False, True], ids=["all different", "many equal"])
@pytest.mark.parametrize("always", [True, False])
@pytest.mark.parametrize("kind", ["negatives", "documents", "both kinds"])
@pytest.mark.usefixtures("stable")
def test_reranking_by_a_cross_encoder(theirs, tmp_path, kind, always, whole):
    rows = {"negatives": samples(), "documents": ranked(), "both kinds": [*ranked(), *samples()]}[kind]
    options = {"always_rerank_positives": always, "at_k": 4, "name": "dev"}
    ours, other = (
        CrossEncoderRerankingEvaluator(rows, **options),
        theirs[CrossEncoderRerankingEvaluator](rows, **options),
    )
    model = VectorModel(dim=8, whole=whole)
    found = agree(ours, other, called(model), tmp_path)
    assert all(0.01 < value < 0.99 for value in found.values())
    assert any(key.startswith("dev_base_") for key in found) == (kind != "negatives")
    assert ours.get_config_dict() == other.get_config_dict()
    mine, reference = model.model_card_data.stored[:2], model.model_card_data.stored[2:]
    if kind == "negatives":
        assert [list(one) for one in mine] == [list(one) for one in reference]
    else:
        assert mine == reference


def test_the_old_name_is_the_same_class():
    assert CERerankingEvaluator is CrossEncoderRerankingEvaluator


@pytest.mark.parametrize("options", [{}, {"at_k": 3, "rrf_k": 2, "name": "hybrid"}])
def test_reciprocal_rank_fusion(theirs, tmp_path, options):
    random = np.random.default_rng(2)
    dense = [{"query_id": f"q{row}", **one} for row, one in enumerate(ranked())]
    sparse = [
        {**one, "documents": [*random.permutation(one["documents"])[2:].tolist(), "document 7", "document 8"]}
        for one in dense
    ]
    sparse[0]["documents"], dense[1]["documents"] = [], dense[1]["documents"] * 2  # none, and each twice
    given = {"write_predictions": True} | options
    ours = ReciprocalRankFusionEvaluator(dense, sparse, **given)
    other = theirs[ReciprocalRankFusionEvaluator](dense, sparse, **given)
    found = agree(ours, other, lambda evaluator, folder: evaluator(folder, 1.5, 7), tmp_path)
    assert all(0 < value < 1 for value in found.values())
    assert ours.get_config_dict() == other.get_config_dict()


def test_arguments_and_defaults_are_the_reference_s(theirs):
    import inspect

    from sentence_transformers.cross_encoder.evaluation import CrossEncoderNanoBEIREvaluator as CrossNano
    from sentence_transformers.sentence_transformer import evaluation
    from sentence_transformers.sparse_encoder import evaluation as sparse

    from airvec_trainer import evaluation as all_of_ours

    names = ["InformationRetrievalEvaluator", "NanoBEIREvaluator"]
    reference = [
        CrossNano, *(getattr(evaluation, name) for name in names),
        *(getattr(sparse, f"Sparse{name}") for name in names), *theirs.values(),
    ]  # fmt: skip
    for other in reference:
        mine = inspect.signature(getattr(all_of_ours, other.__name__)).parameters.values()
        reference_names = inspect.signature(other).parameters
        # what is ours alone can only be given by name
        mine = [one for one in mine if one.name in reference_names or one.kind is not inspect.Parameter.KEYWORD_ONLY]
        for ours, given in zip(mine, reference_names.values(), strict=True):
            assert ours.name == given.name
            default = given.default if not isinstance(given.default, list) else tuple(given.default)
            same_function = callable(default) and ours.default.__name__ == default.__name__
            assert ours.default == default or same_function
