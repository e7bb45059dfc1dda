"""Mirrors runtime/airvec/hub/files.py: which files are asked for, from settings on disk and a list of names."""

import pytest

from airvec.errors import ModelFolderError
from airvec.hub.files import RuntimeFiles
from tests.folders import OLD, write_json

SPARSE = "sentence_transformers.sparse_encoder.models."
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
OTHERS = (
    "README.md", "vocab.txt", "pytorch_model.bin", "model.safetensors.index.json", "vocab.json", "trainer_state.json",
    "model-00001-of-00002.safetensors", "onnx/model_O3.onnx", "onnx/model_O3.onnx_data", "onnx/ort_config.json",
    "openvino/openvino_model.bin", "checkpoint-500/config.json", "eval/similarity.json",
)  # fmt: skip


def wanted(folder, names, graph="model.onnx"):
    """All that is fetched in the end, where each round brings what was asked for; `folder` holds the settings."""
    have = folder.parent / "fetched"
    have.mkdir()
    rounds = []
    while missing := [name for name in RuntimeFiles((graph,)).needed(have, names) if not (have / name).is_file()]:
        assert set(missing) <= set(names)
        rounds.append(missing)
        for name in missing:
            (have / name).parent.mkdir(parents=True, exist_ok=True)
            source = folder / name
            (have / name).write_bytes(source.read_bytes() if source.is_file() else b"{}")
    return rounds


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "settings"


def modules(folder, **types):
    """modules.json with the types by folder; "top" is the model's own."""
    write_json(folder / "modules.json", [
        {"type": kind, "path": "" if home == "top" else home.lstrip("_")} for home, kind in types.items()
    ])  # fmt: skip


def router(file, **types):
    write_json(file, {"types": types, "structure": {"query": list(types)[:1], "document": list(types)[1:]}})


def test_a_dense_model_needs_its_settings_one_graph_and_the_weights_of_later_modules(folder):
    modules(folder, top=OLD + "Transformer", _1_Pooling=OLD + "Pooling", _2_Dense=OLD + "Dense")
    settings = ["modules.json", "config.json", *TOKENIZER, "sentence_bert_config.json"]
    inner = ["1_Pooling/config.json", "2_Dense/config.json"]
    large = ["onnx/model.onnx", "onnx/model.onnx_data", "2_Dense/model.safetensors"]
    rounds = wanted(folder, [*settings, *inner, *large, "model.safetensors", "2_Dense/pytorch_model.bin", *OTHERS])
    assert [set(names) for names in rounds] == [set(settings), set(inner), set(large)]


@pytest.mark.parametrize("data", ["model.onnx_data", "model.onnx.data", "model.onnx_data_1"])
def test_external_data_comes_with_its_graph_in_each_of_its_names(folder, data):
    names = ["config.json", "onnx/model.onnx", f"onnx/{data}", "onnx/model.onnx.md"]
    assert wanted(folder, names)[-1] == ["onnx/model.onnx", f"onnx/{data}"]


def test_a_graph_is_taken_from_the_onnx_folder_else_from_beside_the_settings(folder):
    names = ["config.json", "model.onnx", "onnx/model_O3.onnx"]
    assert wanted(folder, names)[-1] == ["model.onnx"]
    assert RuntimeFiles(("model_O3.onnx",)).needed(folder.parent / "fetched", names)[-1] == "onnx/model_O3.onnx"
    assert RuntimeFiles(("onnx/model_O3.onnx",)).needed(folder.parent / "fetched", names)[-1] == "onnx/model_O3.onnx"


def test_a_splade_model_takes_the_graph_that_is_named_and_no_other(folder):
    modules(folder, top=SPARSE + "MLMTransformer", _1_SpladePooling=SPARSE + "SpladePooling")
    names = ["modules.json", "config.json", "1_SpladePooling/config.json", "onnx/model.onnx", "onnx/model_fused.onnx"]
    assert wanted(folder, names)[-1] == ["onnx/model.onnx"]
    needed = RuntimeFiles(("model_fused.onnx",)).needed(folder.parent / "fetched", names)
    assert [name for name in needed if name.endswith(".onnx")] == ["onnx/model_fused.onnx"]


@pytest.mark.parametrize(("kind", "there", "graph"), [
    ("MLMTransformer", True, "model_fused"), ("MLMTransformer", False, "model"), ("Transformer", True, "model"),
])  # fmt: skip
def test_a_fused_graph_is_preferred_where_there_is_one_and_only_to_logits(folder, kind, there, graph):
    modules(folder, top=SPARSE + kind)
    (folder / "config.json").write_text("{}")
    names = ["modules.json", "config.json", "onnx/model.onnx", *(["onnx/model_fused.onnx"] if there else [])]
    needed = RuntimeFiles(("model.onnx",), fused=("model_fused.onnx",)).needed(folder, names)
    assert needed == ["config.json", "modules.json", f"onnx/{graph}.onnx"]


@pytest.mark.parametrize("home", ["", "0_Router/"])
@pytest.mark.parametrize("file", ["router_config.json", "config.json"])
def test_a_router_needs_what_each_of_its_routes_needs(folder, home, file):
    modules(
        folder, **{"_" + home.rstrip("/") if home else "top": OLD + ("Asym" if file == "config.json" else "Router")}
    )
    router(
        folder / home / file,
        query_0_SparseStaticEmbedding=SPARSE + "SparseStaticEmbedding",
        document_0_MLMTransformer=SPARSE + "MLMTransformer",
        document_1_SpladePooling=SPARSE + "SpladePooling",
    )
    query, document = (f"{home}{name}/" for name in ("query_0_SparseStaticEmbedding", "document_0_MLMTransformer"))
    settings = [f"{query}config.json", f"{query}tokenizer.json", f"{query}idf.json", f"{document}config.json",
                f"{home}document_1_SpladePooling/config.json"]  # fmt: skip
    large = [f"{query}model.safetensors", f"{document}onnx/model.onnx"]
    torch = [f"{document}model.safetensors", f"{document}pytorch_model.bin", "model.safetensors"]
    rounds = wanted(folder, ["modules.json", f"{home}{file}", *settings, *large, *torch, *OTHERS, "config.json"])
    assert set(rounds[-1]) == set(large)
    assert set(settings) <= {name for names in rounds[:-1] for name in names}


def test_a_model_without_a_transformer_needs_no_graph(folder):
    modules(folder, top=OLD + "Router")
    router(folder / "router_config.json", query_0_StaticEmbedding=OLD + "StaticEmbedding")
    table = "query_0_StaticEmbedding/model.safetensors"
    rounds = wanted(folder, ["modules.json", "router_config.json", "query_0_StaticEmbedding/tokenizer.json", table])
    assert rounds[-1] == [table]


@pytest.mark.parametrize("name", ["..", ".", "", "a/b"])
def test_a_routers_module_that_is_a_path_is_not_followed(folder, name):
    modules(folder, top=OLD + "Router")
    router(folder / "router_config.json", **{name: OLD + "Router"})
    names = ["modules.json", "router_config.json", f"{name}/router_config.json", f"{name}/model.safetensors"]
    assert wanted(folder, names) == [["modules.json", "router_config.json"]]


def test_a_reranker_with_heads_of_its_own_needs_their_weights(folder):
    modules(folder, top=OLD + "Transformer", _1_Pooling=OLD + "Pooling", _2_Dense=OLD + "Dense",
            _3_LayerNorm=OLD + "LayerNorm", _4_Dense=OLD + "Dense")  # fmt: skip
    heads = [f"{home}/{file}" for home in ("2_Dense", "3_LayerNorm", "4_Dense")
             for file in ("config.json", "model.safetensors")]  # fmt: skip
    names = ["modules.json", "config.json", "1_Pooling/config.json", "onnx/model.onnx", *heads]
    assert set(wanted(folder, names)[-1]) == {"onnx/model.onnx", *heads[1::2]}


def test_heads_beside_the_settings_are_fetched_where_the_class_needs_them_and_missing_ones_are_named(folder):
    names = ["config.json", "onnx/model.onnx", "sparse_linear.safetensors", "sparse_linear.pt"]
    (folder.parent / "config.json").write_text("{}")
    files = RuntimeFiles(("model.onnx",), beside=("sparse_linear.safetensors", "colbert_linear.safetensors"))
    heads = ["sparse_linear.safetensors", "colbert_linear.safetensors"]
    assert files.needed(folder.parent, names) == ["config.json", *heads, "onnx/model.onnx"]
    assert str(files.absent("org/m3", heads[1], names)) == (
        "org/m3: no colbert_linear.safetensors, expected a head as BGE-M3 has it; those that torch saved (.pt) are "
        "never read. Make the folder once, with torch: airvec export org/m3 ./m3-onnx"
    )


def test_no_weights_are_asked_for_before_the_graph_is_known_to_be_there(folder):
    names = ["config.json", "model.safetensors"]
    (folder.parent / "config.json").write_text("{}")
    needed = RuntimeFiles(("model.onnx",)).needed(folder.parent, names)
    assert needed == ["config.json", "onnx/model.onnx"]
    error = RuntimeFiles(("model.onnx",)).absent("org/words", "onnx/model.onnx", names)
    assert str(error) == (
        "org/words: no graph 'model.onnx', and no other there. Make one (needs torch, once), and load "
        "'./words-onnx': airvec export org/words ./words-onnx"
    )


def test_what_is_no_model_is_said_to_be_none(folder):
    names = ["README.md", "data.json", "words.gguf"]
    assert RuntimeFiles(("model.onnx",)).needed(folder, names) == ["config.json"]
    assert str(RuntimeFiles(("model.onnx",)).absent("org/data", "config.json", names)) == (
        "org/data: neither modules.json nor config.json there, expected a sentence-transformers or transformers "
        "model. Check the name."
    )


@pytest.mark.parametrize("content", ["3", "[]", '[3, {"type": null, "path": 5}]', "{}"])
def test_odd_modules_are_left_to_the_reader_of_the_folder(folder, content):
    folder.mkdir()
    (folder / "modules.json").write_text(content)
    assert RuntimeFiles(("model.onnx",)).needed(folder, ["modules.json"]) == ["modules.json"]


def test_modules_that_are_no_json_are_an_error(folder):
    folder.mkdir()
    (folder / "modules.json").write_text("[1, 2")
    with pytest.raises(ModelFolderError, match="modules.json: not valid JSON"):
        RuntimeFiles(("model.onnx",)).needed(folder, ["modules.json"])
