"""Checkpoint folders of all kinds, loaded in torch; broken ones, refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from airvec.errors import AirvecError, ModelFolderError, ModelNotFoundError
from airvec_exporter.errors import ExportError
from airvec_exporter.load import Checkpoint, load
from airvec_exporter.reference import reference
from tests import tiny


def edit(path: Path, **changes: Any) -> None:
    found = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**found, **changes}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.tiny_checkpoint(tmp_path / "checkpoint")


@pytest.mark.parametrize(
    ("architecture", "rotary", "types"),
    [("bert", False, True), ("distilbert", False, False), ("roberta", False, False), ("t5", False, False),
     ("modernbert", True, False), ("qwen3", True, False)],
)  # fmt: skip
def test_rotary_bodies_and_token_types_are_told_apart(tmp_path: Path, architecture: str, rotary: bool, types: bool):
    loaded = load(tiny.tiny_checkpoint(tmp_path / architecture, architecture))
    assert loaded.body.is_rotary is rotary
    assert ("token_type_ids" in loaded.body.inputs) is types


def test_only_the_encoder_of_t5_is_loaded_with_eager_attention(tmp_path: Path):
    body = load(tiny.tiny_checkpoint(tmp_path / "t5", "t5")).body.model
    assert type(body).__name__ == "T5EncoderModel"
    assert body.config._attn_implementation == "eager"


def test_roberta_pads_with_id_1(tmp_path: Path):
    loaded = load(tiny.tiny_checkpoint(tmp_path / "roberta", "roberta"))
    assert loaded.body.limits.pad_id == 1
    assert loaded.body.tokenize(["a", "a much longer text"])["input_ids"][0, -1] == 1


def test_a_plain_transformers_folder_gets_mean_pooling(folder: Path):
    wanted = reference(load(folder), tiny.texts(8))
    for name in ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"):
        (folder / name).unlink()
    for home in folder.glob("[0-9]_*"):
        shutil.rmtree(home)
    edit(folder / "tokenizer_config.json", model_max_length=64)
    loaded = load(folder)
    assert [type(module).__name__ for module in loaded.route().modules] == ["Pooling"]
    found = reference(loaded, tiny.texts(8))
    assert np.allclose(found / np.linalg.norm(found, axis=1, keepdims=True), wanted, atol=1e-6)


def test_texts_are_cut_at_the_limit_that_the_folder_states(folder: Path):
    assert load(folder).body.tokenize(["word " * 500])["input_ids"].shape == (1, 64)


def test_a_limit_that_only_the_model_has_is_found(folder: Path):
    (folder / "sentence_bert_config.json").unlink()
    edit(folder / "tokenizer_config.json", model_max_length=10**30)
    assert load(folder).body.limits.max_length == tiny.POSITIONS


def test_lower_casing_is_done_where_the_folder_asks_for_it(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "roberta", "roberta")
    shouting, quiet = (load(folder).body.tokenize([text])["input_ids"].tolist() for text in ("SHOUT", "shout"))
    assert shouting != quiet
    edit(folder / "sentence_bert_config.json", do_lower_case=True)
    assert load(folder).body.tokenize(["SHOUT"])["input_ids"].tolist() == quiet


def test_half_precision_weights_are_computed_in_float32(folder: Path):
    state = {name: tensor.half() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    edit(folder / "config.json", dtype="float16")
    assert {parameter.dtype for parameter in load(folder).body.model.parameters()} == {torch.float32}


def test_a_pickled_checkpoint_gives_the_same_vectors(folder: Path):
    wanted = reference(load(folder), tiny.texts(8))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert np.array_equal(reference(load(folder), tiny.texts(8)), wanted)


def test_the_prompt_s_length_leaves_the_last_special_token_out(loaded: Checkpoint):
    alone = loaded.body.tokenizer("search query: ")["input_ids"]
    assert loaded.body.prompt_length("search query: ") == len(alone) - 1
    assert loaded.body.prompt_length("") == 0


def test_a_prompt_longer_than_the_limit_is_measured_cut_as_texts_are(loaded: Checkpoint):
    assert loaded.body.prompt_length("word " * 500) == loaded.body.limits.max_length - 1


@pytest.mark.parametrize("key", ["tokenizer_args", "processor_kwargs"])
def test_the_tokenizer_is_loaded_with_the_arguments_that_the_folder_saves(folder: Path, key: str):
    shouting, text = "SHOUT", " ".join(f"word{number}" for number in range(90))
    before = load(folder).body.tokenize([text])["input_ids"]
    edit(folder / "sentence_bert_config.json", **{key: {"truncation_side": "left", "do_lower_case": False}})
    loaded = load(folder)
    assert loaded.body.limits.truncation_side == "left"
    assert not torch.equal(loaded.body.tokenize([text])["input_ids"], before)
    assert not torch.equal(
        loaded.body.tokenize([shouting])["input_ids"], loaded.body.tokenize([shouting.lower()])["input_ids"]
    )


@pytest.mark.parametrize(("side", "architecture", "moves"), [
    ("left", "bert", True), ("right", "bert", False), ("left", "qwen3", False), ("left", "t5", False),
])  # fmt: skip
def test_left_padding_moves_only_bodies_with_absolute_positions(
    tmp_path: Path, side: str, architecture: str, moves: bool
):
    loaded = load(tiny.tiny_checkpoint(tmp_path / "checkpoint", architecture, padding_side=side))
    assert loaded.body.padding_moves_it is moves


def test_left_padded_reference_equals_the_answer_for_each_text_alone(tmp_path: Path):
    loaded = load(tiny.tiny_checkpoint(tmp_path / "checkpoint", padding_side="left"))
    texts = tiny.texts(9)
    alone = np.concatenate([reference(loaded, [text]) for text in texts])
    assert np.allclose(reference(loaded, texts), alone, atol=1e-6)


def test_missing_folders_and_files_are_named(tmp_path: Path, folder: Path):
    with pytest.raises(
        ModelNotFoundError, match="nowhere: no such folder, expected a checkpoint. Fetch one with: hf download"
    ):
        load(tmp_path / "nowhere")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ExportError, match=r"^checkpoint: transformers cannot load the model: .*model.safetensors"):
        load(folder)


@pytest.mark.parametrize("size", [0, 4, 200, 20000])
def test_weights_cut_short_are_an_error_that_names_the_file(folder: Path, size: int):
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:size])
    with pytest.raises(ModelFolderError, match="checkpoint/model.safetensors: not a file of tensors"):
        load(folder)


def test_a_pickle_cut_short_is_an_error_too(folder: Path):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    whole = (folder / "pytorch_model.bin").read_bytes()
    for size in (0, 4, len(whole) // 2):
        (folder / "pytorch_model.bin").write_bytes(whole[:size])
        with pytest.raises(AirvecError, match="checkpoint"):
            load(folder)


@pytest.mark.parametrize("text", ["null", "[]", "{}", "5", "{", '{"version": "1.0", "model": null}', ""])
def test_a_damaged_tokenizer_is_an_error_that_names_the_file(folder: Path, text: str):
    (folder / "tokenizer.json").write_text(text)
    with pytest.raises(ModelFolderError, match="checkpoint/tokenizer.json: not a tokenizer"):
        load(folder)


def test_missing_weights_are_an_error_not_random_numbers(folder: Path):
    state = load_file(folder / "model.safetensors")
    gone = next(name for name in sorted(state) if "attention" in name)
    save_file(
        {name: tensor for name, tensor in state.items() if name != gone}, folder / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(
        ModelFolderError, match=f"1 weights are missing, the first '{gone}', expected all of a BertModel"
    ):
        load(folder)


def test_a_missing_pooler_is_no_error_since_nothing_reads_it(folder: Path):
    wanted = reference(load(folder), tiny.texts(8))
    state = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in state.items() if "pooler" not in name}
    assert len(kept) < len(state)
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    assert np.array_equal(reference(load(folder), tiny.texts(8)), wanted)


def test_a_tokenizer_without_padding_token_is_refused(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "checkpoint", "modernbert")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["pad_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(ExportError, match="checkpoint: the tokenizer has no pad_token"):
        load(folder)


def test_a_missing_tokenizer_is_refused(folder: Path):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelNotFoundError, match="checkpoint: no tokenizer, expected one of tokenizer.json, vocab.txt"):
        load(folder)


@pytest.mark.parametrize(("place", "kind"), [(0, "CLIPModel"), (1, "LSTM")])
def test_modules_that_are_not_exported_are_named(folder: Path, place: int, kind: str):
    entries = json.loads((folder / "modules.json").read_text())
    entries[place]["type"] = f"sentence_transformers.models.{kind}"
    (folder / "modules.json").write_text(json.dumps(entries))
    with pytest.raises(ModelFolderError, match=rf"checkpoint/modules.json: .*'{kind}', expected"):
        load(folder)


def test_code_in_the_checkpoint_is_not_run(folder: Path):
    edit(folder / "config.json", model_type="mine", auto_map={"AutoConfig": "mine.Config", "AutoModel": "mine.Model"})
    (folder / "mine.py").write_text("raise SystemExit('code ran')")
    with pytest.raises(ExportError, match=r"auto_map names code of its own \('mine.Model'\), which airvec"):
        load(folder)
