"""What a checkpoint is taken for, and which are refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from airvec.errors import ModelFolderError
from airvec_exporter.load import load
from tests import tiny
from tests.exporter import shapes
from tests.tiny.checkpoints import write_body


def plain(folder: Path, task: str, **changes: Any) -> Path:
    """A transformers checkpoint with the head of a task, without anything of sentence-transformers."""
    write_body(folder, tiny.tiny_model("bert", task), "bert", padding_side="right", limit=64)
    tiny.change(folder / "config.json", changes)
    return folder


@pytest.mark.parametrize(
    ("task", "kind", "found", "head"),
    [("feature-extraction", None, "SentenceTransformer", "BertModel"),
     ("fill-mask", None, "SentenceTransformer", "BertModel"),
     ("fill-mask", "sparse", "SparseEncoder", "BertForMaskedLM"),
     ("sequence-classification", None, "CrossEncoder", "BertForSequenceClassification"),
     ("sequence-classification", "rerank", "CrossEncoder", "BertForSequenceClassification"),
     ("sequence-classification", "dense", "SentenceTransformer", "BertModel")],
)  # fmt: skip
def test_plain_checkpoints_are_what_their_architecture_or_the_caller_says(
    tmp_path: Path, task: str, kind: str | None, found: str, head: str
):
    loaded = load(plain(tmp_path / "plain", task), kind)
    assert (loaded.kind, type(loaded.body.model).__name__) == (found, head)


def test_a_sparse_folder_and_a_plain_reranker_say_it_themselves(tmp_path: Path):
    assert load(tiny.sparse_checkpoint(tmp_path / "sparse")).kind == "SparseEncoder"
    assert load(tiny.reranker_checkpoint(tmp_path / "reranker", labels=3)).kind == "CrossEncoder"


def test_t5_with_a_classifier_keeps_its_decoder(tmp_path: Path):
    model = load(tiny.reranker_checkpoint(tmp_path / "t5", "t5")).body.model
    assert type(model).__name__ == "T5ForSequenceClassification"


def test_a_folder_that_says_what_it_is_is_nothing_else(tmp_path: Path):
    folder = tiny.sparse_checkpoint(tmp_path / "splade")
    with pytest.raises(ModelFolderError, match="splade: model_type is 'SparseEncoder', expected 'CrossEncoder'"):
        load(folder, "rerank")


def test_a_dense_model_is_not_made_sparse_by_a_random_layer(tmp_path: Path):
    with pytest.raises(ModelFolderError, match="'BertModel', expected one ending in ForMaskedLM"):
        load(plain(tmp_path / "plain", "feature-extraction"), "sparse")


@pytest.mark.parametrize("head", ["ForTokenClassification", "ForQuestionAnswering"])
def test_heads_that_give_nothing_of_ours_are_refused_but_with_their_body(tmp_path: Path, head: str):
    folder = plain(tmp_path / "plain", "feature-extraction", architectures=[f"Bert{head}"])
    with pytest.raises(ModelFolderError, match=f"architecture 'Bert{head}', expected a model of .* Pass --as dense"):
        load(folder)
    assert load(folder, "dense").kind == "SentenceTransformer"


@pytest.mark.parametrize("kind", ["MultiVectorEncoder", "ColBERT"])
def test_other_classes_of_models_are_named(tmp_path: Path, kind: str):
    folder = tiny.tiny_checkpoint(tmp_path / "other")
    tiny.change(folder / "config_sentence_transformers.json", {"model_type": kind})
    with pytest.raises(ModelFolderError, match=f"other: model type '{kind}', expected one of SentenceTransformer"):
        load(folder)


def test_language_models_as_rerankers_are_refused(tmp_path: Path):
    folder = tiny.reranker_checkpoint(tmp_path / "llm", "qwen3", padding_side="left")
    tiny.change(folder / "config.json", {"architectures": ["Qwen3ForCausalLM"]})
    with pytest.raises(ModelFolderError, match="'Qwen3ForCausalLM', expected one ending in ForSequenceClassification"):
        load(folder, "rerank")


@pytest.mark.parametrize(
    ("task", "kind", "first"),
    [("sequence-classification", None, "classifier.bias"), ("fill-mask", "sparse", "cls.predictions.bias")],
)
def test_a_head_that_was_never_trained_is_an_error_not_random_numbers(
    tmp_path: Path, task: str, kind: str | None, first: str
):
    folder = plain(tmp_path / "plain", task)
    state = load_file(folder / "model.safetensors")
    bare = {name: tensor for name, tensor in state.items() if not name.startswith(("cls.", "classifier."))}
    assert len(bare) < len(state)
    save_file(bare, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelFolderError, match=rf"weights are missing, the first '{first}'.*--as dense"):
        load(folder, kind)


def test_a_classifier_needs_its_pooler(tmp_path: Path):
    folder = plain(tmp_path / "plain", "sequence-classification")
    state = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in state.items() if "pooler" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelFolderError, match=r"2 weights are missing, the first 'bert.pooler.dense.bias'"):
        load(folder)


def test_a_body_of_another_class_than_its_own_code_says_is_refused(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "own")
    tiny.change(folder / "config.json", {"auto_map": {"AutoModel": "modeling.BertModel"}})
    assert load(folder).kind == "SentenceTransformer"  # converted to transformers' form, the key left behind
    tiny.change(folder / "config.json", {"auto_map": {"AutoModel": "org/repo--modeling.LinearBertModel"}})
    with pytest.raises(
        Exception, match=r"own/config.json: auto_map names code of its own \('org/repo--modeling.Linear"
    ):
        load(folder)


def test_the_routes_of_a_model_are_each_found_once(tmp_path: Path):
    loaded = load(shapes.inference_free(tmp_path / "model"))
    assert [(route.task, route.body.spec.type) for route in loaded.routes()] == [
        ("query", "SparseStaticEmbedding"), ("document", "Transformer"),
    ]  # fmt: skip
    routed = load(shapes.dense_routes(tmp_path / "dense"))
    assert [len(route.modules) for route in routed.routes()] == [2, 2]
    assert len(routed.bodies) == 1
    assert routed.routes()[0].body is routed.routes()[1].body


def test_a_head_behind_the_body_of_a_reranker_is_read(tmp_path: Path):
    modules = load(shapes.modular_reranker(tmp_path / "modular")).route().modules
    assert [type(module).__name__ for module in modules] == ["Pooling", "Dense", "LayerNorm", "Dense"]


def test_a_reranker_without_any_head_is_refused(tmp_path: Path):
    folder = shapes.modular_reranker(tmp_path / "headless")
    entries = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps(entries[:1]))
    with pytest.raises(ModelFolderError, match="one module of task 'feature-extraction', expected 'sequence-class"):
        load(folder)
