"""Every evaluator tells what it was called with in place of a model that it can measure, before it measures."""

from pathlib import Path

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec_trainer import evaluation

TEXTS, OTHERS, SAMPLES = ["a", "b"], ["c", "d"], [{"query": "q", "positive": ["a"], "negative": ["b"]}]
PAIRS = [["a", "b"], ["c", "d"]]
RETRIEVAL = ({"q": "a"}, {"d": "b"}, {"q": {"d"}})


class Encodes:
    similarity_fn_name = "cosine"

    def encode(self, texts, **given):
        return np.eye(2)[: len(texts)]


class Unnamed(Encodes):
    similarity_fn_name = None


class Predicts:
    def predict(self, pairs, **given):
        return np.arange(len(pairs))


MADE = {
    "EmbeddingSimilarityEvaluator": (TEXTS, OTHERS, [1, 2]),
    "BinaryClassificationEvaluator": (TEXTS, OTHERS, [0, 1]),
    "TripletEvaluator": (TEXTS, OTHERS, TEXTS),
    "MSEEvaluator": (TEXTS, OTHERS, Encodes()),
    "TranslationEvaluator": (TEXTS, OTHERS),
    "ParaphraseMiningEvaluator": ({"1": "a", "2": "b"}, [("1", "2")]),
    "InformationRetrievalEvaluator": RETRIEVAL,
    "RerankingEvaluator": (SAMPLES,),
    "BitextEvaluator": (TEXTS, OTHERS),
    "ClassificationEvaluator": (TEXTS, [0, 1], OTHERS, [0, 1]),
    "ClusteringEvaluator": (TEXTS, [0, 1]),
}
SPARSE = ("EmbeddingSimilarity", "BinaryClassification", "Triplet", "Translation", "InformationRetrieval", "Reranking")
CROSS = {
    "CrossEncoderCorrelationEvaluator": (PAIRS, [1, 2]),
    "CrossEncoderClassificationEvaluator": (PAIRS, [0, 1]),
    "CrossEncoderRerankingEvaluator": (SAMPLES,),
}


@pytest.mark.parametrize("name", MADE)
def test_names_and_rerankers_are_no_models_that_encode(name):
    measure = getattr(evaluation, name)(*MADE[name])
    expected = "expected a model that encodes. "
    for model in ("all-MiniLM", Path("all-MiniLM")):
        with pytest.raises(ArgumentError) as told:
            measure(model)
        assert str(told.value) == (
            f"{name}: model is {model!r} ({type(model).__name__}), {expected}Open it with SentenceTransformer(…)."
        )
    with pytest.raises(ArgumentError, match=f"{name}: model is of the class Predicts, {expected}Give a Sent"):
        measure(Predicts())


@pytest.mark.parametrize("task", SPARSE)
def test_dense_models_have_no_place_in_evaluators_of_sparse_ones(task):
    measure = getattr(evaluation, f"Sparse{task}Evaluator")(*MADE[f"{task}Evaluator"])
    with pytest.raises(
        ArgumentError, match=f"Sparse{task}Evaluator: model is of the class Encodes, expected a sparse enc"
    ):
        measure(Encodes())


@pytest.mark.parametrize("name", CROSS)
def test_rerankers_alone_score_pairs(name):
    measure = getattr(evaluation, name)(*CROSS[name])
    with pytest.raises(
        ArgumentError, match=f"{name}: model is of the class Encodes, expected a model that scores pairs"
    ):
        measure(Encodes())
    with pytest.raises(ArgumentError, match=r"model is 'a/b' \(str\), .* Open it with CrossEncoder"):
        measure("a/b")


@pytest.mark.parametrize("name", ["EmbeddingSimilarity", "BinaryClassification", "Triplet", "InformationRetrieval"])
def test_a_model_that_compares_in_no_known_way_is_told(name):
    measure = getattr(evaluation, f"{name}Evaluator")(*MADE[f"{name}Evaluator"])
    with pytest.raises(ArgumentError, match=f"{name}Evaluator: similarity_fn_name of Unnamed is None, or is not there"):
        measure(Unnamed())


@pytest.mark.parametrize("name", ["EmbeddingSimilarityEvaluator", "SparseEmbeddingSimilarityEvaluator"])
def test_scores_that_are_all_alike_are_refused_when_made(name):
    with pytest.raises(
        ArgumentError, match="EmbeddingSimilarityEvaluator: all 2 scores are 3.0, expected different ones"
    ):
        getattr(evaluation, name)(TEXTS, OTHERS, [3, 3.0])


def test_pairs_of_one_score_are_refused_for_rerankers_too():
    with pytest.raises(
        ArgumentError, match="CrossEncoderCorrelationEvaluator: all 2 scores are 0.5, expected different"
    ):
        evaluation.CrossEncoderCorrelationEvaluator(PAIRS, [0.5, 0.5])
