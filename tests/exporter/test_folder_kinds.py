"""What is written of sparse models, rerankers and Routers, besides the graphs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from airvec.folder import read_folder
from airvec_exporter.folder import write_folder
from airvec_exporter.load import load
from airvec_exporter.reference import reference
from tests import tiny
from tests.exporter import shapes

SPARSE, DENSE = "sentence_transformers.sparse_encoder.models", "sentence_transformers.models"
SHAPES = {
    "splade": tiny.sparse_checkpoint,
    "inference_free": shapes.inference_free,
    "sparse_coder": shapes.sparse_coder,
    "reranker": tiny.reranker_checkpoint,
    "modular_reranker": shapes.modular_reranker,
    "dense_routes": shapes.dense_routes,
}


def write(folder: Path, **options: Any) -> Path:
    out = folder.parent / f"{folder.name}-out"
    out.mkdir()
    write_folder(load(folder), out, **options)
    return out


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def types(folder: Path) -> list[str]:
    return [entry["type"] for entry in read(folder / "modules.json")]


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_written_gives_the_same_in_torch_on_every_route(tmp_path: Path, name: str):
    folder = SHAPES[name](tmp_path / "model")
    before, after = load(folder), load(write(folder))
    inputs = tiny.pairs(6) if before.kind == "CrossEncoder" else tiny.texts(6)
    assert [route.task for route in before.routes()] == [route.task for route in after.routes()]
    for route in before.routes():
        wanted = reference(before, inputs, task=route.task)
        assert wanted.std(axis=0).max() > 0.01
        assert np.array_equal(reference(after, inputs, task=route.task), wanted)


def test_a_splade_model_has_the_oldest_names_and_keys(tmp_path: Path):
    out = write(tiny.sparse_checkpoint(tmp_path / "splade", strategy="sum"))
    assert types(out) == [f"{SPARSE}.MLMTransformer", f"{SPARSE}.SpladePooling"]
    assert read(out / "1_SpladePooling" / "config.json") == {
        "pooling_strategy": "sum", "activation_function": "relu", "word_embedding_dimension": 380,
    }  # fmt: skip
    assert read(out / "sentence_bert_config.json") == {"max_seq_length": 64, "do_lower_case": False}
    settings = read(out / "config_sentence_transformers.json")
    assert (settings["model_type"], settings["similarity_fn_name"]) == ("SparseEncoder", "dot")


def test_a_splade_model_of_the_newest_files_gets_them_too(tmp_path: Path):
    folder = tiny.sparse_checkpoint(tmp_path / "splade")
    new = ("base.modules.transformer.Transformer", "sparse_encoder.modules.splade_pooling.SpladePooling")
    entries = read(folder / "modules.json")
    for entry, name in zip(entries, new, strict=True):
        entry["type"] = f"sentence_transformers.{name}"
    (folder / "modules.json").write_text(json.dumps(entries))
    tiny.change(folder / "sentence_bert_config.json", {"transformer_task": "fill-mask"})
    assert types(write(folder)) == [f"{SPARSE}.MLMTransformer", f"{SPARSE}.SpladePooling"]


def test_similarity_and_the_number_of_dimensions_that_a_sparse_model_states_are_kept(tmp_path: Path):
    folder = tiny.sparse_checkpoint(tmp_path / "splade")
    tiny.change(folder / "config_sentence_transformers.json", {"similarity_fn_name": "cosine", "max_active_dims": 50})
    found = read_folder(write(folder))
    assert (found.similarity_fn_name, found.max_active_dims) == ("cosine", 50)


def test_each_module_of_a_router_lies_in_its_folder_once(tmp_path: Path):
    out = write(shapes.inference_free(tmp_path / "model"))
    assert types(out) == [f"{DENSE}.Router"]
    assert read(out / "router_config.json") == {
        "types": {
            "query_0_SparseStaticEmbedding": f"{SPARSE}.SparseStaticEmbedding",
            "document_0_MLMTransformer": f"{SPARSE}.MLMTransformer",
            "document_1_SpladePooling": f"{SPARSE}.SpladePooling",
        },
        "structure": {
            "query": ["query_0_SparseStaticEmbedding"],
            "document": ["document_0_MLMTransformer", "document_1_SpladePooling"],
        },
        "parameters": {"default_route": "document"},
    }
    assert (out / "document_0_MLMTransformer" / "tokenizer.json").is_file()
    assert not (out / "config.json").exists()


def test_the_first_route_stays_the_first_since_it_is_the_default_where_none_is_named(tmp_path: Path):
    folder = shapes.inference_free(tmp_path / "model")
    settings = read(folder / "router_config.json")
    (folder / "router_config.json").write_text(json.dumps({**settings, "parameters": {"allow_empty_key": True}}))
    out = write(folder)
    assert list(read(out / "router_config.json")["structure"]) == ["query", "document"]
    assert read_folder(out).chain()[0].type == read_folder(folder).chain()[0].type == "SparseStaticEmbedding"


def test_a_router_behind_a_body_stays_there_under_its_new_name(tmp_path: Path):
    out = write(shapes.dense_routes(tmp_path / "model"))
    assert types(out) == [f"{DENSE}.{name}" for name in ("Transformer", "Pooling", "Router")]
    assert read(out / "2_Router" / "router_config.json")["types"] == {
        "query_0_Dense": f"{DENSE}.Dense", "document_0_Dense": f"{DENSE}.Dense",
    }  # fmt: skip
    assert (out / "2_Router" / "document_0_Dense" / "model.safetensors").is_file()


@pytest.mark.parametrize("as_json", [False, True])
def test_a_table_is_written_as_a_tensor_whatever_form_it_had(tmp_path: Path, as_json: bool):
    out = write(shapes.inference_free(tmp_path / "model", as_json=as_json), weights=False)
    home = out / "query_0_SparseStaticEmbedding"
    assert read(home / "config.json") == {"frozen": as_json}
    assert load_file(home / "model.safetensors")["weight"].shape == (380,)
    assert not (home / "idf.json").exists()
    assert read(home / "tokenizer_config.json")["model_max_length"] == 64
    assert not (out / "document_0_MLMTransformer" / "model.safetensors").exists()


def test_a_sparse_auto_encoder_keeps_its_settings(tmp_path: Path):
    folder = shapes.sparse_coder(tmp_path / "model")
    out = write(folder, weights=False)
    config = read(folder / "2_SparseAutoEncoder" / "config.json")
    assert read(out / "2_SparseAutoEncoder" / "config.json") == config
    names = ("encoder.weight", "latent_bias", "pre_bias", "stats_last_nonzero")
    assert sorted(load_file(out / "2_SparseAutoEncoder" / "model.safetensors")) == sorted(names)


def test_a_reranker_of_one_module_is_written_as_transformers_own_folder(tmp_path: Path):
    folder = tiny.reranker_checkpoint(tmp_path / "reranker", max_seq_length=48)
    out = write(folder)
    assert not (out / "modules.json").exists()
    assert not (out / "sentence_bert_config.json").exists()
    assert (out / "config.json").read_bytes() == (folder / "config.json").read_bytes()
    assert read(out / "tokenizer_config.json")["model_max_length"] == 48
    assert read_folder(out).tokenizer.max_length == 48
    assert read_folder(out).model_type == "CrossEncoder"


@pytest.mark.parametrize("place", ["config_sentence_transformers.json", "config.json"])
def test_a_reranker_s_activation_is_where_every_generation_looks(tmp_path: Path, place: str):
    folder, name = tiny.reranker_checkpoint(tmp_path / "reranker", activation=None), "torch.nn.modules.linear.Identity"
    old = {"activation_fn": name} if place.startswith("config_s") else {"sbert_ce_default_activation_function": name}
    tiny.change(folder / place, old)
    out = write(folder)
    assert read(out / "config.json")["sentence_transformers"]["activation_fn"] == name
    assert read(out / "config_sentence_transformers.json")["activation_fn"] == name
    assert read_folder(out).activation_fn == name


def test_without_a_stated_activation_none_is_made_up(tmp_path: Path):
    out = write(tiny.reranker_checkpoint(tmp_path / "reranker", activation=None))
    assert "sentence_transformers" not in read(out / "config.json")
    assert read_folder(out).activation_fn is None


def test_a_reranker_with_a_prompt_is_written_with_modules_since_only_they_keep_it(tmp_path: Path):
    folder = tiny.reranker_checkpoint(tmp_path / "reranker")
    stated = {"model_type": "CrossEncoder", "prompts": {"query": "search: "}, "default_prompt_name": "query"}
    tiny.change(folder / "config_sentence_transformers.json", stated)
    out = write(folder)
    assert types(out) == [f"{DENSE}.Transformer"]
    assert read(out / "sentence_bert_config.json")["transformer_task"] == "sequence-classification"
    found = read_folder(out)
    assert (found.prompts["query"], found.default_prompt_name) == ("search: ", "query")
    assert found.modules[0].task == "sequence-classification"


@pytest.mark.parity
@pytest.mark.parametrize("name", SHAPES)
def test_what_is_written_is_the_same_model_in_the_reference(tmp_path: Path, name: str):
    import sentence_transformers

    folder = SHAPES[name](tmp_path / "model")
    loaded, out = load(folder), write(folder)
    model = getattr(sentence_transformers, loaded.kind)(str(out), device="cpu")
    for route in loaded.routes():
        if loaded.kind == "CrossEncoder":
            wanted = reference(loaded, tiny.pairs(8))[:, 0]
            found = model.predict(tiny.pairs(8))
        else:
            wanted = reference(loaded, tiny.texts(8), task=route.task)
            every = {"convert_to_sparse_tensor": False, "max_active_dims": wanted.shape[1]}
            found = np.asarray(
                model.encode(tiny.texts(8), task=route.task, **(every if loaded.kind == "SparseEncoder" else {}))
            )
        assert wanted.std(axis=0).max() > 0.01
        assert np.abs(found - wanted).max() <= 1e-5 * max(1, np.abs(wanted).max())
