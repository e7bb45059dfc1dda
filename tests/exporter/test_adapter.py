"""Mirrors exporter/airvec_exporter/adapter.py: where the base model is found, and which adapters are refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from peft import PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file

from airvec.errors import AirvecError, MissingPackageError, ModelFolderError, ModelNotFoundError
from airvec_exporter.errors import ExportError
from airvec_exporter.load import load
from airvec_exporter.merging import whole_checkpoint
from tests import tiny
from tests.hub_process import Client
from tests.hub_server import Hub, serving
from tests.tiny.adapters import plain_adapter, whole

WEIGHTS = "adapter_model.safetensors"
MERGE = """from pathlib import Path
        from airvec_exporter.fetch import find_checkpoint
        from airvec_exporter.merging import whole_checkpoint
        with whole_checkpoint(find_checkpoint('org/adapter')) as folder:
            result = [folder.name, sorted(path.name for path in folder.iterdir())]"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny.tiny_checkpoint(tmp_path / "base")


@pytest.fixture
def folder(tmp_path: Path, base: Path) -> Path:
    return plain_adapter(tmp_path / "model", base)


def refused(folder: Path, kind: str | None = None, *, base: str | None = "base") -> AirvecError:
    """What a merge with the folder of that name beside it for a base is refused with; None = what the adapter says."""
    with pytest.raises(AirvecError) as caught, whole_checkpoint(folder, kind, base and folder.parent / base):
        pass
    return caught.value


def state(folder: Path) -> dict[str, Any]:
    return load_file(folder / WEIGHTS)


def test_an_adapter_and_its_base_come_from_the_hub_by_name(tmp_path: Path, base: Path):
    folder = plain_adapter(tmp_path / "adapter", base)
    tiny.change(folder / "adapter_config.json", {"base_model_name_or_path": "org/base"})
    with serving(Hub({"org/adapter": folder, "org/base": base})) as hub:
        outcome = Client(tmp_path / "home", hub.address).attempt(MERGE)
        assert outcome.problem is None
        assert outcome.result[0] == "adapter"
        assert {"config.json", "model.safetensors", "tokenizer.json"} < set(outcome.result[1])
        assert set(hub.fetched) >= {"adapter_config.json", WEIGHTS, "model.safetensors", "tokenizer.json"}


def test_a_base_that_is_not_there_is_named_with_the_file_that_names_it(folder: Path):
    tiny.change(folder / "adapter_config.json", {"base_model_name_or_path": "no where"})
    error = refused(folder, base=None)
    assert isinstance(error, ModelNotFoundError)
    assert str(error).startswith("model/adapter_config.json: 'base_model_name_or_path' is 'no where', which was not")


@pytest.mark.parametrize("stated", ["../base", "{parent}/base", "./nowhere", "base"])
def test_a_path_out_of_the_adapter_s_folder_is_read_only_where_the_caller_gives_it(
    folder: Path, stated: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(folder.parent)
    stated = stated.format(parent=folder.parent)
    tiny.change(folder / "adapter_config.json", {"base_model_name_or_path": stated})
    error = refused(folder, base=None)
    assert isinstance(error, ModelFolderError)
    assert f"'base_model_name_or_path' is {stated!r}, a path out of the adapter's folder, expected" in str(error)
    with whole_checkpoint(folder, base=folder.parent / "base") as found:
        assert (found / "model.safetensors").is_file()


def test_a_base_inside_the_adapter_s_folder_is_found(folder: Path, base: Path):
    base.rename(folder / "base")
    tiny.change(folder / "adapter_config.json", {"base_model_name_or_path": "./base"})
    with whole_checkpoint(folder) as found:
        assert (found / "model.safetensors").is_file()


@pytest.mark.parametrize("stated", [None, ""])
def test_an_adapter_that_names_no_base_is_refused(folder: Path, stated: str | None):
    tiny.change(folder / "adapter_config.json", {"base_model_name_or_path": stated})
    assert "'base_model_name_or_path' is" in str(refused(folder, base=None))


def test_a_base_that_is_an_adapter_is_refused(tmp_path: Path, folder: Path):
    second = plain_adapter(tmp_path / "second", tmp_path / "base")
    assert "is an adapter itself, expected a whole model" in str(refused(second, base=folder.name))


def test_a_base_without_config_is_refused(folder: Path, base: Path):
    (base / "config.json").unlink()
    assert "no config.json in its base model" in str(refused(folder))


def test_an_adapter_without_weights_or_with_damaged_ones_is_refused(folder: Path):
    whole_file = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole_file[:100])
    error = refused(folder)
    assert isinstance(error, ModelFolderError)
    assert "model: the adapter's weights are not a file of tensors" in str(error)
    (folder / WEIGHTS).unlink()
    assert "no adapter_model.safetensors beside it" in str(refused(folder))


def test_weights_of_another_model_are_refused(folder: Path):
    stored = state(folder)
    first = min(stored)
    save_file({**stored, first.replace("layer.0", "layer.7"): stored[first].clone()}, folder / WEIGHTS)
    assert "holds 1 weights that BertModel has no place for, the first" in str(refused(folder))
    save_file({name: tensor for name, tensor in stored.items() if name != first}, folder / WEIGHTS)
    assert "lacks 1 weights that its settings say it has for BertModel" in str(refused(folder))


def test_an_adapter_made_for_other_modules_is_refused_by_peft(folder: Path):
    tiny.change(folder / "adapter_config.json", {"target_modules": ["q_proj"]})
    error = refused(folder)
    assert isinstance(error, ExportError)
    assert str(error).startswith("model/adapter_config.json: peft cannot merge the adapter into base: ")


def test_a_head_that_neither_brings_is_an_error_not_random_numbers(folder: Path):
    tiny.change(folder / "adapter_config.json", {"task_type": None})
    assert "weights are missing, the first 'classifier.bias'" in str(refused(folder, "rerank"))


def test_prompts_that_were_learnt_are_no_adapter_to_merge(tmp_path: Path, base: Path):
    folder = tmp_path / "model"
    settings = PromptTuningConfig(task_type="FEATURE_EXTRACTION", num_virtual_tokens=4)
    get_peft_model(whole(base), settings).save_pretrained(folder)
    assert "peft_type is 'PROMPT_TUNING', which changes what the model reads" in str(refused(folder))


def test_without_peft_the_pip_line_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    error = refused(folder)
    assert isinstance(error, MissingPackageError)
    assert "model (adapter_config.json): needs the package peft" in str(error)
    assert 'pip install "airvec[peft]"' in str(error)


def test_an_adapter_is_never_loaded_unmerged(tmp_path: Path, base: Path, folder: Path):
    copied = shutil.copytree(base, tmp_path / "both")
    for name in (WEIGHTS, "adapter_config.json"):
        shutil.copy(folder / name, copied / name)
    assert json.loads((copied / "config.json").read_text())["model_type"] == "bert"
    with pytest.raises(ModelFolderError, match=r"both/adapter_config.json: the settings of an adapter, expected"):
        load(copied)
