"""Packing a model by its name on the Hub: only what is packed is fetched, heads and card included."""

import pytest

from tests.folders import word_model
from tests.hub_process import Client
from tests.hub_server import Hub, serving
from tests.multi_folders import COLBERT, SPARSE, multi_model
from tests.sparse_folders import splade_model

PACK = """from airvec.deploy.model import pack_model
        packed = pack_model({}, 'packed', {})
        result = [packed.source, packed.variant, sorted(packed.files)]"""


@pytest.fixture
def hub(tmp_path):
    words = word_model(tmp_path / "there" / "words")
    for name in ("pytorch_model.bin", "model.safetensors", "onnx/model_O3.onnx"):
        (words / name).write_bytes(b"large")
    (words / "README.md").write_text("# A card")
    heads = multi_model(tmp_path / "there" / "heads")
    splade = splade_model(tmp_path / "there" / "splade", graphs=("model", "model_fused"))
    names = {"org/words": words, "sentence-transformers/words": words, "org/heads": heads, "sparse-encoder/s": splade}
    with serving(Hub(names)) as running:
        yield running


@pytest.fixture
def client(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Client(tmp_path / "home", hub.address)


def test_only_what_is_packed_is_fetched_and_the_card_comes_along(hub, client):
    found = client.attempt(PACK.format("'org/words'", ""))
    assert found.problem is None, found.message
    source, variant, files = found.result
    assert (source, variant) == ("org/words", "fp32")
    assert {"README.md", "onnx/model.onnx"} <= set(files)
    assert {name for name in hub.fetched if not name.endswith(".json")} == {"onnx/model.onnx", "README.md"}


def test_a_bare_name_is_one_of_the_organisation_of_its_class(client):
    assert client.attempt(PACK.format("'words'", "")).result[0] == "sentence-transformers/words"
    found = client.attempt(PACK.format("'s'", "kind='SparseEncoder'"))
    assert found.result[:2] == ["sparse-encoder/s", "fused"]


def test_heads_for_tokens_come_with_a_model_that_has_them(client):
    found = client.attempt(PACK.format("'org/heads'", ""))
    assert {SPARSE, COLBERT} <= set(found.result[2])


def test_a_variant_that_the_hub_has_not_names_those_it_has(client):
    found = client.attempt(PACK.format("'org/words'", "variant='int8', arch='arm64'"))
    assert "no graph" in found.message
    assert "onnx/model_O3.onnx" in found.message
