"""Mirrors trainer/airvec_trainer/loading.py: a folder or a name → modules."""

import json
from pathlib import Path

import pytest
import torch

from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.folder import read_folder
from airvec_exporter.transformer import TransformerOptions
from airvec_trainer import loading
from airvec_trainer.loading import HubArguments, LoadOptions, find, load_folder, load_modules
from airvec_trainer.modules import Dense, Router
from airvec_trainer.sentence_transformer import SentenceTransformer
from tests import tiny
from tests.hub_process import Client
from tests.hub_server import Hub, serving
from tests.tiny.checkpoints import write_body
from tests.trainer.static_models import table

FIND = """from airvec_trainer.loading import HubArguments, find
        result = find("org/model", "sentence-transformers", HubArguments()).as_posix()"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "model", dense="GELU")


def test_modules_come_by_number_in_evaluation_mode(folder: Path):
    modules = load_modules(load_folder(folder, "SentenceTransformer"), LoadOptions())
    assert {name: type(module).__name__ for name, module in modules.items()} == {
        "0": "Transformer", "1": "Pooling", "2": "Dense", "3": "Normalize",
    }  # fmt: skip
    assert not any(part.training for module in modules.values() for part in module.modules())


def test_options_reach_the_transformer_and_its_tokenizer(folder: Path):
    options = LoadOptions(
        TransformerOptions({"hidden_dropout_prob": 0.3}, {"dtype": torch.float16}), {"padding_side": "left"}
    )
    body = load_modules(load_folder(folder, "SentenceTransformer"), options)["0"]
    assert (body.config.hidden_dropout_prob, body.model.dtype) == (0.3, torch.float16)
    assert body.preprocess(["one", "a longer text"])["attention_mask"][0, 0] == 0


def test_a_folder_of_another_class_is_refused(tmp_path: Path):
    folder = tiny.sparse_checkpoint(tmp_path / "sparse")
    with pytest.raises(ModelFolderError, match="model_type is 'SparseEncoder', expected 'SentenceTransformer'"):
        SentenceTransformer(folder)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("sentence_transformers.models.LSTM", "module type 'LSTM', expected one of Dense, Dropout"),
        ("mine.Layer", "has type 'mine.Layer', which is code outside"),
    ],
)
def test_an_unknown_module_is_named(kind: str, message: str, tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "model")
    entries = json.loads((folder / "modules.json").read_text())
    entries[1]["type"] = kind
    (folder / "modules.json").write_text(json.dumps(entries))
    with pytest.raises(ModelFolderError, match=message):
        SentenceTransformer(folder)


def test_a_missing_head_is_an_error_unless_it_may_be_new(tmp_path: Path):
    folder = write_body(tmp_path / "base", tiny.tiny_body("bert"), "bert", padding_side="right", limit=64)
    found = read_folder(folder, "CrossEncoder")
    with pytest.raises(ModelFolderError, match="2 weights are missing, the first 'classifier.bias'"):
        load_modules(found, LoadOptions())
    options = LoadOptions(TransformerOptions({"num_labels": 3}, new_head=True))
    body = load_modules(found, options)["0"]
    assert body(body.preprocess([("one", "two")]))["scores"].shape == (1, 3)


def test_a_module_in_two_routes_is_loaded_once(tmp_path: Path):
    shared = table()
    router = Router({"query": [shared, Dense(4, 3)], "document": [shared, Dense(4, 3)]}, default_route="document")
    SentenceTransformer(modules=[router], device="cpu").save_pretrained(tmp_path / "model")
    loaded = load_modules(load_folder(tmp_path / "model", "SentenceTransformer"), LoadOptions())["0"]
    assert isinstance(loaded, Router)
    assert loaded.route("query")[0] is loaded.route("document")[0]
    assert loaded.route("query")[1] is not loaded.route("document")[1]
    assert loaded.default_route == "document"


def test_a_path_is_itself(folder: Path):
    assert find(folder, "sentence-transformers", HubArguments()) == folder


def test_a_bare_name_is_the_organisation_s_or_else_nobody_s(monkeypatch: pytest.MonkeyPatch):
    known = {("ours", "org"), ("plain", None)}

    def find_checkpoint(name: str, *, organisation: str | None, **_: object) -> Path:
        if (name, organisation) not in known:
            raise ModelNotFoundError(f"{organisation}/{name}: not there")
        return Path(f"{organisation}-{name}")

    monkeypatch.setattr(loading, "find_checkpoint", find_checkpoint)
    assert find("ours", "org", HubArguments()) == Path("org-ours")
    assert find("plain", "org", HubArguments()) == Path("None-plain")
    for name in ("absent", "other/absent"):
        with pytest.raises(ModelNotFoundError, match=f"^org/{name}"):
            find(name, "org", HubArguments())


def test_a_name_on_the_hub_is_fetched(folder: Path, tmp_path: Path):
    with serving(Hub({"org/model": folder})) as hub:
        outcome = Client(tmp_path / "home", hub.address).attempt(FIND)
    assert outcome.problem is None
    assert (Path(outcome.result) / "model.safetensors").is_file()
