"""Mirrors runtime/airvec/hub.py: the real huggingface_hub client against a small hub on the loopback address.

The client reads HF_ENDPOINT when it is imported, so each case is a process of its own.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from airvec.errors import ArgumentError, ModelNotFoundError
from airvec.hub import HubOptions, find_model
from tests.folders import OLD, rows_of, static_model, table, word_model, write_json, write_modules, write_tensors
from tests.house.probe import probe
from tests.hub_server import Hub, serving

ENCODE = "result = SentenceTransformer({}).encode('a b').tolist()"
TRY = """
import json
from airvec import SentenceTransformer
from airvec.errors import AirvecError
result = problem = None
try:
    {}
except AirvecError as error:
    problem = [type(error).__name__, str(error)]
print("\\n" + json.dumps([result, problem]))
"""
SETTINGS = {
    "1_Pooling/config.json", "config.json", "config_sentence_transformers.json", "modules.json",
    "sentence_bert_config.json", "tokenizer.json", "tokenizer_config.json",
}  # fmt: skip
MEAN_OF_A_B = rows_of("a", "b").mean(axis=0)


@dataclass
class Client:
    """Runs code in a fresh process that knows the hub's address and has a cache of its own."""

    home: Path
    endpoint: str

    def environment(self, **more: str) -> dict[str, str]:
        quiet = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        dropped = ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "AIRVEC_CACHE", "SENTENCE_TRANSFORMERS_HOME")
        clean = {name: value for name, value in os.environ.items() if name not in dropped}
        return clean | {"HF_ENDPOINT": self.endpoint, "HF_HOME": str(self.home), "AIRVEC_THREADS": "1"} | quiet | more

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(command, env=self.environment(**more), capture_output=True, text=True, check=False)

    def encode(self, arguments: str, **more: str):
        """The embedding of "a b", and the name and message of airvec's error; one of them is None."""
        done = self.run("-c", TRY.format(ENCODE.format(arguments)), **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def words(tmp_path) -> Path:
    """A model as the Hub has them: torch's weights in two forms, and more graphs than one."""
    folder = word_model(tmp_path / "repositories" / "words")
    for name in ("pytorch_model.bin", "model.safetensors", "onnx/model_O3.onnx", "onnx/model_int8.onnx", "README.md"):
        (folder / name).write_bytes(b"large")
    (folder / "openvino").mkdir()
    (folder / "openvino" / "openvino_model.xml").write_bytes(b"large")
    return folder


@pytest.fixture
def hub(words):
    with serving(Hub({"org/words": words})) as running:
        yield running


@pytest.fixture
def client(hub, tmp_path) -> Client:
    return Client(tmp_path / "home", hub.address)


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
    assert "org/words: not fetched (RevisionNotFoundError" in problem[1]


def test_what_was_fetched_works_when_the_hub_is_gone_and_nothing_else_does(words, tmp_path):
    with serving(Hub({"org/words": words})) as hub:
        client = Client(tmp_path / "home", hub.address)
        _, problem = client.encode("'org/words', local_files_only=True")
        assert problem[0] == "ModelNotFoundError"
        assert "org/words: not fetched (LocalEntryNotFoundError" in problem[1]
        assert hub.fetched == []
        assert client.encode("'org/words'")[1] is None
    for offline in ({}, {"HF_HUB_OFFLINE": "1"}):
        assert client.encode("'org/words'", **offline)[1] is None
    assert client.encode("'org/words', local_files_only=True")[1] is None
    _, problem = client.encode("'org/words', local_files_only=True, variant='int8'")
    assert problem[0] == "ModelNotFoundError"
    assert "onnx/model_int8.onnx" in problem[1]
    _, problem = client.encode("'org/other'")
    assert problem[1].startswith("org/other: not fetched (")


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


def test_a_private_model_needs_its_token(hub, client):
    hub.token = "hf_right"
    _, problem = client.encode("'org/words'")
    assert problem[0] == "ModelNotFoundError"
    assert "private model, token=" in problem[1]
    assert client.encode("'org/words', token='hf_right'")[1] is None


@pytest.mark.parametrize("status", [None, 401, 403, 500])
def test_a_hub_that_refuses_is_one_line_that_names_the_repository(hub, client, status):
    hub.status = status
    done = client.run("-m", "airvec.cli.main", "encode", "a", "--model", "org/unknown")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("airvec: error: org/unknown: not fetched (")
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("or give a local folder's path.\n")


def test_a_repository_without_a_graph_says_how_to_make_one(client, words):
    for file in (words / "onnx").iterdir():
        file.unlink()
    _, problem = client.encode("'org/words'")
    assert problem[0] == "ModelNotFoundError"
    assert "org/words: no graph 'model.onnx', and no other there." in problem[1]
    assert "hf download org/words --local-dir words && airvec export words words-onnx" in problem[1]


def test_a_repository_with_other_graphs_lists_them(client):
    _, problem = client.encode("'org/words', variant='int4'")
    assert problem[0] == "ModelNotFoundError"
    assert "no graph 'model_int4.onnx', expected one of onnx/model.onnx, onnx/model_O3.onnx" in problem[1]


def test_a_damaged_modules_file_is_named(client, words):
    (words / "modules.json").write_text("[1, 2")
    _, problem = client.encode("'org/words'")
    assert problem[0] == "ModelFolderError"
    assert "modules.json: not valid JSON" in problem[1]


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
        find_model(name, "org", "model.onnx", HubOptions())
    assert str(missing.value).startswith(f"{name or repr(name)}: no such folder.")


def test_a_file_is_no_model_folder(words):
    with pytest.raises(ModelNotFoundError, match="model.onnx: a file, expected a model folder"):
        find_model(words / "onnx" / "model.onnx", "org", "model.onnx", HubOptions())


@pytest.mark.parametrize("name", [None, 3, ["org/words"]])
def test_what_is_neither_text_nor_path_is_refused(name):
    with pytest.raises(ArgumentError, match="model_name_or_path: .*, expected a str or a path"):
        find_model(name, "org", "model.onnx", HubOptions())


def test_a_folder_wins_over_a_name(tmp_path, monkeypatch):
    (tmp_path / "org" / "words").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert find_model(".", "sentence-transformers", "model.onnx", HubOptions()) == Path()
    assert find_model("org/words", "sentence-transformers", "model.onnx", HubOptions()) == Path("org/words")
