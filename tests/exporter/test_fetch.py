"""Mirrors exporter/airvec_exporter/fetch.py: checkpoints by name, from a small hub with the real client."""

from pathlib import Path

import pytest

from airvec.errors import ArgumentError, ModelNotFoundError
from airvec_exporter.fetch import CheckpointFiles, find_checkpoint
from tests.folders import OLD, word_model, write_modules
from tests.hub_process import Client
from tests.hub_server import Hub, serving

FETCH = """from airvec_exporter.fetch import find_checkpoint
        result = find_checkpoint({}).as_posix()"""
SETTINGS = {
    "1_Pooling/config.json", "config.json", "config_sentence_transformers.json", "modules.json",
    "sentence_bert_config.json", "tokenizer.json", "tokenizer_config.json",
}  # fmt: skip
OTHERS = ("onnx/model_O3.onnx", "openvino/openvino_model.bin", "tf_model.h5", "flax_model.msgpack", "rust_model.ot",
          "trainer_state.json", "modeling_own.py", "checkpoint-5/model.safetensors")  # fmt: skip


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    """A repository with all that repositories hold."""
    folder = word_model(tmp_path / "repositories" / "words")
    for name in ("model.safetensors", "pytorch_model.bin", "vocab.txt", "README.md", *OTHERS):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)  # equal files are fetched once
    return folder


@pytest.fixture
def hub(checkpoint):
    with serving(Hub({"org/words": checkpoint, "sentence-transformers/words": checkpoint})) as running:
        yield running


def fetched(hub, tmp_path, arguments="'org/words'"):
    """Airvec's outcome, and the files that were asked for."""
    hub.fetched.clear()
    outcome = Client(tmp_path / "home", hub.address).attempt(FETCH.format(arguments))
    return outcome, set(hub.fetched)


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin", "model-00001-of-00002.safetensors"])
def test_a_checkpoint_is_its_settings_vocabulary_weights_and_card(hub, checkpoint, tmp_path, weights):
    if weights != "model.safetensors":
        (checkpoint / "model.safetensors").rename(checkpoint / weights)
    outcome, files = fetched(hub, tmp_path)
    assert outcome.problem is None
    assert files == SETTINGS | {weights, "vocab.txt", "README.md"}
    assert (Path(outcome.result) / weights).is_file()
    again, files = fetched(hub, tmp_path, "'org/words', local_files_only=True")
    assert (again.result, files) == (outcome.result, set())


def test_later_modules_bring_their_weights_in_either_form(hub, checkpoint, tmp_path):
    write_modules(checkpoint, [OLD + "Transformer", OLD + "Pooling", OLD + "Dense"])
    (checkpoint / "2_Dense" / "config.json").write_text('{"in_features": 4}')
    (checkpoint / "2_Dense" / "pytorch_model.bin").write_bytes(b"large")
    _, files = fetched(hub, tmp_path, "'words', revision='main'")
    extra = {"2_Dense/config.json", "2_Dense/pytorch_model.bin", "model.safetensors", "vocab.txt", "README.md"}
    assert files == SETTINGS | extra


def test_heads_as_bge_m3_has_them_come_with_the_weights(hub, checkpoint, tmp_path):
    heads = {"sparse_linear.pt", "colbert_linear.pt"}
    for name in heads:
        (checkpoint / name).write_text(name)
    _, files = fetched(hub, tmp_path)
    assert files == SETTINGS | heads | {"model.safetensors", "vocab.txt", "README.md"}


def test_a_repository_without_torchs_weights_says_what_it_has(hub, checkpoint, tmp_path):
    for name in ("model.safetensors", "pytorch_model.bin"):
        (checkpoint / name).unlink()
    outcome, files = fetched(hub, tmp_path)
    assert outcome.problem == (
        "ModelNotFoundError",
        (
            "org/words: no model.safetensors and no pytorch_model.bin, but flax_model.msgpack, onnx/model.onnx, "
            "onnx/model_O3.onnx, openvino/openvino_model.bin, rust_model.ot, tf_model.h5. "
            "Give the repository of the checkpoint that torch loads."
        ),
    )
    assert files == SETTINGS


def test_what_is_no_model_is_said_to_be_none(tmp_path):
    names = ["data.csv", "README.md"]
    assert CheckpointFiles().needed(tmp_path, names) == ["config.json"]
    error = CheckpointFiles().absent("org/data", "config.json", names)
    assert str(error).startswith("org/data: neither modules.json nor config.json there, expected")


def test_a_folder_is_itself_and_what_is_neither_is_refused(checkpoint):
    assert find_checkpoint(checkpoint) == checkpoint
    with pytest.raises(ModelNotFoundError, match="no such folder"):
        find_checkpoint("./nowhere")
    with pytest.raises(ArgumentError, match="model_name_or_path: 3, expected a str or a path"):
        find_checkpoint(3)
