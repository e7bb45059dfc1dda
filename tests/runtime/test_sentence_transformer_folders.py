"""Mirrors runtime/airvec/sentence_transformer.py: which model folders it opens, and which it refuses."""

import numpy as np
import pytest

from airvec import ModelFolderError, SentenceTransformer
from tests.folders import OLD, word_model, write_json, write_modules, write_tensors
from tests.runtime.test_sentence_transformer import mean


@pytest.mark.parametrize("kind", ["CrossEncoder", "SparseEncoder", "MultiVectorEncoder"])
def test_a_folder_of_another_class_is_refused(tmp_path, kind):
    with pytest.raises(ModelFolderError, match=f"model_type is '{kind}', expected 'SentenceTransformer'"):
        SentenceTransformer(word_model(tmp_path, settings={"model_type": kind}))


def test_an_unknown_module_type_is_refused_with_the_known_ones(tmp_path):
    word_model(tmp_path)
    write_modules(tmp_path, [OLD + "Transformer", OLD + "Pooling", OLD + "LSTM"])
    with pytest.raises(ModelFolderError, match=r"module 2 has type 'LSTM', expected one of Dense, Dropout, LayerNorm"):
        SentenceTransformer(tmp_path)
    write_modules(tmp_path, [OLD + "BoW"])
    with pytest.raises(ModelFolderError, match="has type 'BoW', expected Transformer, StaticEmbedding"):
        SentenceTransformer(tmp_path)


def test_modules_after_pooling_are_applied_in_order_and_must_fit(tmp_path):
    word_model(tmp_path)
    write_modules(tmp_path, [OLD + "Transformer", OLD + "Pooling", OLD + "Dense", OLD + "Normalize"])
    config = {
        "in_features": 4,
        "out_features": 2,
        "bias": False,
        "activation_function": "torch.nn.modules.linear.Identity",
    }
    write_json(tmp_path / "2_Dense" / "config.json", config)
    weight = np.arange(8, dtype=np.float32).reshape(2, 4)
    write_tensors(tmp_path / "2_Dense" / "model.safetensors", {"linear.weight": weight})
    expected = weight @ mean("a")
    model = SentenceTransformer(tmp_path)
    np.testing.assert_allclose(model.encode("a"), expected / np.linalg.norm(expected), atol=1e-6)
    assert model.get_embedding_dimension() == 2
    write_json(tmp_path / "2_Dense" / "config.json", config | {"in_features": 5})
    with pytest.raises(ModelFolderError, match=r"shape \[2, 4\], expected \[2, 5\]"):
        SentenceTransformer(tmp_path)


def test_remote_code_is_refused_and_the_argument_ignored_where_none_is_needed(tmp_path):
    assert SentenceTransformer(word_model(tmp_path), trust_remote_code=True).encode("a").shape == (4,)
    write_modules(tmp_path, [OLD + "Transformer", "custom_st.Pooling"])
    with pytest.raises(ModelFolderError, match="'custom_st.Pooling'.*runs no code"):
        SentenceTransformer(tmp_path, trust_remote_code=True)
