"""Mirrors runtime/airvec/folder/modules.py: which modules a folder has."""

import json
from pathlib import Path

import pytest

from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.folder import KINDS, find_graph, inside, read_folder
from tests.folders import MEAN, OLD, word_model, write_json, write_modules
from tests.sparse_folders import OLD_SPARSE, inference_free

GENERATIONS = {
    "2 to 5.3": ("sentence_transformers.models.Transformer", "sentence_transformers.models.Pooling",
                 "sentence_transformers.models.Normalize"),
    "5.4 to 5.7": ("sentence_transformers.base.modules.transformer.Transformer",
                   "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
                   "sentence_transformers.sentence_transformer.modules.normalize.Normalize"),
    "6": ("sentence_transformers.base.modules.transformer.Transformer",
          "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
          "sentence_transformers.base.modules.normalize.Normalize"),
    "doubled": ("sentence_transformers.models.Transformer.Transformer", "sentence_transformers.models.Pooling.Pooling",
                "sentence_transformers.models.Normalize.Normalize"),
}  # fmt: skip


@pytest.mark.parametrize("types", GENERATIONS.values(), ids=GENERATIONS)
def test_all_generations_of_type_names_are_read(tmp_path, types):
    word_model(tmp_path)
    write_modules(tmp_path, types)
    found = read_folder(tmp_path)
    assert [module.type for module in found.modules] == ["Transformer", "Pooling", "Normalize"]


def test_code_from_outside_sentence_transformers_is_refused_by_name(tmp_path):
    word_model(tmp_path)
    write_modules(tmp_path, [OLD + "Transformer", "my_code.Layer"])
    with pytest.raises(ModelFolderError, match=r"modules.json: module 1 has type 'my_code.Layer'.*runs no code"):
        read_folder(tmp_path)


@pytest.mark.parametrize("path", ["../..", "/etc", "..", "a/../../b", "C:\\x", "\\\\host\\share", "1_Pooling/../../x"])
def test_a_module_path_that_leaves_the_folder_is_refused(tmp_path, path):
    word_model(tmp_path / "model")
    write_json(tmp_path / "model" / "modules.json", [
        {"idx": 0, "name": "0", "path": "", "type": OLD + "Transformer"},
        {"idx": 1, "name": "1", "path": path, "type": OLD + "Pooling"},
    ])  # fmt: skip
    with pytest.raises(ModelFolderError, match="leaves the model folder"):
        read_folder(tmp_path / "model")


def test_links_inside_a_folder_are_followed_because_the_hubs_cache_is_made_of_them(tmp_path):
    word_model(tmp_path / "blobs")
    (tmp_path / "snapshot").mkdir()
    for file in (tmp_path / "blobs").iterdir():
        (tmp_path / "snapshot" / file.name).symlink_to(file)
    assert Path(find_graph(read_folder(tmp_path / "snapshot"))).is_file()
    assert inside(tmp_path, "1_Pooling", "x") == str(tmp_path / "1_Pooling")


@pytest.mark.parametrize("content", ["{}", "[]", '"x"', "[3]"])
def test_a_modules_file_of_another_shape_is_an_error(tmp_path, content):
    word_model(tmp_path)
    (tmp_path / "modules.json").write_text(content)
    with pytest.raises(ModelFolderError, match="modules.json"):
        read_folder(tmp_path)


def test_a_missing_module_folder_is_an_error_but_normalize_never_has_one(tmp_path):
    word_model(tmp_path, normalize=True)
    (tmp_path / "2_Normalize").rmdir()
    assert len(read_folder(tmp_path).modules) == 3
    (tmp_path / "1_Pooling" / "config.json").unlink()
    (tmp_path / "1_Pooling").rmdir()
    with pytest.raises(ModelFolderError, match="'1_Pooling' does not exist"):
        read_folder(tmp_path)


def test_no_folder_and_an_empty_folder_are_errors(tmp_path):
    with pytest.raises(ModelNotFoundError, match="no such folder"):
        read_folder(tmp_path / "absent")
    with pytest.raises(ModelNotFoundError, match=r"neither modules.json nor config.json"):
        read_folder(tmp_path)


def test_a_plain_transformers_folder_gets_the_references_pooling(tmp_path):
    write_json(tmp_path / "config.json", {"architectures": ["BertModel"], "hidden_size": 4})
    assert read_folder(tmp_path).modules[1].config.values == {"embedding_dimension": 4, "pooling_mode": "mean"}
    write_json(tmp_path / "config.json", {"architectures": ["Qwen3ForCausalLM"], "hidden_size": 4})
    assert read_folder(tmp_path).modules[1].config.text("pooling_mode") == "lasttoken"
    write_json(tmp_path / "config.json", {"architectures": ["XForCausalLM"], "hidden_size": 4, "is_causal": False})
    assert read_folder(tmp_path).modules[1].config.text("pooling_mode") == "mean"


@pytest.mark.parametrize("left", ["config_sentence_transformers.json", "1_Pooling"])
def test_a_saved_model_that_lost_its_modules_is_incomplete_and_not_a_plain_one(tmp_path, left):
    word_model(tmp_path)
    (tmp_path / "modules.json").unlink()
    if left == "1_Pooling":
        (tmp_path / "config_sentence_transformers.json").unlink()
    with pytest.raises(ModelNotFoundError, match=r"modules.json: no such file. The download is incomplete"):
        read_folder(tmp_path)


def test_a_model2vec_folder_is_a_static_model(tmp_path):
    write_json(tmp_path / "config.json", {"model_type": "model2vec", "normalize": True})
    assert [module.type for module in read_folder(tmp_path).modules] == ["StaticEmbedding", "Normalize"]


def test_the_pooling_config_of_the_folder_is_what_was_written(tmp_path):
    found = read_folder(word_model(tmp_path))
    assert found.modules[1].config.values == MEAN
    assert json.loads((tmp_path / "modules.json").read_text())[1]["path"] == "1_Pooling"


@pytest.mark.parametrize(
    ("kind", "stated", "task"),
    [
        (OLD_SPARSE + "MLMTransformer", {}, "fill-mask"),
        (OLD + "Transformer", {}, "feature-extraction"),
        (OLD + "Transformer", {"transformer_task": "fill-mask"}, "fill-mask"),
        (OLD + "Transformer", {"transformer_task": "sequence-classification"}, "sequence-classification"),
    ],
)
def test_the_task_of_a_body_is_its_old_type_s_or_the_stated_one(tmp_path, kind, stated, task):
    word_model(tmp_path, limits=stated)
    write_modules(tmp_path, [kind, OLD + "Pooling"])
    body = read_folder(tmp_path).modules[0]
    assert (body.type, body.task) == ("Transformer", task)


def test_a_task_that_airvec_does_not_run_is_refused(tmp_path):
    word_model(tmp_path, limits={"transformer_task": "text-generation"})
    with pytest.raises(ModelFolderError, match="transformer_task is 'text-generation', expected one of"):
        read_folder(tmp_path)


def test_a_plain_folder_is_what_it_is_opened_as(tmp_path):
    write_json(tmp_path / "config.json", {"architectures": ["BertForMaskedLM"], "hidden_size": 4})
    types = {kind: [module.type for module in read_folder(tmp_path, kind).modules] for kind in KINDS}
    assert types == {
        "SentenceTransformer": ["Transformer", "Pooling"],
        "SparseEncoder": ["Transformer", "SpladePooling"],
        "CrossEncoder": ["Transformer"],
    }
    tasks = [read_folder(tmp_path, kind).modules[0].task for kind in KINDS]
    assert tasks == ["feature-extraction", "fill-mask", "sequence-classification"]


@pytest.mark.parametrize(
    ("kind", "architecture", "message"),
    [
        ("SparseEncoder", "BertModel", "expected one ending in ForMaskedLM"),
        ("CrossEncoder", "Qwen3ForCausalLM", "expected one ending in ForSequenceClassification"),
    ],
)
def test_a_plain_folder_with_the_wrong_head_is_refused(tmp_path, kind, architecture, message):
    write_json(tmp_path / "config.json", {"architectures": [architecture], "hidden_size": 4})
    with pytest.raises(ModelFolderError, match=f"architectures is '{architecture}', {message}"):
        read_folder(tmp_path, kind)


def test_the_body_of_a_route_is_read_where_it_lies(tmp_path):
    bodies = read_folder(inference_free(tmp_path)).bodies()
    assert [(body.type, body.task) for body in bodies] == [
        ("SparseStaticEmbedding", "feature-extraction"), ("Transformer", "fill-mask")
    ]  # fmt: skip
    assert [body.tokenizer.max_length for body in bodies] == [6, 8]
