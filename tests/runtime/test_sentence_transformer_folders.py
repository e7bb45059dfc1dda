"""Mirrors runtime/airvec/sentence_transformer.py: which model folders it opens, and which it refuses."""

import shutil

import numpy as np
import onnx
import pytest

from airvec import AirvecWarning, ModelFolderError, SentenceTransformer
from tests.folders import OLD, lookup_graph, rows_of, word_model, write_json, write_modules, write_tensors
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


def plain_folder(folder, *outputs):
    """A folder as optimum writes it: a graph at the top, and nothing that says the pooling."""
    word_model(folder)
    for name in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"):
        (folder / name).unlink()
    shutil.rmtree(folder / "1_Pooling")
    shutil.rmtree(folder / "onnx")
    graph = lookup_graph(outputs[0])
    for name in outputs[1:]:
        more = lookup_graph(name)
        graph.graph.node.extend(more.graph.node)
        graph.graph.output.extend(more.graph.output)
    onnx.save(graph, folder / "model.onnx")
    return folder


def test_a_pooling_that_is_assumed_is_told(tmp_path):
    folder = plain_folder(tmp_path / "plain", "last_hidden_state")
    with pytest.warns(AirvecWarning, match="plain: no modules.json, so mean pooling is assumed") as told:
        model = SentenceTransformer(folder)
    assert told[0].filename == __file__
    assert np.allclose(model.encode("a"), mean("a"))


def test_where_no_file_says_the_modules_a_graph_that_pools_is_taken_at_its_word(tmp_path):
    model = SentenceTransformer(plain_folder(tmp_path, "token_embeddings", "sentence_embedding"))
    assert np.allclose(model.encode("a b"), rows_of("a", "b").max(axis=0))
    word_model(tmp_path / "stated")
    shutil.copy(tmp_path / "model.onnx", tmp_path / "stated" / "onnx" / "model.onnx")
    assert np.allclose(SentenceTransformer(tmp_path / "stated").encode("a b"), mean("a", "b"))


def test_remote_code_is_refused_and_the_argument_ignored_where_none_is_needed(tmp_path):
    assert SentenceTransformer(word_model(tmp_path), trust_remote_code=True).encode("a").shape == (4,)
    write_modules(tmp_path, [OLD + "Transformer", "custom_st.Pooling"])
    with pytest.raises(ModelFolderError, match="'custom_st.Pooling'.*runs no code"):
        SentenceTransformer(tmp_path, trust_remote_code=True)
