"""Mirrors runtime/airvec/deploy/model.py: each kind of model, and what its folder holds besides a graph."""

import numpy as np
import onnx
import pytest

from airvec import CrossEncoder, MultiEncoder, SentenceTransformer, SparseEncoder
from airvec.deploy.model import pack_model
from airvec.errors import AirvecWarning
from tests.folders import lookup_graph, reranker, table, word_model, word_tokenizer, write_json, write_tensors
from tests.multi_folders import multi_model
from tests.sparse_folders import DOCUMENT, QUERY, SPLADE, csr_model, inference_free, splade_model

TEXTS = ["a b c", "j", "e d c b a"]


def same(found, expected):
    return np.array_equal(found.to_dense(), expected.to_dense())


def test_a_reranker_is_packed_by_what_its_config_says(tmp_path):
    source = reranker(tmp_path / "ranker", labels=1)
    packed = pack_model(source, tmp_path / "packed")
    assert packed.kind == "CrossEncoder"
    pairs = [("a b", "c"), ("j", "a b c d")]
    assert np.array_equal(CrossEncoder(packed.path).predict(pairs), CrossEncoder(source).predict(pairs))


@pytest.mark.parametrize(("graphs", "variant"), [(("model",), "fp32"), (("model", "model_fused"), "fused")])
def test_a_sparse_model_is_packed_with_its_pooling_inside_where_there_is_such_a_graph(tmp_path, graphs, variant):
    source = splade_model(tmp_path / "splade", graphs=graphs)
    packed = pack_model(source, tmp_path / "packed")
    assert (packed.kind, packed.variant) == ("SparseEncoder", variant)
    assert sum(name.endswith(".onnx") for name in packed.files) == 1
    assert same(SparseEncoder(packed.path).encode(TEXTS), SparseEncoder(source).encode(TEXTS))


def test_the_tables_of_the_modules_behind_a_graph_come_along(tmp_path):
    source, _ = csr_model(tmp_path / "csr")
    packed = pack_model(source, tmp_path / "packed")
    assert "2_SparseAutoEncoder/model.safetensors" in packed.files
    assert same(SparseEncoder(packed.path).encode(TEXTS), SparseEncoder(source).encode(TEXTS))


@pytest.mark.parametrize("idf", [False, True])
def test_an_inference_free_model_keeps_its_table_for_queries_and_its_graph_for_documents(tmp_path, idf):
    source = inference_free(tmp_path / "free", idf=idf)
    packed = pack_model(source, tmp_path / "packed")
    assert {f"{DOCUMENT}/onnx/model.onnx", f"{QUERY}/tokenizer.json",
            "idf.json" if idf else f"{QUERY}/model.safetensors"} <= set(packed.files)  # fmt: skip
    assert (packed.path / SPLADE).is_dir()
    ours, theirs = SparseEncoder(packed.path), SparseEncoder(source)
    assert same(ours.encode_query(TEXTS), theirs.encode_query(TEXTS))
    assert same(ours.encode_document(TEXTS), theirs.encode_document(TEXTS))


def test_each_body_of_a_router_gets_its_graph(tmp_path):
    source = tmp_path / "routes"
    for home, times in (("query_0_Transformer", 1), ("document_0_Transformer", -1)):
        word_model(source / home)
        graph = lookup_graph()
        tensor = next(tensor for tensor in graph.graph.initializer if tensor.name == "table")
        tensor.CopyFrom(onnx.numpy_helper.from_array(table() * np.float32(times), "table"))
        onnx.save(graph, source / home / "onnx" / "model_int8_x86.onnx")
    kind = "sentence_transformers.models."
    write_json(source / "modules.json", [
        {"idx": 0, "name": "0", "path": "", "type": f"{kind}Router"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{kind}Pooling"},
    ])  # fmt: skip
    write_json(source / "1_Pooling" / "config.json", {"word_embedding_dimension": 4, "pooling_mode_mean_tokens": True})
    write_json(source / "router_config.json", {
        "types": dict.fromkeys(("query_0_Transformer", "document_0_Transformer"), f"{kind}Transformer"),
        "structure": {"query": ["query_0_Transformer"], "document": ["document_0_Transformer"]},
        "parameters": {"default_route": "query"},
    })  # fmt: skip
    packed = pack_model(source, tmp_path / "packed", variant="int8")
    assert sorted(name for name in packed.files if name.endswith(".onnx")) == [
        f"{home}/onnx/model_int8_x86.onnx" for home in ("document_0_Transformer", "query_0_Transformer")]  # fmt: skip
    found = SentenceTransformer(packed.path)
    assert np.array_equal(found.encode_query(TEXTS), -found.encode_document(TEXTS))
    assert np.array_equal(
        found.encode_query(TEXTS), SentenceTransformer(source, variant="int8-x86").encode_query(TEXTS)
    )


def test_a_model_with_heads_for_tokens_keeps_them_and_opens_with_multi_encoder(tmp_path):
    source = multi_model(tmp_path / "multi")
    (source / "onnx" / "model.onnx").rename(source / "onnx" / "model_int8_x86.onnx")
    packed = pack_model(source, tmp_path / "packed", variant="int8")
    assert {"sparse_linear.safetensors", "colbert_linear.safetensors"} <= set(packed.files)
    ours = MultiEncoder(packed.path).encode(TEXTS, multi_vector=True)
    theirs = MultiEncoder(source, variant="int8-x86").encode(TEXTS, multi_vector=True)
    assert np.array_equal(ours.dense, theirs.dense)
    assert same(ours.sparse, theirs.sparse)


@pytest.mark.parametrize("place", ["onnx", "."])
def test_a_folder_of_another_tool_is_packed_wherever_its_graph_and_weights_lie(tmp_path, place):
    source = word_model(tmp_path / "optimum")
    (source / "onnx" / "model.onnx").unlink()
    graph = lookup_graph(inputs=("input_ids",))  # without token_type_ids and mask
    onnx.save(graph, source / place / "model.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    packed = pack_model(source, tmp_path / "packed")
    assert [name for name in packed.files if "model.onnx" in name] == [f"{place}/model.onnx".removeprefix("./")]
    assert np.array_equal(SentenceTransformer(packed.path).encode(TEXTS), SentenceTransformer(source).encode(TEXTS))


def test_a_bare_folder_is_taken_for_the_class_that_is_asked_for(tmp_path):
    source = tmp_path / "bare"
    config = {"model_type": "bert", "architectures": ["BertForMaskedLM"], "pad_token_id": 0, "hidden_size": 4}
    write_json(source / "config.json", config)
    write_json(source / "tokenizer_config.json", {"pad_token": "[PAD]"})
    word_tokenizer().save(str(source / "tokenizer.json"))
    (source / "onnx").mkdir()
    onnx.save(lookup_graph("logits", ("input_ids",)), source / "onnx" / "model.onnx")
    packed = pack_model(source, tmp_path / "packed", kind="SparseEncoder")
    assert packed.kind == "SparseEncoder"
    assert same(SparseEncoder(packed.path).encode(TEXTS), SparseEncoder(source).encode(TEXTS))


def test_a_static_model_of_model2vec_is_packed(tmp_path):
    source = tmp_path / "static"
    write_json(source / "config.json", {"model_type": "model2vec", "normalize": True})
    word_tokenizer(special=False).save(str(source / "tokenizer.json"))
    write_tensors(source / "model.safetensors", {"embeddings": table()})
    packed = pack_model(source, tmp_path / "packed")
    assert (packed.needs_onnxruntime, "model.safetensors" in packed.files) == (False, True)
    assert np.array_equal(SentenceTransformer(packed.path).encode(TEXTS), SentenceTransformer(source).encode(TEXTS))


def test_what_a_folder_does_not_say_is_told_to_who_opens_it_and_not_while_packing(tmp_path):
    source = tmp_path / "plain"
    word_model(source)
    for name in (
        "modules.json",
        "config_sentence_transformers.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
    ):
        (source / name).unlink()
    (source / "1_Pooling").rmdir()
    packed = pack_model(source, tmp_path / "packed")
    with pytest.warns(AirvecWarning, match="mean pooling is assumed"):
        SentenceTransformer(packed.path)
