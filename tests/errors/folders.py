"""Model folders that are damaged, incomplete, hostile, of another class, or of a kind that airvec does not run."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx

from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
from tests.errors.cases import Case, Topic
from tests.errors.models import ROUTES, SPARSE, VOCABULARY, as_saved, auto_encoder, change, inference_free, splade
from tests.folders import (
    OLD,
    lookup_graph,
    reranker,
    static_model,
    table,
    word_model,
    write_json,
    write_modules,
    write_tensors,
)


def empty(home: Path) -> None:
    (home / "empty").mkdir()
    SentenceTransformer(home / "empty")


def without(home: Path, name: str) -> None:
    """A dense model without one of its files or folders."""
    place = word_model(home / "words") / name
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    SentenceTransformer(home / "words")


def damaged(home: Path, name: str, text: str) -> None:
    """A dense model in which a file holds something else."""
    (word_model(home / "words") / name).write_text(text)
    SentenceTransformer(home / "words")


def of_type(home: Path, kind: str, path: str = "1_Own") -> None:
    """A dense model whose second module is of another type, or lies elsewhere."""
    write_modules(word_model(home / "words"), [OLD + "Transformer", kind], ["", path])
    SentenceTransformer(home / "words")


def router(home: Path, text: str | None = None, **parts: object) -> SparseEncoder:
    """An inference-free model whose router_config.json has other parts, or is this text."""
    file = inference_free(home / "routed") / "router_config.json"
    change(file, **parts)
    if text is not None:
        file.write_text(text)
    return SparseEncoder(home / "routed")


def step_outside(home: Path) -> None:
    types = {"../secrets": OLD + "Transformer"}
    router(home, types=types, structure={"query": ["../secrets"]})


def graph(home: Path, name: str = "model.onnx", **arguments: object) -> None:
    """A dense model with no graph but `name`, and how it is opened."""
    onnx_folder = word_model(home / "words") / "onnx"
    (onnx_folder / "model.onnx").rename(onnx_folder / name)
    SentenceTransformer(home / "words", **arguments)


def no_graph(home: Path) -> None:
    (word_model(home / "words") / "onnx" / "model.onnx").unlink()
    SentenceTransformer(home / "words")


def cut_graph(home: Path) -> None:
    file = word_model(home / "words") / "onnx" / "model.onnx"
    file.write_bytes(file.read_bytes()[:200])
    SentenceTransformer(home / "words")


def graph_without_its_weights(home: Path) -> None:
    onnx.save(lookup_graph(external="model.onnx_data"), word_model(home / "words") / "onnx" / "model.onnx")
    SentenceTransformer(home / "words")


def other_graph(home: Path, made: onnx.ModelProto, folder: Path, kind: type) -> None:
    onnx.save(made, folder / "onnx" / "model.onnx")
    kind(folder)


def recorded(home: Path, **manifest: object) -> None:
    write_json(word_model(home / "words") / "airvec.json", {"format_version": "1"} | manifest)
    SentenceTransformer(home / "words")


def fused_with_a_module_behind(home: Path) -> None:
    folder = splade(home / "splade")
    kinds = [SPARSE + "MLMTransformer", SPARSE + "SpladePooling", OLD + "Normalize"]
    write_modules(folder, kinds)
    onnx.save(lookup_graph("sparse_embedding", dim=VOCABULARY), folder / "onnx" / "model_fused.onnx")
    SparseEncoder(folder, variant="fused")


def bodiless(home: Path) -> None:
    write_modules(word_model(home / "words"), [OLD + "Pooling"], ["1_Pooling"])
    SentenceTransformer(home / "words").encode("a")


def dense_layer(home: Path, harm: Callable[[Path], object] = str, **config: object) -> None:
    """A dense model that ends in a Dense to which something happened."""
    folder = with_dense(home)
    width = int(config.get("in_features", 4))
    file = folder / "2_Dense" / "model.safetensors"
    write_tensors(file, {"linear.weight": np.ones((3, width), np.float32), "linear.bias": np.ones(3, np.float32)})
    change(folder / "2_Dense" / "config.json", **config)
    harm(file)
    SentenceTransformer(folder)


def with_dense(home: Path) -> Path:
    folder = word_model(home / "words")
    write_modules(folder, [OLD + "Transformer", OLD + "Pooling", OLD + "Dense"])
    layer = {"in_features": 4, "out_features": 3, "activation_function": "torch.nn.modules.activation.Tanh"}
    write_json(folder / "2_Dense" / "config.json", layer)
    write_tensors(folder / "2_Dense" / "model.safetensors", {
        "linear.weight": np.ones((3, 4), np.float32), "linear.bias": np.ones(3, np.float32),
    })  # fmt: skip
    return folder


def pooled_with_a_dense_behind(home: Path) -> None:
    onnx.save(lookup_graph("sentence_embedding"), with_dense(home) / "onnx" / "model.onnx")
    SentenceTransformer(home / "words")


def task_of(home: Path, task: str) -> None:
    change(word_model(home / "words") / "sentence_bert_config.json", transformer_task=task)
    SentenceTransformer(home / "words")


def plain(home: Path, architecture: str) -> Path:
    """A transformers checkpoint: a graph, but nothing of sentence-transformers."""
    return reranker(home / "plain", architectures=[architecture])


def table_with(home: Path, idf: object) -> None:
    SparseEncoder(inference_free(home / "routed", idf)).encode_query("a b")


def table_lost(home: Path) -> None:
    (inference_free(home / "routed") / "query_0_SparseStaticEmbedding" / "idf.json").unlink()
    SparseEncoder(home / "routed").encode_query("a b")


def table_cut(home: Path) -> None:
    file = inference_free(home / "routed") / "query_0_SparseStaticEmbedding" / "idf.json"
    file.write_text('{"a": 1.5, "b"')
    SparseEncoder(home / "routed").encode_query("a b")


def table_of_another_tokenizer(home: Path) -> None:
    folder = inference_free(home / "routed") / "query_0_SparseStaticEmbedding"
    write_json(folder / "config.json", {})
    write_tensors(folder / "model.safetensors", {"weight": np.ones(6, np.float32)})
    SparseEncoder(home / "routed").encode_query("a j")


def table_of_no_vector(home: Path) -> None:
    folder = inference_free(home / "routed") / "query_0_SparseStaticEmbedding"
    write_json(folder / "config.json", {})
    write_tensors(folder / "model.safetensors", {"weight": np.ones((6, 2), np.float32)})
    SparseEncoder(home / "routed").encode_query("a")


def coder_without_a_tensor(home: Path) -> None:
    file = auto_encoder(home / "coder") / "2_SparseAutoEncoder" / "model.safetensors"
    write_tensors(file, {"encoder.weight": np.ones((6, 4), np.float32), "pre_bias": np.ones(4, np.float32)})
    SparseEncoder(home / "coder")


CASES = (
    Case("No model in the folder", "The folder is there, but neither `modules.json` nor `config.json` in it.", empty),
    Case("modules.json is missing", "sentence-transformers saved the folder, and a part of it was not copied.",
         lambda home: without(home, "modules.json")),
    Case("A module's folder is missing", "The same, one level lower.", lambda home: without(home, "1_Pooling")),
    Case("modules.json is cut", "A damaged JSON file, here after 6 bytes.",
         lambda home: damaged(home, "modules.json", "[1, 2,")),
    Case("modules.json holds no list", "Valid JSON of another shape.",
         lambda home: damaged(home, "modules.json", '{"0": "Transformer"}')),
    Case("A module that is no object", "In `modules.json`.",
         lambda home: damaged(home, "modules.json", '["Transformer", "Pooling"]')),
    Case("Settings that are no object", "Valid JSON of another shape.",
         lambda home: damaged(home, "config.json", '["bert"]')),
    Case("A tokenizer setting that is none", "`padding_side` in `tokenizer_config.json`.",
         lambda home: damaged(home, "tokenizer_config.json", '{"padding_side": "top"}')),
    Case("A model without a body", "Its first module reads no texts.",
         bodiless),
    Case("A route without a body", "Its only module reads no texts.",
         lambda home: router(home, structure={"query": ["document_1_SpladePooling"], "document": ROUTES["document"]})
         .encode_query("a")),
    Case("Pooling of an unknown mode", "`pooling_mode` in `1_Pooling/config.json`.",
         lambda home: damaged(home, "1_Pooling/config.json", '{"embedding_dimension": 4, "pooling_mode": "median"}')),
    Case("A Dense with an unknown activation", "`activation_function` in its `config.json`.",
         lambda home: dense_layer(home, activation_function="torch.nn.modules.activation.Mish")),
    Case("A Dense behind another model", "It takes embeddings of another width than it gets.",
         lambda home: dense_layer(home, in_features=5)),
    Case("A Dense without its weights", "No `model.safetensors`.",
         lambda home: dense_layer(home, lambda file: file.unlink())),
    Case("A Dense with weights cut short", "`model.safetensors` ends in the middle.",
         lambda home: dense_layer(home, lambda file: file.write_bytes(file.read_bytes()[:60]))),
    Case("A setting of the wrong type", "A number is expected, and the file has a text.",
         lambda home: damaged(home, "sentence_bert_config.json", '{"max_seq_length": "512"}')),
    Case("tokenizer.json is missing", "Old checkpoints have `vocab.txt` only.",
         lambda home: without(home, "tokenizer.json")),
    Case("tokenizer.json is damaged", "It is JSON, but no tokenizer.",
         lambda home: damaged(home, "tokenizer.json", '{"version": "1.0"}')),
    Case("A module that airvec does not have", "One of sentence-transformers' own, of which airvec has no version.",
         lambda home: of_type(home, OLD + "LSTM")),
    Case("A module with code of its own", "The model needs `trust_remote_code`.",
         lambda home: of_type(home, "custom_st.Transformer")),
    Case("A module outside the folder", "`modules.json` names a path that climbs out of the model folder.",
         lambda home: of_type(home, OLD + "Pooling", "../secrets")),
    Case("router_config.json is cut", "The Router's own file is damaged.",
         lambda home: router(home, text='{"types": {')),
    Case("A Router without routes", "`structure` is empty.", lambda home: router(home, structure={})),
    Case("A route with an unknown module", "`structure` names a module that `types` does not have.",
         lambda home: router(home, structure={"query": ["query_9_Pooling"]})),
    Case("A Router's mapping to an unknown route", "`route_mappings` points to a route that is not there.",
         lambda home: router(home, parameters={"route_mappings": {"('query', 'text')": "queries"}})),
    Case("A Router's mapping with a damaged key", "A key that is no pair of task and modality.",
         lambda home: router(home, parameters={"route_mappings": {"query": "query"}})),
    Case("A Router's module outside its folder", "The name of a module is a path.", step_outside),
    Case("A task without a route", '`encode(texts, task="image")`, and the Router has two routes.',
         lambda home: router(home).encode("a", task="image")),
    Case("No task, and no default route", "`encode(texts)` where the Router insists on a task.",
         lambda home: router(home, parameters={"allow_empty_key": False}).encode("a")),
    Case("A sparse model opened as a dense one", "`SentenceTransformer(folder)`.",
         lambda home: SentenceTransformer(splade(home / "splade"))),
    Case("A reranker opened as a dense model", "`SentenceTransformer(folder)`.",
         lambda home: SentenceTransformer(as_saved(reranker(home / "ranker")))),
    Case("A dense model opened as a sparse one", "`SparseEncoder(folder)`.",
         lambda home: SparseEncoder(word_model(home / "words"))),
    Case("A reranker opened as a sparse model", "`SparseEncoder(folder)`.",
         lambda home: SparseEncoder(as_saved(reranker(home / "ranker")))),
    Case("A dense model opened as a reranker", "`CrossEncoder(folder)`.",
         lambda home: CrossEncoder(word_model(home / "words"))),
    Case("A sparse model opened as a reranker", "`CrossEncoder(folder)`.",
         lambda home: CrossEncoder(splade(home / "splade"))),
    Case("A class of models that airvec does not have", "`model_type` in `config_sentence_transformers.json`.",
         lambda home: SentenceTransformer(word_model(home / "words", settings={"model_type": "MultiVectorEncoder"}))),
    Case("A task that airvec does not run", "`transformer_task` in `sentence_bert_config.json`.",
         lambda home: task_of(home, "text-generation")),
    Case("A plain checkpoint without an MLM head as SparseEncoder",
         "No `modules.json`, and the architecture gives no logits over the vocabulary.",
         lambda home: SparseEncoder(plain(home, "BertModel"))),
    Case("A language model as CrossEncoder", "No `modules.json`, and the architecture gives the next word.",
         lambda home: CrossEncoder(plain(home, "Qwen3ForCausalLM"))),
    Case("No graph in the folder", "A checkpoint of torch's weights only, as most repositories are.", no_graph),
    Case("Other graphs than the one asked for", "Only `onnx/model_int8.onnx` is there, and fp32 is the default.",
         lambda home: graph(home, "model_int8.onnx")),
    Case("A graph outside the folder", '`model_kwargs={"file_name": "../model.onnx"}`.',
         lambda home: graph(home, model_kwargs={"file_name": "../model.onnx"})),
    Case("A graph cut short", "The download broke off, and the folder was copied by hand.", cut_graph),
    Case("A graph without its weights", "Large graphs keep them in a file beside.", graph_without_its_weights),
    Case("A graph that gives no logits", "The folder is a reranker's, the graph another model's.",
         lambda home: other_graph(home, lookup_graph(), reranker(home / "ranker"), CrossEncoder)),
    Case("A graph that gives no logits over the vocabulary", "The folder is a sparse model's, its graph without head.",
         lambda home: other_graph(home, lookup_graph(dim=VOCABULARY), splade(home / "splade"), SparseEncoder)),
    Case("A graph of another model", "Pooling expects embeddings of another width than the graph gives.",
         lambda home: other_graph(home, lookup_graph(dim=5), word_model(home / "words"), SentenceTransformer)),
    Case("A graph that reads no texts", "Its inputs are not those of a text encoder.",
         lambda home: other_graph(home, lookup_graph(inputs=("input_ids", "pixel_values")), word_model(home / "words"),
                                  SentenceTransformer)),
    Case("A graph that may include a module or not",
         "It gives `sentence_embedding`, and `modules.json` has a Dense behind the pooling.",
         pooled_with_a_dense_behind),
    Case("A graph with SPLADE inside, and more modules behind",
         "`sparse_embedding` is the end of a SPLADE model; here another module comes behind.",
         fused_with_a_module_behind),
    Case("A folder of a newer airvec", "`airvec.json` has a newer format.",
         lambda home: recorded(home, format_version="2.0")),
    Case("A graph of another length than recorded", "`airvec.json` states the length of each graph.",
         lambda home: recorded(home, graphs={"onnx/model.onnx": {"size": 17, "sha256": "0" * 64}})),
    Case("A table of weights that is missing", "`config.json` of a SparseStaticEmbedding names `idf.json`.",
         table_lost),
    Case("idf.json is cut", "The table of an inference-free model is damaged.", table_cut),
    Case("A weight that is no number", "In `idf.json`.", lambda home: table_with(home, {"a": 1.5, "b": "high"})),
    Case("A table of another tokenizer", "The tokenizer gives a token for which the table has no weight.",
         table_of_another_tokenizer),
    Case("A table that is no vector", "`weight` in `model.safetensors` of a SparseStaticEmbedding.",
         table_of_no_vector),
    Case("A static table of another tokenizer", "The tokenizer gives a token for which the table has no row.",
         lambda home: SentenceTransformer(static_model(home / "static", {"embeddings": table()[:5]})).encode("j")),
    Case("A static table with weights of another number", "`weights` beside `embeddings`.",
         lambda home: SentenceTransformer(
             static_model(home / "static", {"embeddings": table(), "weights": np.ones(3, np.float32)}))),
    Case("A static table of another shape", "A StaticEmbedding without a matrix.",
         lambda home: SentenceTransformer(static_model(home / "static", {"weights": table()[0]}))),
    Case("SPLADE pooling of an unknown strategy", "`pooling_strategy` in `1_SpladePooling/config.json`.",
         lambda home: SparseEncoder(splade(home / "splade", pooling_strategy="mean"))),
    Case("SPLADE pooling with an unknown activation", "`activation_function`, in the same file.",
         lambda home: SparseEncoder(splade(home / "splade", activation_function="gelu"))),
    Case("A sparse autoencoder without its width", "`input_dim` is missing in its `config.json`.",
         lambda home: SparseEncoder(auto_encoder(home / "coder", input_dim=None))),
    Case("A sparse autoencoder without a tensor", "`latent_bias` is missing in `model.safetensors`.",
         coder_without_a_tensor),
    Case("A sparse autoencoder of another shape", "`config.json` and `model.safetensors` are of different models.",
         lambda home: SparseEncoder(auto_encoder(home / "coder", weight=(7, 4)))),
    Case("A sparse autoencoder behind another model", "It takes embeddings of another width than it gets.",
         lambda home: SparseEncoder(auto_encoder(home / "coder", weight=(6, 5), input_dim=5))),
)  # fmt: skip
TOPIC = Topic(
    "Model folders",
    "A folder is read as a whole when a model is opened, so that these come at once, and not in the middle of a corpus."
    " Tables of inference-free models are read with their first text.",
    CASES,
)
