"""Mirrors exporter/airvec_exporter/merging.py: adapters on tiny models against peft's and the reference's answers."""

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig
from safetensors.torch import load_file

from airvec_exporter.folder import write_folder
from airvec_exporter.load import Checkpoint, load
from airvec_exporter.merging import adapter_homes, whole_checkpoint
from airvec_exporter.reference import reference
from tests import tiny
from tests.exporter import shapes
from tests.tiny.adapters import embedded_adapter, plain_adapter, unmerged

FEATURES, FILL_MASK, CLASSIFY = "feature-extraction", "fill-mask", "sequence-classification"
MODELS = {
    FEATURES: (tiny.tiny_checkpoint, "SentenceTransformer"),
    FILL_MASK: (tiny.sparse_checkpoint, "SparseEncoder"),
    CLASSIFY: (tiny.reranker_checkpoint, "CrossEncoder"),
}


@pytest.fixture
def opened():
    """Opens a checkpoint whose temporary folder lasts as long as the test."""
    with ExitStack() as stack:

        def run(folder: Path, kind: str | None = None) -> Checkpoint:
            return load(stack.enter_context(whole_checkpoint(folder, kind, folder.parent / "base")), kind)

        yield run


def checkpoint_with_adapter(home: Path, task: str) -> tuple[Path, Path]:
    """A sentence-transformers folder with an adapter for weights, and its base model."""
    make = MODELS[task][0]
    base = make(home / "base")
    return embedded_adapter(make(home / "model"), base, task), base


def logits(loaded: Checkpoint, model: torch.nn.Module) -> np.ndarray:
    """A body's first output on a few texts or pairs."""
    inputs = tiny.pairs(6) if loaded.kind == "CrossEncoder" else tiny.texts(6)
    with torch.no_grad():
        return model(**loaded.body.tokenize(inputs))[0].numpy()


def test_a_checkpoint_without_an_adapter_is_itself(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "model")
    (folder / "checkpoint-5").mkdir()
    (folder / "checkpoint-5" / "adapter_config.json").write_text("{}")
    with whole_checkpoint(folder) as found:
        assert found == folder


@pytest.mark.parametrize("task", MODELS)
def test_a_merged_body_gives_what_peft_gives_unmerged(tmp_path: Path, opened: Callable[..., Checkpoint], task: str):
    folder, base = checkpoint_with_adapter(tmp_path, task)
    if task == CLASSIFY:  # a classifier is a plain folder
        shutil.rmtree(folder)
        plain_adapter(folder, base, task)
    loaded = opened(folder)
    assert loaded.kind == MODELS[task][1]
    labels = {"num_labels": 1} if task == CLASSIFY else {}
    found, wanted = logits(loaded, loaded.body.model), logits(loaded, unmerged(folder, base, task, **labels))
    before = logits(loaded, load(base).body.model)
    assert np.abs(wanted - before).max() > 0.1
    assert np.abs(found - wanted).max() <= 1e-5 * max(1, np.abs(wanted).max())


def test_a_head_that_the_adapter_brings_is_the_model_s_whatever_the_base_had(
    tmp_path: Path, opened: Callable[..., Checkpoint]
):
    base = tiny.tiny_checkpoint(tmp_path / "base")  # no head at all
    for name in ("modules.json", "config_sentence_transformers.json"):
        (base / name).unlink()
    folder = plain_adapter(tmp_path / "model", base, CLASSIFY)
    loaded = opened(folder)
    head = loaded.body.model.classifier.weight
    stored = load_file(folder / "adapter_model.safetensors")["base_model.model.classifier.weight"]
    assert (loaded.kind, type(loaded.body.model).__name__) == ("CrossEncoder", "BertForSequenceClassification")
    assert torch.equal(head, stored)
    assert head.shape[0] == 1


def test_a_plain_adapter_takes_the_tokenizer_and_the_limit_of_its_base(
    tmp_path: Path, opened: Callable[..., Checkpoint]
):
    base = tiny.tiny_checkpoint(tmp_path / "base", "roberta", generation="new", max_seq_length=48)
    loaded = opened(plain_adapter(tmp_path / "model", base))
    assert [type(module).__name__ for module in loaded.route().modules] == ["Pooling"]
    assert (loaded.body.limits.max_length, loaded.body.limits.pad_id) == (48, 1)


def test_a_whole_model_with_an_adapter_beside_it_is_its_own_base(tmp_path: Path, opened: Callable[..., Checkpoint]):
    folder, base = checkpoint_with_adapter(tmp_path, FEATURES)
    wanted = reference(opened(folder), tiny.texts(6))
    for name in ("config.json", "model.safetensors"):
        shutil.copy(base / name, folder / name)
    tiny.change(folder / "adapter_config.json", {"base_model_name_or_path": "no/such-model"})
    assert np.array_equal(reference(opened(folder), tiny.texts(6)), wanted)


def test_adapters_in_the_routes_of_a_model_are_merged(tmp_path: Path, opened: Callable[..., Checkpoint]):
    folder = shapes.inference_free(tmp_path / "model")
    base = shutil.copytree(folder / "document_0_MLMTransformer", tmp_path / "base")
    home = embedded_adapter(folder / "document_0_MLMTransformer", base, FILL_MASK)
    assert adapter_homes(folder) == [home]
    loaded = opened(folder)
    body = loaded.route("document").body
    inputs = body.tokenize(tiny.texts(6))
    with torch.no_grad():
        found, wanted = body.model(**inputs)[0], unmerged(home, base, FILL_MASK)(**inputs)[0]
    assert (found - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def test_what_is_written_is_a_whole_model(tmp_path: Path, opened: Callable[..., Checkpoint]):
    folder, base = checkpoint_with_adapter(tmp_path, FEATURES)
    loaded, out = opened(folder), tmp_path / "out"
    out.mkdir()
    write_folder(loaded, out)
    assert not list(out.rglob("adapter_*"))
    config = json.loads((base / "config.json").read_text())
    assert json.loads((out / "config.json").read_text()) == config
    before, after = load_file(base / "model.safetensors"), load_file(out / "model.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if ".query.weight" in name or ".value.weight" in name}
    assert np.array_equal(reference(load(out), tiny.texts(6)), reference(loaded, tiny.texts(6)))


def test_the_temporary_folder_is_gone_afterwards(tmp_path: Path):
    folder, base = checkpoint_with_adapter(tmp_path, FEATURES)
    with whole_checkpoint(folder, base=base) as found:
        assert found.name == folder.name
        assert (found / "model.safetensors").is_file()
    assert not found.parent.parent.exists()


@pytest.mark.parity
@pytest.mark.parametrize("task", [FEATURES, FILL_MASK])
@pytest.mark.parametrize("rewritten", [False, True], ids=["5.3", "6.2"])
def test_merged_models_are_the_reference_s_with_the_adapter_unmerged(
    tmp_path: Path, opened: Callable[..., Checkpoint], task: str, rewritten: bool
):
    import sentence_transformers

    folder, _ = checkpoint_with_adapter(tmp_path, task)
    model = getattr(sentence_transformers, MODELS[task][1])(str(folder), device="cpu")
    if rewritten:  # in the reference's own words
        folder = tmp_path / "saved"
        model.save_pretrained(str(folder))
        assert (folder / "adapter_config.json").is_file()
    every = {} if task == FEATURES else {"convert_to_sparse_tensor": False}
    wanted = np.asarray(model.encode(tiny.texts(8), **every))
    found = reference(opened(folder), tiny.texts(8))
    assert wanted.std(axis=0).max() > 0.01
    assert np.abs(found - wanted).max() <= 1e-5 * max(1, np.abs(wanted).max())


@pytest.mark.parity
def test_a_merged_reranker_is_the_reference_s(tmp_path: Path, opened: Callable[..., Checkpoint]):
    import sentence_transformers

    base, folder = tiny.reranker_checkpoint(tmp_path / "base"), tmp_path / "model"
    model = sentence_transformers.CrossEncoder(str(base), device="cpu")
    before = model.predict(tiny.pairs(8))
    targets = {"r": 4, "target_modules": ["query", "value"], "modules_to_save": ["classifier"]}
    model.add_adapter(LoraConfig(task_type="SEQ_CLS", init_lora_weights=False, **targets))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.add_(0.3 if "modules_to_save" in name and name.endswith("bias") else 0)
    model.save_pretrained(str(folder))
    wanted = model.predict(tiny.pairs(8))
    found = reference(opened(folder), tiny.pairs(8))[:, 0]
    assert wanted.std() > 0.01
    assert np.abs(wanted - before).max() > 0.1
    assert np.abs(found - wanted).max() <= 1e-5 * max(1, np.abs(wanted).max())
