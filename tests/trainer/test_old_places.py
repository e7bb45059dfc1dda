"""The modules where sentence-transformers 3 to 5 had its names: only the import is changed."""

from importlib import import_module

import pytest

import airvec_trainer
from airvec_trainer.evaluation import EmbeddingSimilarityEvaluator

OLD = {
    "model_card": ["SentenceTransformerModelCardData"],
    "quantization": ["quantize_embeddings"],
    "similarity_functions": ["SimilarityFunction"],
    "training_args": ["BatchSamplers", "MultiDatasetBatchSamplers", "SentenceTransformerTrainingArguments"],
    "util": ["SimilarityFunction", "cos_sim", "pairwise_cos_sim", "semantic_search"],
}


@pytest.mark.parametrize("place", OLD)
def test_names_are_the_same_under_their_old_place(place: str):
    module = import_module(f"airvec_trainer.{place}")
    for name in OLD[place]:
        found = getattr(module, name)
        if name in airvec_trainer.__all__:
            assert found is getattr(airvec_trainer, name)


def test_a_similarity_may_be_named_by_its_class():
    function = airvec_trainer.SimilarityFunction
    measure = EmbeddingSimilarityEvaluator(["a"], ["b"], [1.0], main_similarity=function.COSINE)
    assert measure.main_similarity == "cosine"
    assert function("dot") is function.DOT_PRODUCT is function.DOT
    assert function.possible_values() == ["cosine", "dot", "euclidean", "manhattan"]
