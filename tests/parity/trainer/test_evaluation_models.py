"""Evaluators on real tiny models of the trainer, the runtime and the reference, against the reference's evaluators."""

from inspect import signature

import numpy as np
import pytest
import sentence_transformers as st
import torch
from sentence_transformers import SparseEncoder as SparseReference
from torch.utils.data import DataLoader

import airvec
import airvec_trainer
from airvec_trainer import evaluation as ours
from airvec_trainer import losses
from tests import tiny
from tests.parity.subjects import SPARSE, Subject, prepare
from tests.parity.trainer.test_evaluation_pairs import agree
from tests.parity.variants import VARIANTS, make_folder
from tests.tiny.sparse_families import splade

pytestmark = [
    pytest.mark.parity,
    # What torch says of the reference's ways with COO tensors.
    pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning"),
    pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled:UserWarning"),
]

TEXTS = tiny.texts(24)
FIRST, SECOND, THIRD = TEXTS[:8], TEXTS[8:16], TEXTS[16:]
MEASURES = ["cosine", "dot", "euclidean", "manhattan"]
# by class: what it is made with
OF_SPARSE = {
    "SparseEmbeddingSimilarityEvaluator": {
        "sentences1": FIRST, "sentences2": SECOND, "scores": [0.1, 0.5, 0.5, 0.9, 0.2, 0.4, 0.8, 0.3],
        "similarity_fn_names": MEASURES,
    },
    "SparseBinaryClassificationEvaluator": {
        "sentences1": FIRST, "sentences2": SECOND, "labels": [0, 1, 0, 1, 1, 0, 0, 1], "similarity_fn_names": MEASURES,
    },
    "SparseTripletEvaluator": {
        "anchors": FIRST, "positives": SECOND, "negatives": THIRD, "similarity_fn_names": MEASURES, "margin": 0.01,
    },
    "SparseMSEEvaluator": {"source_sentences": FIRST, "target_sentences": SECOND},
    "SparseTranslationEvaluator": {"source_sentences": FIRST, "target_sentences": SECOND},
}  # fmt: skip


def theirs(name):
    from sentence_transformers.cross_encoder import evaluation as rerank
    from sentence_transformers.sentence_transformer import evaluation as dense
    from sentence_transformers.sparse_encoder import evaluation as sparse

    return next(getattr(room, name) for room in (dense, rerank, sparse) if hasattr(room, name))


class Both:
    """Evaluates each side's model with each side's evaluator."""

    def __init__(self, evaluator, model):
        self.evaluator, self.model = evaluator, model

    def __call__(self, card_holder, *where):
        self.model.model_card_data = card_holder.model_card_data
        return self.evaluator(self.model, *where)

    def __getattr__(self, name):
        return getattr(self.evaluator, name)


class Holder:
    """Stands for the model in `agree`."""


@pytest.fixture(scope="module", params=["trainer", "runtime"])
def sparse_models(request, tmp_path_factory):
    made = tmp_path_factory.mktemp("sparse")
    if request.param == "trainer":
        folder = splade(made / "model")
        return airvec_trainer.SparseEncoder(folder, device="cpu"), SparseReference(str(folder), device="cpu")
    folder = make_folder(VARIANTS[SPARSE]["max, relu"], "bert", prepare(Subject("bert", SPARSE)), made / "bert")
    return airvec.SparseEncoder(folder), SparseReference(str(folder), device="cpu")


@pytest.mark.parametrize("options", [{}, {"name": "dev", "max_active_dims": 6}])
@pytest.mark.parametrize("name", OF_SPARSE)
def test_evaluators_of_sparse_encoders(sparse_models, tmp_path, name, options):
    mine, reference = sparse_models
    given = [{**OF_SPARSE[name], **options} for _ in range(2)]
    if "MSE" in name:
        for side, model in zip(given, sparse_models, strict=True):
            side["teacher_model"] = model
    evaluators = getattr(ours, name)(**given[0]), theirs(name)(**given[1])
    found = agree(Both(evaluators[0], mine), Both(evaluators[1], reference), Holder(), tmp_path, within=1e-5)
    assert any(0 < value < 1 for key, value in found.items() if "sparsity" in key)


def test_labels_of_pairs_told_by_a_classifier(tmp_path):
    folder = tiny.tiny_checkpoint(tmp_path / "model")
    mine = airvec_trainer.SentenceTransformer(folder, device="cpu").train()
    reference = st.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    loss = losses.SoftmaxLoss(embedding_dimension=mine.get_embedding_dimension(), num_labels=3)
    torch.nn.init.normal_(loss.classifier.weight)
    from sentence_transformers.sentence_transformer import losses as reference_losses

    other = reference_losses.SoftmaxLoss(reference, mine.get_embedding_dimension(), 3)
    other.classifier.load_state_dict(loss.classifier.state_dict())
    rows = list(zip(FIRST, SECOND, [0, 1, 2, 0, 1, 2, 0, 1], strict=True))

    def loader(kind):
        return DataLoader([kind(texts=[a, b], label=label) for a, b, label in rows], batch_size=3)

    one = ours.LabelAccuracyEvaluator(loader(airvec_trainer.InputExample), "nli", loss)
    two = theirs("LabelAccuracyEvaluator")(loader(st.InputExample), "nli", other)
    found = agree(Both(one, mine), Both(two, reference), Holder(), tmp_path)
    assert 0 < found["nli_accuracy"] < 1
    assert mine.training, "the model is left as it was"


# Alike but for what the reference's arguments of any name take: `**kwargs`.
SIGNATURES = [
    *OF_SPARSE, "BinaryClassificationEvaluator", "MSEEvaluator", "MSEEvaluatorFromDataFrame", "TranslationEvaluator",
    "ParaphraseMiningEvaluator", "LabelAccuracyEvaluator", "CrossEncoderClassificationEvaluator",
    "EmbeddingSimilarityEvaluator", "TripletEvaluator", "CrossEncoderCorrelationEvaluator",
]  # fmt: skip


@pytest.mark.parametrize("name", SIGNATURES)
def test_arguments_have_the_references_names_order_and_defaults(name):
    mine, reference = signature(getattr(ours, name)).parameters, signature(theirs(name)).parameters
    wanted = {key: one.default for key, one in reference.items() if one.kind is not one.VAR_KEYWORD}
    found = {key: one.default for key, one in mine.items()}
    assert list(found)[: len(wanted)] == list(wanted)
    assert set(found) - set(wanted) <= {"max_active_dims"}
    differing = {key for key, value in wanted.items() if found[key] != value}
    assert differing <= {"main_distance_function"}  # there "deprecated", to warn of it


@pytest.mark.slow
def test_an_exported_folder_scores_as_the_checkpoint(checkpoint, minilm):
    given = {"sentences1": FIRST, "sentences2": SECOND, "labels": [0, 1] * 4, "similarity_fn_names": MEASURES}
    mine = ours.BinaryClassificationEvaluator(**given)(airvec.SentenceTransformer(minilm))
    model = st.SentenceTransformer(str(checkpoint), device="cpu", local_files_only=True)
    wanted = theirs("BinaryClassificationEvaluator")(**given)(model)
    assert list(mine) == list(wanted)
    np.testing.assert_allclose(list(mine.values()), list(wanted.values()), rtol=1e-5, atol=1e-5)
