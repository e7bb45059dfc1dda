"""Mirrors trainer/airvec_trainer/adapters.py and adapter_folder.py: LoRA on tiny models."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, PromptTuningConfig

from airvec import errors
from airvec.errors import ArgumentError, MissingPackageError, ModelFolderError
from airvec_trainer import adapters
from airvec_trainer.adapters import has_adapters, with_adapters_merged
from airvec_trainer.cross_encoder import CrossEncoder
from airvec_trainer.sentence_transformer import SentenceTransformer
from tests import tiny
from tests.tiny.adapters import plain_adapter

TEXTS = tiny.texts(6)


def lora(**more: Any) -> LoraConfig:
    return LoraConfig(**{"r": 4, "target_modules": ["query", "value"], "init_lora_weights": False, **more})


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.tiny_checkpoint(tmp_path_factory.mktemp("adapters") / "base", dense="Tanh")


@pytest.fixture
def model(base: Path) -> SentenceTransformer:
    return SentenceTransformer(base, device="cpu")


def moved(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first - second).max())


def test_adapters_are_added_switched_and_taken_off(model: SentenceTransformer):
    plain = model.encode(TEXTS)
    torch.manual_seed(0)
    model.add_adapter(lora(), "one")
    one = model.encode(TEXTS)
    model.add_adapter(lora(), "two")
    two = model.encode(TEXTS)
    assert min(moved(plain, one), moved(plain, two), moved(one, two)) > 0.01
    model.set_adapter("one")
    assert (model.active_adapters(), model.active_adapter()) == (["one"], "one")
    assert moved(model.encode(TEXTS), one) == 0
    model.disable_adapters()
    assert moved(model.encode(TEXTS), plain) == 0
    model.enable_adapters()
    assert moved(model.encode(TEXTS), one) == 0
    model.set_adapter("two")
    model.delete_adapter("one")
    assert moved(model.encode(TEXTS), two) == 0


def test_only_the_adapter_of_the_transformer_trains(model: SentenceTransformer):
    model.add_adapter(lora())
    trains = [name for name, weight in model.named_parameters() if weight.requires_grad]
    inside = [name for name in trains if name.startswith("0.")]
    assert len(inside) == 2 * 2 * tiny.LAYERS
    assert all("lora_" in name for name in inside)
    assert {name for name in trains if not name.startswith("0.")} == {"2.linear.weight", "2.linear.bias"}
    assert set(model.get_adapter_state_dict()) == {
        name.removeprefix("0.model.").replace(".default.", ".") for name in inside
    }


def test_a_saved_model_holds_the_adapter_and_no_weights_of_its_base(model: SentenceTransformer, tmp_path: Path):
    model.add_adapter(lora())
    wanted = model.encode(TEXTS)
    model.save_pretrained(tmp_path / "saved")
    files = {path.relative_to(tmp_path / "saved").as_posix() for path in (tmp_path / "saved").rglob("*")}
    assert {"adapter_model.safetensors", "adapter_config.json", "modules.json", "tokenizer.json"} < files
    assert not {"model.safetensors", "config.json"} & files
    assert "2_Dense/model.safetensors" in files
    assert moved(model.encode(TEXTS), wanted) == 0


def test_a_saved_adapter_loads_on_the_base_that_the_caller_gives(
    model: SentenceTransformer, base: Path, tmp_path: Path
):
    model.add_adapter(lora())
    with torch.no_grad():
        model[2].linear.weight.mul_(1.5)
    wanted = model.encode(TEXTS)
    model.save_pretrained(tmp_path / "saved")
    with pytest.raises(ModelFolderError, match='a path out of the adapter.*give it: model_kwargs=."base": …'):
        SentenceTransformer(tmp_path / "saved")
    again = SentenceTransformer(tmp_path / "saved", model_kwargs={"base": base}, device="cpu")
    assert moved(again.encode(TEXTS), wanted) == 0
    assert [name for name, weight in again.named_parameters() if weight.requires_grad and name.startswith("0.")]
    fresh = SentenceTransformer(base, device="cpu")
    fresh.load_adapter(tmp_path / "saved", local_files_only=True)
    assert moved(fresh.encode(TEXTS), wanted) > 0  # without the Dense layer, which was trained, too
    fresh.load_weights(tmp_path / "saved")
    assert moved(fresh.encode(TEXTS), wanted) == 0


def test_a_base_inside_the_folder_needs_no_word(model: SentenceTransformer, base: Path, tmp_path: Path):
    model.add_adapter(lora())
    model.save_pretrained(tmp_path / "saved")
    (tmp_path / "saved" / "base").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "saved" / "base" / name).write_bytes((base / name).read_bytes())
    tiny.change(tmp_path / "saved" / "adapter_config.json", {"base_model_name_or_path": "base"})
    assert moved(SentenceTransformer(tmp_path / "saved", device="cpu").encode(TEXTS), model.encode(TEXTS)) == 0


def test_a_reranker_s_adapter_brings_its_head(base: Path, tmp_path: Path):
    torch.manual_seed(0)
    model = CrossEncoder(base, num_labels=3, device="cpu")
    model.add_adapter(lora(modules_to_save=["classifier"]))
    pairs = tiny.pairs(4)
    wanted = model.predict(pairs)
    model.save_pretrained(tmp_path / "saved")
    again = CrossEncoder(tmp_path / "saved", model_kwargs={"base": base}, device="cpu")
    assert again.num_labels == 3
    assert moved(again.predict(pairs), wanted) == 0


def test_a_reranker_s_adapter_without_a_head_is_refused_on_a_base_that_has_none(base: Path, tmp_path: Path):
    model = CrossEncoder(base, device="cpu")
    with pytest.warns(errors.AirvecWarning, match=r"add_adapter: .* fresh head of base is neither trained"):
        model.add_adapter(lora())
    model.save_pretrained(tmp_path / "saved")
    with pytest.raises(ModelFolderError, match=r"2 weights are missing, the first 'classifier\.bias'"):
        CrossEncoder(tmp_path / "saved", model_kwargs={"base": base})


def test_the_name_of_a_base_from_the_hub_s_cache_is_the_hub_s(base: Path, tmp_path: Path):
    snapshot = tmp_path / "models--org--words" / "snapshots" / "0a1b2c"
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(base)
    model = SentenceTransformer(snapshot, device="cpu")
    model.add_adapter(lora())
    model.save_pretrained(tmp_path / "saved")
    config = json.loads((tmp_path / "saved" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("org/words", "0a1b2c")
    model.load_weights(tmp_path / "saved")  # no network: where the base lies is known


def test_merging_leaves_the_model_alone_and_gives_its_vectors(model: SentenceTransformer):
    torch.manual_seed(0)
    model.add_adapter(lora())
    wanted = model.encode(TEXTS)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    merged = with_adapters_merged(model)
    assert (has_adapters(model), has_adapters(merged)) == (True, False)
    assert moved(merged.encode(TEXTS), wanted) <= 1e-5
    assert not [name for name in merged.state_dict() if "lora" in name or "base_layer" in name]
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert with_adapters_merged(merged) is merged


@pytest.mark.parametrize("call", [
    "set_adapter", "enable_adapters", "disable_adapters", "active_adapters", "get_adapter_state_dict", "delete_adapter",
])  # fmt: skip
def test_without_an_adapter_there_is_nothing_to_switch(model: SentenceTransformer, call: str):
    arguments = ["one"] if call in {"set_adapter", "delete_adapter"} else []
    with pytest.raises(ArgumentError, match=f"{call}: BertModel has no adapter. Add one first"):
        getattr(model, call)(*arguments)


@pytest.mark.parametrize("call", ["set_adapter", "get_adapter_state_dict", "delete_adapter"])
def test_names_of_adapters_are_checked(model: SentenceTransformer, call: str):
    model.add_adapter(lora())
    with pytest.raises(ArgumentError, match=f"{call}: 'other', expected one of 'default'"):
        getattr(model, call)("other")


@pytest.mark.parametrize("config", [
    lora(target_modules=["nowhere"]), PromptTuningConfig(num_virtual_tokens=4, task_type="FEATURE_EXTRACTION"),
])  # fmt: skip
def test_settings_that_do_not_fit_are_refused(model: SentenceTransformer, config: Any):
    with pytest.raises(ArgumentError, match="add_adapter: .*Config does not fit BertModel"):
        model.add_adapter(config)


def test_an_adapter_of_another_model_is_refused(model: SentenceTransformer, tmp_path: Path):
    other = tiny.tiny_checkpoint(tmp_path / "other", "distilbert")
    plain_adapter(tmp_path / "lora", other, target_modules=["q_lin"])
    with pytest.raises((ArgumentError, ModelFolderError), match="lora"):
        model.load_adapter(tmp_path / "lora")
    with pytest.raises(ArgumentError, match=r"load_adapter: .*gone' cannot be loaded on DistilBertModel"):
        SentenceTransformer(tmp_path / "other", device="cpu").load_adapter(tmp_path / "gone", local_files_only=True)


def test_a_model_of_tables_has_no_adapters(tmp_path: Path):
    class Tables(adapters.Adapters):
        transformers_model = None

    with pytest.raises(ArgumentError, match="add_adapter: the model has no Transformer"):
        Tables().add_adapter(lora())


def test_without_peft_the_extra_is_named(model: SentenceTransformer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r'pip install "airvec\[peft\]"'):
        model.add_adapter(lora())
