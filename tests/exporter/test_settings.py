"""Mirrors exporter/airvec_exporter/settings.py: weights rounded, limits changed, in torch and in what is written."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from airvec.errors import ArgumentError
from airvec.folder import read_folder
from airvec_exporter.folder import write_folder
from airvec_exporter.load import Checkpoint, load
from airvec_exporter.reference import reference
from airvec_exporter.settings import LoadSettings
from tests import tiny
from tests.exporter import shapes
from tests.folders import SPECIAL, WORDS, static_model

LONG = " ".join(f"word{number}" for number in range(90))


def written(loaded: Checkpoint, out: Path) -> Path:
    out.mkdir()
    write_folder(loaded, out)
    return out


def config(folder: Path) -> dict[str, Any]:
    return dict(read_folder(folder).bodies()[0].config.values)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.tiny_checkpoint(tmp_path / "checkpoint")


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """A checkpoint saved in bfloat16."""
    folder = tiny.tiny_checkpoint(tmp_path / "half")
    state = {name: tensor.bfloat16() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    tiny.change(folder / "config.json", {"dtype": "bfloat16"})
    return folder


def test_weights_saved_in_half_precision_are_the_same_numbers_in_float32(half: Path, tmp_path: Path):
    loaded, stored = load(half), load_file(half / "model.safetensors")
    state = loaded.body.model.state_dict()
    assert all(torch.equal(state[name].double(), tensor.double()) for name, tensor in stored.items())
    out = written(loaded, tmp_path / "out")
    assert (out / "model.safetensors").read_bytes() == (half / "model.safetensors").read_bytes()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_dtype_rounds_the_weights_and_computes_in_float32(folder: Path, dtype: str):
    whole, rounded = load(folder), load(folder, settings=LoadSettings(dtype=dtype))
    pairs = zip(whole.body.model.parameters(), rounded.body.model.parameters(), strict=True)
    for before, after in pairs:
        assert torch.equal(after, before.to(getattr(torch, dtype)).float())
    moved = np.abs(reference(rounded, tiny.texts(8)) - reference(whole, tiny.texts(8))).max()
    assert 1e-5 < moved < 0.05


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_weights_are_kept_in_the_dtype_and_give_the_same_when_loaded_again(folder: Path, tmp_path: Path, dtype: str):
    loaded = load(folder, settings=LoadSettings(dtype=dtype))
    out = written(loaded, tmp_path / "out")
    assert {str(tensor.dtype) for tensor in load_file(out / "model.safetensors").values()} == {f"torch.{dtype}"}
    assert config(out)["torch_dtype"] == dtype
    assert config(out)["architectures"] == config(folder)["architectures"]
    assert (out / "model.safetensors").stat().st_size < 0.6 * (folder / "model.safetensors").stat().st_size
    assert np.array_equal(reference(load(out), tiny.texts(8)), reference(loaded, tiny.texts(8)))


def test_float32_writes_half_precision_weights_out(half: Path, tmp_path: Path):
    out = written(load(half, settings=LoadSettings(dtype="float32")), tmp_path / "out")
    assert {tensor.dtype for tensor in load_file(out / "model.safetensors").values()} == {torch.float32}
    assert (config(out)["dtype"], config(out)["torch_dtype"]) == ("float32", "float32")
    assert np.array_equal(reference(load(out), tiny.texts(8)), reference(load(half), tiny.texts(8)))


def test_weights_above_the_range_of_a_dtype_are_refused(folder: Path):
    state = load_file(folder / "model.safetensors")
    state["embeddings.LayerNorm.bias"][3] = 1e6
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    load(folder, settings=LoadSettings(dtype="bfloat16"))
    with pytest.raises(ArgumentError, match=r"dtype: 'float16', but the weights 'embeddings.LayerNorm.bias' of check"):
        load(folder, settings=LoadSettings(dtype="float16"))


def test_a_limit_cuts_in_torch_and_in_what_is_written(folder: Path, tmp_path: Path):
    loaded = load(folder, settings=LoadSettings(max_seq_length=20))
    assert loaded.body.tokenize([LONG])["input_ids"].shape == (1, 20)
    out = written(loaded, tmp_path / "out")
    assert read_folder(out).tokenizer.max_length == 20
    assert "model_max_length" in (out / "tokenizer_config.json").read_text()
    assert load(out).body.tokenize([LONG])["input_ids"].shape == (1, 20)


def test_a_limit_beats_the_arguments_that_the_folder_saves(tmp_path: Path):
    folder = tiny.tiny_checkpoint(
        tmp_path / "checkpoint", transformer={"tokenizer_args": {"model_max_length": 30, "do_lower_case": False}}
    )
    assert load(folder).body.limits.max_length == 30
    loaded = load(folder, settings=LoadSettings(max_seq_length=40))
    assert loaded.body.limits.max_length == 40
    found = read_folder(written(loaded, tmp_path / "out")).tokenizer
    assert (found.max_length, found.bert_options["lowercase"]) == (40, False)


def test_a_limit_of_a_reranker_lies_where_every_generation_looks(tmp_path: Path):
    folder = tiny.reranker_checkpoint(tmp_path / "reranker")
    loaded = load(folder, settings=LoadSettings(max_seq_length=24))
    assert loaded.body.tokenize([(LONG, LONG)])["input_ids"].shape == (1, 24)
    out = written(loaded, tmp_path / "out")
    assert read_folder(out).tokenizer.max_length == 24
    assert not (out / "sentence_bert_config.json").exists()


def test_a_limit_goes_to_all_routes_of_a_model(tmp_path: Path):
    folder = shapes.inference_free(tmp_path / "model")
    out = written(load(folder, settings=LoadSettings(max_seq_length=16)), tmp_path / "out")
    assert [spec.tokenizer.max_length for spec in read_folder(out).bodies()] == [16, 16]


@pytest.mark.parametrize(("architecture", "positions"), [("bert", 160), ("roberta", 158), ("modernbert", 160)])
def test_a_limit_above_the_positions_is_refused(tmp_path: Path, architecture: str, positions: int):
    folder = tiny.tiny_checkpoint(tmp_path / "checkpoint", architecture)
    body = load(folder, settings=LoadSettings(max_seq_length=positions)).body
    assert body.model(**body.tokenize(["word " * 999])).last_hidden_state.shape[1] == positions
    with pytest.raises(ArgumentError, match=rf"max_seq_length: {positions + 1}, but checkpoint has positions for"):
        load(folder, settings=LoadSettings(max_seq_length=positions + 1))


def test_a_model_without_positions_takes_any_limit(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "checkpoint", "t5")
    assert load(folder, settings=LoadSettings(max_seq_length=5000)).body.limits.max_length == 5000


@pytest.mark.parametrize("settings", [{"dtype": "int8"}, {"dtype": 16}, {"max_seq_length": 0},
                                      {"max_seq_length": True}, {"max_seq_length": 2.0}])  # fmt: skip
def test_settings_that_are_none_are_refused(settings: dict[str, Any]):
    ((name, value),) = settings.items()
    with pytest.raises(ArgumentError, match=f"{name}: {value!r}, expected"):
        LoadSettings(**settings)


@pytest.mark.parametrize(("settings", "told"), [
    ({"dtype": "float16"}, "dtype: 'float16', but static has no Transformer whose weights it would round, only Static"),
    ({"max_seq_length": 64}, "max_seq_length: 64, but static has StaticEmbedding alone, which reads whole texts"),
])  # fmt: skip
def test_static_models_take_neither(tmp_path: Path, settings: dict[str, Any], told: str):
    folder = static_model(tmp_path / "static", {"embedding.weight": np.ones((len(SPECIAL + WORDS), 4), np.float32)})
    assert load(folder).body.is_table
    with pytest.raises(ArgumentError, match=told):
        load(folder, settings=LoadSettings(**settings))
