"""Evaluators of retrieval and reranking on real tiny models of the trainer, the runtime and the reference."""

import numpy as np
import pytest
from sentence_transformers import SparseEncoder as SparseReference
from sentence_transformers.sparse_encoder import evaluation as theirs

import airvec
import airvec_trainer
from airvec_trainer import evaluation as ours
from tests import tiny
from tests.parity.subjects import SPARSE, Subject, prepare
from tests.parity.trainer.vector_models import Card, agree
from tests.parity.variants import VARIANTS, make_folder
from tests.tiny.sparse_families import splade

pytestmark = [
    pytest.mark.parity,
    # What torch says of the reference's ways with COO tensors.
    pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning"),
    pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled:UserWarning"),
]

TEXTS = tiny.texts(40)
TASK = {
    "queries": {f"q{row}": text for row, text in enumerate(TEXTS[:6])},
    "corpus": {f"d{row}": text for row, text in enumerate(TEXTS[6:])},
    "relevant_docs": {f"q{row}": {f"d{row}", f"d{row + 9}", f"d{row + 20}"} for row in range(6)},
}
SAMPLES = [{"query": TEXTS[row], "positive": TEXTS[row + 1], "negative": TEXTS[row + 2 : row + 9]} for row in range(6)]


@pytest.fixture(scope="module", params=["trainer", "runtime"])
def models(request, tmp_path_factory):
    """A sparse model of ours, and the same one of the reference."""
    made = tmp_path_factory.mktemp("sparse")
    if request.param == "trainer":
        folder = splade(made / "model")
        return airvec_trainer.SparseEncoder(folder, device="cpu"), SparseReference(str(folder), device="cpu")
    folder = make_folder(VARIANTS[SPARSE]["max, relu"], "bert", prepare(Subject("bert", SPARSE)), made / "bert")
    return airvec.SparseEncoder(folder), SparseReference(str(folder), device="cpu")


def each(evaluator, mine, reference):
    """Each side's evaluator is called with each side's model, whose card takes what it is given."""

    def call(one, folder):
        model = mine if one is evaluator else reference
        model.model_card_data = Card()
        return one(model, folder)

    return call


@pytest.mark.parametrize("options", [{}, {"max_active_dims": 6, "corpus_chunk_size": 10}])
def test_sparse_retrieval(models, tmp_path, options):
    given = TASK | options
    evaluator = ours.SparseInformationRetrievalEvaluator(**given)
    other = theirs.SparseInformationRetrievalEvaluator(**given)
    found = agree(evaluator, other, each(evaluator, *models), tmp_path, within=1e-6)  # FLOPS are float32 there
    assert 0 < found["dot_map@100"] < 1


@pytest.mark.parametrize("batched", [True, False])
def test_sparse_reranking(models, tmp_path, batched):
    evaluator = ours.SparseRerankingEvaluator(SAMPLES, use_batched_encoding=batched)
    other = theirs.SparseRerankingEvaluator(SAMPLES, use_batched_encoding=batched)
    found = agree(evaluator, other, each(evaluator, *models), tmp_path, within=1e-6)
    assert 0 < found["map"] < 1


def test_dense_retrieval_and_reranking(tmp_path):
    from sentence_transformers import SentenceTransformer as Reference
    from sentence_transformers.sentence_transformer import evaluation as dense

    from tests.parity.subjects import DENSE

    folder = make_folder(
        next(iter(VARIANTS[DENSE].values())), "bert", prepare(Subject("bert", DENSE)), tmp_path / "bert"
    )
    reference = Reference(str(folder), device="cpu")
    for number, mine in enumerate((airvec.SentenceTransformer(folder), airvec_trainer.SentenceTransformer(folder))):
        for name, given in (("InformationRetrievalEvaluator", TASK), ("RerankingEvaluator", {"samples": SAMPLES})):
            evaluator, other = getattr(ours, name)(**given), getattr(dense, name)(**given)
            agree(evaluator, other, each(evaluator, mine, reference), tmp_path / f"{name}{number}")
    scores = reference.similarity(reference.encode(TEXTS[:6]), reference.encode(TEXTS[6:]))
    assert np.ptp(scores.numpy()) > 0.1  # one score for all would prove nothing
