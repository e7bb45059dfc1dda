"""Mirrors runtime/airvec/folder.py."""

import json

import onnx
import pytest

from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.folder import find_graph, graph_files, inside, read_folder
from airvec.manifest import GraphRecord, Manifest, write_manifest
from tests.folders import MEAN, OLD, lookup_graph, word_model, write_json, write_modules

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
    assert find_graph(read_folder(tmp_path / "snapshot")).is_file()
    assert inside(tmp_path, "1_Pooling", "x") == tmp_path / "1_Pooling"


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


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("config_sentence_transformers.json", {"similarity_fn_name": "angle"}),
        ("config_sentence_transformers.json", {"default_prompt_name": "nope"}),
        ("config_sentence_transformers.json", {"truncate_dim": 0}),
        ("tokenizer_config.json", {"padding_side": "up"}),
        ("tokenizer_config.json", {"truncation_side": "down"}),
        ("tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "strip_accents": 1}),
        ("sentence_bert_config.json", {"tokenizer_args": {"torch_dtype": "float16"}}),
    ],
)
def test_a_value_that_cannot_be_is_an_error_that_names_the_file(tmp_path, file, values):
    word_model(tmp_path)
    write_json(tmp_path / file, values)
    with pytest.raises(ModelFolderError, match=rf"{file}: .*{next(iter(values))}|{file}: .*torch_dtype|strip_accents"):
        read_folder(tmp_path)


def test_harmless_arguments_of_the_tokenizer_are_read_over(tmp_path):
    word_model(tmp_path, limits={"tokenizer_args": {"use_fast": True, "padding_side": "left"}})
    found = read_folder(tmp_path).tokenizer
    assert (found.padding_side, found.saved_arguments) == ("left", {"padding_side": "left"})


def test_a_model2vec_folder_is_a_static_model(tmp_path):
    write_json(tmp_path / "config.json", {"model_type": "model2vec", "normalize": True})
    assert [module.type for module in read_folder(tmp_path).modules] == ["StaticEmbedding", "Normalize"]


LIMITS = [
    ({"max_seq_length": 256}, {"model_max_length": 512}, {"max_position_embeddings": 512}, 256),
    ({"max_seq_length": 600}, {"model_max_length": 512}, {"max_position_embeddings": 512}, 600),
    ({}, {"model_max_length": 512}, {"max_position_embeddings": 514}, 512),
    ({}, {"model_max_length": 1000}, {"max_position_embeddings": 514}, 514),
    ({}, {"model_max_length": 1e30}, {"max_position_embeddings": 128}, 128),
    ({}, {"model_max_length": 1e30}, {"max_position_embeddings": -1}, None),
    ({}, {}, {}, None),
    ({"processor_kwargs": {"model_max_length": 77}, "max_seq_length": 256}, {}, {}, 77),
    ({"tokenizer_args": {"model_max_length": 78}}, {"model_max_length": 512}, {}, 78),
    ({"max_seq_length": None}, {"model_max_length": 99}, {}, 99),
]


@pytest.mark.parametrize(("saved", "tokenizer", "config", "limit"), LIMITS)
def test_the_length_limit_is_found_in_the_references_order(tmp_path, saved, tokenizer, config, limit):
    word_model(tmp_path, limits=saved or {"do_lower_case": False})
    write_json(tmp_path / "tokenizer_config.json", tokenizer)
    write_json(tmp_path / "config.json", config)
    assert read_folder(tmp_path).tokenizer.max_length == limit


def test_a_first_generation_config_name_is_read(tmp_path):
    word_model(tmp_path)
    (tmp_path / "sentence_bert_config.json").rename(tmp_path / "sentence_roberta_config.json")
    assert read_folder(tmp_path).tokenizer.max_length == 8


def test_prompts_start_from_the_two_names_that_always_exist(tmp_path):
    word_model(tmp_path, settings={"prompts": {"query": "q: ", "other": None}, "default_prompt_name": "query"})
    found = read_folder(tmp_path)
    assert found.prompts == {"query": "q: ", "document": "", "other": ""}
    assert found.default_prompt_name == "query"


def test_bert_tokenizers_take_their_normaliser_from_tokenizer_config(tmp_path):
    word_model(tmp_path)
    write_json(tmp_path / "tokenizer_config.json", {"tokenizer_class": "BertTokenizerFast", "do_lower_case": False})
    expected = {"lowercase": False, "strip_accents": None, "handle_chinese_chars": True}
    assert read_folder(tmp_path).tokenizer.bert_options == expected
    write_json(tmp_path / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
    assert read_folder(tmp_path).tokenizer.bert_options is None


@pytest.mark.parametrize("pad", ["<pad>", {"content": "<pad>", "lstrip": False}])
def test_the_padding_token_is_read_in_both_spellings_from_both_files(tmp_path, pad):
    word_model(tmp_path)
    write_json(tmp_path / "tokenizer_config.json", {"pad_token": pad})
    assert read_folder(tmp_path).tokenizer.pad_token == "<pad>"
    write_json(tmp_path / "tokenizer_config.json", {})
    write_json(tmp_path / "special_tokens_map.json", {"pad_token": pad})
    assert read_folder(tmp_path).tokenizer.pad_token == "<pad>"


def test_graphs_are_found_in_onnx_then_in_the_root_and_by_variant_and_by_name(tmp_path):
    folder = read_folder(word_model(tmp_path))
    for name in ("model.onnx", "onnx/model_int8.onnx", "extra.onnx"):
        onnx.save(lookup_graph(), tmp_path / name)
    assert find_graph(folder) == find_graph(folder, "fp32") == tmp_path / "onnx/model.onnx"
    assert find_graph(folder, "int8") == tmp_path / "onnx/model_int8.onnx"
    assert find_graph(folder, file_name="model_int8.onnx") == tmp_path / "onnx/model_int8.onnx"
    assert find_graph(folder, file_name="onnx/model_int8.onnx") == tmp_path / "onnx/model_int8.onnx"
    assert find_graph(folder, file_name="model.onnx") == tmp_path / "model.onnx"
    (tmp_path / "onnx/model.onnx").unlink()
    assert find_graph(folder) == tmp_path / "model.onnx"
    assert graph_files(folder) == ("extra.onnx", "model.onnx", "onnx/model_int8.onnx")


def test_a_missing_graph_is_an_error_that_lists_the_others_or_tells_how_to_make_one(tmp_path):
    folder = read_folder(word_model(tmp_path / "mini"))
    with pytest.raises(ModelFolderError, match=r"no graph 'model_int8.onnx', expected one of onnx/model.onnx"):
        find_graph(folder, "int8")
    (tmp_path / "mini/onnx/model.onnx").unlink()
    with pytest.raises(ModelFolderError, match=r"airvec export .*mini mini-onnx"):
        find_graph(folder)


def test_a_graph_name_that_leaves_the_folder_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match=r"file_name: path '../x.onnx' leaves"):
        find_graph(read_folder(word_model(tmp_path)), file_name="../x.onnx")


def test_a_graph_of_another_size_than_the_manifest_says_is_an_error(tmp_path):
    word_model(tmp_path)
    write_manifest(tmp_path, Manifest(graphs={"onnx/model.onnx": GraphRecord(sha256="", size=5)}))
    with pytest.raises(ModelFolderError, match="airvec.json says 5"):
        find_graph(read_folder(tmp_path))


def test_the_pooling_config_of_the_folder_is_what_was_written(tmp_path):
    found = read_folder(word_model(tmp_path))
    assert found.modules[1].config.values == MEAN
    assert json.loads((tmp_path / "modules.json").read_text())[1]["path"] == "1_Pooling"
