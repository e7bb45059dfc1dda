"""Mirrors runtime/airvec/hub/__init__.py: names, and models by name with the real huggingface_hub client."""

from pathlib import Path

import numpy as np
import pytest

from airvec.errors import ArgumentError, ModelNotFoundError
from airvec.hub import HubOptions, find_model
from airvec_exporter.openvino import write_ir
from tests.folders import OLD, rows_of, static_model, table, word_model, write_json, write_modules, write_tensors
from tests.house.probe import probe

SETTINGS = {
    "1_Pooling/config.json", "config.json", "config_sentence_transformers.json", "modules.json",
    "sentence_bert_config.json", "tokenizer.json", "tokenizer_config.json",
}  # fmt: skip
MEAN_OF_A_B = rows_of("a", "b").mean(axis=0)


def cached(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("models--*")}


def test_a_name_fetches_what_runs_and_nothing_else(hub, client):
    result, problem = client.encode("'org/words'")
    assert problem is None
    np.testing.assert_allclose(result, MEAN_OF_A_B, rtol=1e-6)
    assert set(hub.fetched) == SETTINGS | {"onnx/model.onnx"}
    assert len(hub.fetched) == len(set(hub.fetched))
    assert cached(client.home / "hub") == {"models--org--words"}


def test_the_weights_of_later_modules_come_with_the_graph(hub, client, words):
    write_modules(words, [OLD + "Transformer", OLD + "Pooling", OLD + "Dense"])
    config = {"in_features": 4, "out_features": 2, "bias": False, "activation_function": "torch.nn.modules.Identity"}
    write_json(words / "2_Dense" / "config.json", config)
    weight = np.ones((2, 4), np.float32)
    write_tensors(words / "2_Dense" / "model.safetensors", {"linear.weight": weight})
    (words / "2_Dense" / "pytorch_model.bin").write_bytes(b"large")
    result, problem = client.encode("'org/words'")
    assert problem is None
    np.testing.assert_allclose(result, weight @ MEAN_OF_A_B, rtol=1e-6)
    extra = {"2_Dense/config.json", "2_Dense/model.safetensors", "onnx/model.onnx"}
    assert set(hub.fetched) == SETTINGS | extra


def test_a_graph_beside_its_external_data_in_a_first_module_of_its_own_folder(hub, client, words):
    (words / "0_Transformer").mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "sentence_bert_config.json", "onnx"):
        (words / name).rename(words / "0_Transformer" / name)
    (words / "0_Transformer" / "onnx" / "model.onnx_data").write_bytes(b"large")
    (words / "0_Transformer" / "model.safetensors").write_bytes(b"large")
    write_modules(words, [OLD + "Transformer", OLD + "Pooling"], ["0_Transformer", "1_Pooling"])
    result, problem = client.encode("'org/words'")
    assert problem is None
    np.testing.assert_allclose(result, MEAN_OF_A_B, rtol=1e-6)
    large = {name for name in hub.fetched if not name.endswith(".json")}
    assert large == {"0_Transformer/onnx/model.onnx", "0_Transformer/onnx/model.onnx_data"}


def test_a_bare_name_is_one_of_sentence_transformers(hub, client, words):
    hub.repositories = {"sentence-transformers/words": words}
    _, problem = client.encode("'words'")
    assert problem is None
    assert cached(client.home / "hub") == {"models--sentence-transformers--words"}


def test_a_bare_name_of_a_reranker_is_one_of_cross_encoder(client):
    found = client.attempt("from airvec import CrossEncoder; CrossEncoder('unknown')")
    assert found.message.startswith("cross-encoder/unknown: the Hub answers 404: no such model.")


OPENVINO = {"openvino/openvino_model.xml", "openvino/openvino_model.bin"}
OPENVINO_INT8 = {name.replace("model.", "model_qint8_quantized.") for name in OPENVINO}


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ("backend='openvino'", OPENVINO),
        ("variant='openvino'", OPENVINO),
        ("variant='openvino-int8'", OPENVINO_INT8),
        ("backend='openvino', model_kwargs={'file_name': 'openvino_model_qint8_quantized.xml'}", OPENVINO_INT8),
        ("backend='openvino', model_kwargs={'file_name': 'openvino/openvino_model.xml'}", OPENVINO),
    ],
)
def test_an_openvino_graph_comes_with_its_weights_and_nothing_of_onnx(hub, client, words, arguments, files):
    for name in ("model", "model_qint8_quantized"):
        write_ir(words / "onnx" / "model.onnx", words / "openvino" / f"openvino_{name}.xml")
    result, problem = client.encode(f"'org/words', {arguments}")
    assert problem is None
    np.testing.assert_allclose(result, MEAN_OF_A_B, rtol=1e-6)
    assert set(hub.fetched) == SETTINGS | files


def test_an_openvino_graph_may_lie_beside_the_settings_as_optimum_intel_writes_it(hub, client, words):
    (words / "openvino" / "openvino_model.xml").unlink()
    write_ir(words / "onnx" / "model.onnx", words / "openvino_model.xml")
    result, problem = client.encode("'org/words', backend='openvino'")
    assert problem is None
    np.testing.assert_allclose(result, MEAN_OF_A_B, rtol=1e-6)
    assert set(hub.fetched) == SETTINGS | {"openvino_model.xml", "openvino_model.bin"}


def test_an_openvino_graph_that_is_not_there_is_an_error_that_lists_those_there_are(client):
    _, problem = client.encode("'org/words', variant='openvino-int4'")
    assert problem is not None
    assert problem[1].startswith("org/words: no graph 'openvino_model_int4.xml', expected one of ")
    assert "openvino/openvino_model.xml" in problem[1]


@pytest.mark.parametrize("arguments", ["variant='O3'", "model_kwargs={'file_name': 'model_O3.onnx'}"])
def test_a_variant_fetches_its_own_graph(hub, client, words, arguments):
    (words / "onnx" / "model.onnx").rename(words / "onnx" / "model_O3.onnx")
    result, problem = client.encode(f"'org/words', {arguments}")
    assert problem is None
    np.testing.assert_allclose(result, MEAN_OF_A_B, rtol=1e-6)
    assert set(hub.fetched) == SETTINGS | {"onnx/model_O3.onnx"}


@pytest.mark.parametrize("layout", ["sentence-transformers", "model2vec", "own folder"])
def test_a_static_model_fetches_its_table(hub, client, tmp_path, layout):
    name = "embeddings" if layout == "model2vec" else "embedding.weight"
    folder = static_model(tmp_path / "static", {name: table()})
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"large")
    if layout == "model2vec":
        (folder / "modules.json").unlink()
        write_json(folder / "config.json", {"model_type": "model2vec", "normalize": False})
    if layout == "own folder":
        write_modules(folder, [OLD + "StaticEmbedding"], ["0_StaticEmbedding"])
        for file in ("model.safetensors", "tokenizer.json"):
            (folder / file).rename(folder / "0_StaticEmbedding" / file)
    hub.repositories = {"org/static": folder}
    result, problem = client.encode("'org/static'")
    assert problem is None
    np.testing.assert_allclose(result, rows_of("a", "b", special=False).mean(axis=0), rtol=1e-6)
    home = "0_StaticEmbedding/" if layout == "own folder" else ""
    assert {file for file in hub.fetched if not file.endswith(".json")} == {f"{home}model.safetensors"}


def test_a_revision_is_fetched_as_that_revision(hub, client, tmp_path):
    hub.repositories["org/words@v2"] = word_model(tmp_path / "v2", normalize=True)
    result, problem = client.encode("'org/words', revision='v2'")
    assert problem is None
    assert np.linalg.norm(result) == pytest.approx(1)
    _, problem = client.encode("'org/words', revision='v3'")
    assert problem[0] == "ModelNotFoundError"
    assert problem[1].startswith("org/words: no revision 'v3' on the Hub (404), expected a branch, a tag or a commit.")


def test_the_cache_is_the_argument_else_airvecs_else_the_references(client, tmp_path):
    ours, theirs, given = (tmp_path / name for name in ("ours", "theirs", "given"))
    assert client.encode("'org/words'", SENTENCE_TRANSFORMERS_HOME=str(theirs))[1] is None
    assert cached(theirs) == {"models--org--words"}
    both = {"AIRVEC_CACHE": str(ours), "SENTENCE_TRANSFORMERS_HOME": str(tmp_path / "nowhere")}
    assert client.encode("'org/words'", **both)[1] is None
    assert cached(ours) == {"models--org--words"}
    assert client.encode(f"'org/words', cache_folder={str(given)!r}", AIRVEC_CACHE=str(tmp_path / "nowhere"))[1] is None
    assert cached(given) == {"models--org--words"}
    assert not (tmp_path / "nowhere").exists()
    assert not cached(client.home / "hub")


def test_the_command_line_says_what_is_wrong_in_one_line(hub, client):
    hub.status = 403
    done = client.run("-m", "airvec.cli.main", "encode", "a", "--model", "org/unknown")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("airvec: error: org/unknown: the Hub answers 403: a private or gated model")
    assert done.stderr.count("\n") == 1


def test_a_repository_without_a_graph_says_how_to_make_one(hub, client, words):
    for file in (*(words / "onnx").iterdir(), *(words / "openvino").iterdir()):
        file.unlink()
    _, problem = client.encode("'org/words'")
    assert problem[0] == "ModelNotFoundError"
    assert "org/words: no graph 'model.onnx', and no other there." in problem[1]
    assert problem[1].endswith("airvec export org/words ./words-onnx")
    assert not {"model.safetensors", "pytorch_model.bin"} & set(hub.fetched)


def test_a_repository_with_other_graphs_lists_them(client):
    _, problem = client.encode("'org/words', variant='int4'")
    assert problem[0] == "ModelNotFoundError"
    assert "no graph 'model_int4.onnx', expected one of onnx/model.onnx, onnx/model_O3.onnx" in problem[1]


def test_a_damaged_modules_file_is_named(client, words):
    (words / "modules.json").write_text("[1, 2")
    _, problem = client.encode("'org/words'")
    assert problem[0] == "ModelFolderError"
    assert problem[1].startswith("org/words/modules.json: not valid JSON")


def test_a_folder_needs_no_hub(words):
    code = f"from airvec import SentenceTransformer\nSentenceTransformer({str(words)!r}).encode('a')"
    assert probe(code, absent=("huggingface_hub",)).asked == ()


def test_a_name_without_huggingface_hub_gives_the_pip_line():
    seen = probe("from airvec import SentenceTransformer\nSentenceTransformer('org/words')", ("huggingface_hub",))
    assert seen.problem is not None
    assert seen.problem[0] == "MissingPackageError"
    assert seen.problem[2].startswith("model 'org/words' (no folder of that name exists): needs the package")
    assert 'pip install "airvec[hub]"' in seen.problem[2]


@pytest.mark.parametrize(
    "name", ["a/b/c", "./words", "../words", "/no/such/folder", "~/words", "org/", "/words", "c:\\words", ""]
)
def test_what_can_be_no_name_is_a_folder_that_does_not_exist(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFoundError) as missing:
        find_model(name, "org", ("model.onnx",), HubOptions())
    assert str(missing.value).startswith(f"{name or repr(name)}: no such folder.")


def test_a_file_is_no_model_folder(words):
    with pytest.raises(ModelNotFoundError, match="model.onnx: a file, expected a model folder"):
        find_model(words / "onnx" / "model.onnx", "org", ("model.onnx",), HubOptions())


@pytest.mark.parametrize("name", [None, 3, ["org/words"]])
def test_what_is_neither_text_nor_path_is_refused(name):
    with pytest.raises(ArgumentError, match="model_name_or_path: .*, expected a str or a path"):
        find_model(name, "org", ("model.onnx",), HubOptions())


def test_a_folder_wins_over_a_name(tmp_path, monkeypatch):
    (tmp_path / "org" / "words").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert find_model(".", "sentence-transformers", ("model.onnx",), HubOptions()) == "."
    assert find_model("org/words", "sentence-transformers", ("model.onnx",), HubOptions()) == "org/words"
