"""Which folders `SparseEncoder` opens, which graph and route it takes, and how many logits are alive at once."""

import shutil
import threading
import time
from pathlib import Path

import numpy as np
import onnx
import pytest

from airvec import ArgumentError, CrossEncoder, ModelFolderError, ModelNotFoundError, SentenceTransformer, SparseEncoder
from airvec.backends.onnx import HEAD_BUDGET
from tests.folders import MEAN, OLD, lookup_graph, rows_of, word_model, write_json, write_modules, write_tensors
from tests.sparse_folders import (
    DOCUMENT,
    QUERY,
    SIZE,
    SPLADE,
    csr_model,
    inference_free,
    splade_model,
    splade_of,
    table_of,
    write_router,
)

TEXTS = ["a b c d e f", "c", "", "j i h"]
DENSE = np.stack([splade_of(text) for text in TEXTS])


def close(found, expected):
    np.testing.assert_allclose(found.to_dense(), expected, rtol=1e-5, atol=1e-6)


def graph_of(model):
    return model._pipeline().backend


@pytest.mark.parametrize(("strategy", "activation"), [("sum", "relu"), ("max", "log1p_relu"), ("sum", "log1p_relu")])
def test_the_pooling_is_the_folder_s(tmp_path, strategy, activation):
    pooling = {"pooling_strategy": strategy, "activation_function": activation}
    logarithms = 2 if activation == "log1p_relu" else 1
    expected = np.stack([splade_of(text, strategy, logarithms) for text in TEXTS])
    assert np.abs(expected - DENSE).max() > 0.1
    close(SparseEncoder(splade_model(tmp_path, pooling)).encode(TEXTS), expected)


def test_a_plain_checkpoint_with_a_language_model_head_is_a_splade_model(tmp_path):
    splade_model(tmp_path)
    for name in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"):
        (tmp_path / name).unlink()
    for name in ("1_SpladePooling", "1_Pooling"):
        shutil.rmtree(tmp_path / name)
    config = {"model_type": "bert", "architectures": ["BertForMaskedLM"], "max_position_embeddings": 8}
    write_json(tmp_path / "config.json", config)
    close(SparseEncoder(tmp_path).encode(TEXTS), DENSE)
    write_json(tmp_path / "config.json", {**config, "architectures": ["BertModel"]})
    with pytest.raises(ModelFolderError, match="architectures.*is 'BertModel'|'BertModel', expected"):
        SparseEncoder(tmp_path)


def test_a_transformer_with_the_task_of_today_is_read_too(tmp_path):
    splade_model(tmp_path)
    write_json(tmp_path / "sentence_bert_config.json", {"transformer_task": "fill-mask"})
    new = "sentence_transformers.{}".format
    write_modules(tmp_path, [
        new("base.modules.transformer.Transformer"), new("sparse_encoder.modules.splade_pooling.SpladePooling")
    ])  # fmt: skip
    close(SparseEncoder(tmp_path).encode(TEXTS), DENSE)


def test_auto_takes_the_graph_with_the_pooling_inside_and_a_named_one_wins(tmp_path):
    folder = splade_model(tmp_path, graphs=("model", "model_fused"))
    auto, plain = SparseEncoder(folder), SparseEncoder(folder, variant="fp32")
    named = SparseEncoder(folder, model_kwargs={"file_name": "model.onnx"})
    assert [Path(graph_of(model).file).name for model in (auto, plain, named)] == [
        "model_fused.onnx", "model.onnx", "model.onnx"
    ]  # fmt: skip
    for model in (auto, plain, named):
        close(model.encode(TEXTS), DENSE)


def test_a_folder_may_hold_nothing_but_the_graph_with_the_pooling_inside(tmp_path):
    close(SparseEncoder(splade_model(tmp_path, graphs=("model_fused",))).encode(TEXTS), DENSE)


def test_no_other_module_may_follow_a_graph_with_the_pooling_inside(tmp_path):
    folder = splade_model(tmp_path, graphs=("model", "model_fused"), more=["Normalize"])
    with pytest.raises(ModelFolderError, match=r'modules after it are SpladePooling, Normalize.*variant="fp32"'):
        SparseEncoder(folder)
    found = SparseEncoder(folder, variant="fp32").encode(TEXTS)
    close(found, DENSE / np.linalg.norm(DENSE, axis=1, keepdims=True))


def test_a_graph_of_another_task_is_refused(tmp_path):
    folder = splade_model(tmp_path)
    onnx.save(lookup_graph(), folder / "onnx" / "model.onnx")
    with pytest.raises(ModelFolderError, match="outputs last_hidden_state, expected one of sparse_embedding, logits"):
        SparseEncoder(folder)


def test_other_classes_refuse_sparse_models_and_this_one_theirs(tmp_path):
    sparse, dense = splade_model(tmp_path / "sparse"), word_model(tmp_path / "dense")
    for opened in (SentenceTransformer, CrossEncoder):
        with pytest.raises(ModelFolderError, match=r"model_type is 'SparseEncoder'.*Open it with airvec.SparseEncoder"):
            opened(sparse)
    with pytest.raises(ModelFolderError, match=r"Open it with airvec.SentenceTransformer"):
        SparseEncoder(dense)


def test_a_sparse_autoencoder_keeps_the_largest_of_what_it_makes_of_the_mean(tmp_path):
    folder, tensors = csr_model(tmp_path, k=2)
    x = np.stack([rows_of(*text.split()).mean(axis=0) for text in TEXTS])
    z = (x - tensors["pre_bias"]) @ tensors["encoder.weight"].T + tensors["latent_bias"]
    expected = np.where(z >= np.sort(z, axis=1)[:, [-2]], np.maximum(z, 0), 0)
    close(SparseEncoder(folder).encode(TEXTS), expected)


def test_queries_and_documents_take_their_own_routes(tmp_path):
    model = SparseEncoder(inference_free(tmp_path))
    queries = np.stack([table_of(text) for text in TEXTS])
    close(model.encode_query(TEXTS), queries)
    close(model.encode_document(TEXTS), DENSE)
    close(model.encode(TEXTS), DENSE)
    close(model.encode(TEXTS, task="query"), queries)
    close(next(model.encode_stream(TEXTS, task="query")), queries)
    close(model.encode([{"query": text} for text in TEXTS]), queries)
    close(model.encode({"query": "a b"}), table_of("a b"))
    assert model.max_seq_length == 8
    assert model.get_embedding_dimension() == len(model.vocabulary) == SIZE
    np.testing.assert_allclose(
        model.similarity(model.encode_query(TEXTS), model.encode_document(TEXTS)), queries @ DENSE.T, rtol=1e-5
    )


def test_a_task_without_a_route_and_no_default_are_clear_errors(tmp_path):
    model = SparseEncoder(inference_free(tmp_path, {"default_route": None, "allow_empty_key": False}))
    for given, task in ((["a"], None), (["a"], "classify"), ([{"image": "a"}], None)):
        with pytest.raises(ArgumentError, match=r"but .*router_config.json has routes 'query', 'document'"):
            model.encode(given, task=task)
    with pytest.raises(ArgumentError, match="task: None"):
        list(model.encode_stream(["a"]))
    assert model.get_embedding_dimension() == SIZE
    assert model.encode_query([]).shape == (0, SIZE)


def test_a_document_graph_that_is_missing_is_found_when_the_model_is_opened(tmp_path):
    folder = inference_free(tmp_path)
    (folder / DOCUMENT / "onnx" / "model.onnx").unlink()
    with pytest.raises(ModelFolderError, match=r"no such graph.*airvec export"):
        SparseEncoder(folder)


def test_routes_share_a_module_that_is_stored_once(tmp_path):
    inference_free(tmp_path)
    types = {QUERY: "SparseStaticEmbedding", DOCUMENT: "MLMTransformer", SPLADE: "SpladePooling"}
    write_router(tmp_path, types, {"query": [DOCUMENT, SPLADE], "document": [DOCUMENT, SPLADE]})
    model = SparseEncoder(tmp_path)
    close(model.encode_query(TEXTS), DENSE)
    close(model.encode_document(TEXTS), DENSE)
    assert model._pipeline("query").backend is model._pipeline("document").backend


def dense_router(folder, file="router_config.json", kind="Router"):
    """A SentenceTransformer: one look-up and mean for both tasks, then a Dense layer a route."""
    word_model(folder / "body")
    (folder / "body").rename(folder / "shared_0_Transformer")
    (folder / "shared_0_Transformer" / "1_Pooling").rename(folder / "shared_1_Pooling")
    write_modules(folder, [OLD + kind], [""])
    weights = {name: np.random.default_rng(seed).normal(size=(3, 4)) for seed, name in enumerate(("query", "document"))}
    for name, weight in weights.items():
        config = {"in_features": 4, "out_features": 3, "bias": False, "activation_function": IDENTITY}
        write_json(folder / f"{name}_2_Dense" / "config.json", config)
        write_tensors(folder / f"{name}_2_Dense" / "model.safetensors", {"linear.weight": weight.astype(np.float32)})
    types = {"shared_0_Transformer": "Transformer", "shared_1_Pooling": "Pooling"}
    types |= {f"{name}_2_Dense": "Dense" for name in weights}
    structure = {name: ["shared_0_Transformer", "shared_1_Pooling", f"{name}_2_Dense"] for name in weights}
    write_json(folder / "shared_1_Pooling" / "config.json", MEAN)
    parameters = {"default_route": "query", "allow_empty_key": True}
    write_router(folder, types, structure, parameters, file)
    return folder, weights


IDENTITY = "torch.nn.modules.linear.Identity"


@pytest.mark.parametrize(("file", "kind"), [("router_config.json", "Router"), ("config.json", "Asym")])
def test_dense_routes_share_the_transformer_under_the_new_name_and_the_old(tmp_path, file, kind):
    folder, weights = dense_router(tmp_path, file, kind)
    model = SentenceTransformer(folder)
    mean = rows_of("a", "b").mean(axis=0)
    np.testing.assert_allclose(model.encode_query("a b"), weights["query"] @ mean, rtol=1e-5)
    np.testing.assert_allclose(model.encode_document("a b"), weights["document"] @ mean, rtol=1e-5)
    np.testing.assert_allclose(model.encode({"document": "a b"}), weights["document"] @ mean, rtol=1e-5)
    np.testing.assert_allclose(model.encode("a b"), weights["query"] @ mean, rtol=1e-5)
    assert model._pipeline("query").backend is model._pipeline("document").backend


def count_alive(monkeypatch, backend, wait=0.02):
    """Tokens of the batches that are between graph and end of pooling at once: the largest number, and all batches."""
    alive, most, sizes = [0], [0], []
    lock, run = threading.Lock(), backend.run

    def counted(tokens, bulk):
        with lock:
            alive[0] += len(tokens.ids)
            most[0] = max(most[0], alive[0])
        sizes.append(len(tokens.ids))
        time.sleep(wait)  # long enough for another thread to come in
        features = run(tokens, bulk)
        with lock:
            alive[0] -= len(tokens.ids)
        return features

    monkeypatch.setattr(backend, "run", counted)
    return most, sizes


@pytest.mark.parametrize("callers", [1, 4])
def test_never_more_logits_are_alive_than_those_of_one_batch(tmp_path, monkeypatch, callers):
    model = SparseEncoder(splade_model(tmp_path), threads=4)
    most, sizes = count_alive(monkeypatch, graph_of(model))
    texts = ["a b c d e f"] * 200
    threads = [threading.Thread(target=model.encode, args=(texts,)) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sizes) == callers * 200 * 8
    assert most[0] == max(sizes) <= HEAD_BUDGET


def test_a_graph_with_the_pooling_inside_runs_batches_side_by_side(tmp_path, monkeypatch):
    model = SparseEncoder(splade_model(tmp_path, graphs=("model_fused",)), threads=4)
    most, sizes = count_alive(monkeypatch, graph_of(model))
    model.encode(["a b c d e f"] * 2000)
    assert most[0] > max(sizes)


def test_a_graph_that_does_not_state_its_width_takes_the_folder_s(tmp_path, monkeypatch):
    monkeypatch.setattr("airvec.backends.onnx._width", lambda session, output: None)
    folder = splade_model(tmp_path)
    with pytest.raises(ModelFolderError, match="neither its graph nor its modules state the embedding dimension"):
        SparseEncoder(folder)
    write_json(folder / "config.json", {"model_type": "bert", "vocab_size": SIZE})
    close(SparseEncoder(folder).encode(TEXTS), DENSE)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ModelNotFoundError, match="no such folder"):
        SparseEncoder(tmp_path / "none")
