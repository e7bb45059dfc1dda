"""What is written besides the graph."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from airvec.folder import read_folder
from airvec_exporter.folder import write_folder
from airvec_exporter.load import Checkpoint, load
from airvec_exporter.reference import reference
from tests import tiny
from tests.exporter.conftest import PROMPTS


@pytest.fixture
def written(loaded: Checkpoint, tmp_path: Path) -> Path:
    write_folder(loaded, tmp_path)
    return tmp_path


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_type_names_are_the_oldest(written: Path):
    types = [entry["type"] for entry in read(written / "modules.json")]
    names = ("Transformer", "Pooling", "Dense", "Normalize")
    assert types == [f"sentence_transformers.models.{name}" for name in names]
    assert [entry["path"] for entry in read(written / "modules.json")] == ["", "1_Pooling", "2_Dense", "3_Normalize"]


def test_pooling_has_the_old_keys(written: Path):
    assert read(written / "1_Pooling" / "config.json") == {
        "word_embedding_dimension": 32,
        "pooling_mode_cls_token": False,
        "pooling_mode_max_tokens": False,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_mean_sqrt_len_tokens": False,
        "pooling_mode_weightedmean_tokens": False,
        "pooling_mode_lasttoken": False,
        "include_prompt": False,
    }


def test_a_new_checkpoint_gets_the_old_names_and_keys_too(tmp_path: Path):
    new = tiny.tiny_checkpoint(tmp_path / "new", pooling=("cls", "mean"), dense="ReLU", generation="new")
    (tmp_path / "out").mkdir()
    write_folder(load(new), tmp_path / "out")
    assert all(
        entry["type"].startswith("sentence_transformers.models.") for entry in read(tmp_path / "out/modules.json")
    )
    pooling = read(tmp_path / "out/1_Pooling/config.json")
    assert {key for key, value in pooling.items() if value is True} == {
        "pooling_mode_cls_token", "pooling_mode_mean_tokens", "include_prompt",
    }  # fmt: skip
    assert read(tmp_path / "out/sentence_bert_config.json") == {"max_seq_length": 64, "do_lower_case": False}


def test_an_order_that_flags_cannot_say_is_written_with_new_keys(tmp_path: Path):
    new = tiny.tiny_checkpoint(tmp_path / "new", pooling=("mean", "cls"), generation="new")
    (tmp_path / "out").mkdir()
    write_folder(load(new), tmp_path / "out")
    assert read(tmp_path / "out/1_Pooling/config.json")["pooling_mode"] == ["mean", "cls"]


def test_the_limit_and_the_prompts_are_where_every_generation_looks(written: Path):
    assert read(written / "sentence_bert_config.json")["max_seq_length"] == 64
    settings = read(written / "config_sentence_transformers.json")
    assert settings["prompts"] == PROMPTS
    assert settings["similarity_fn_name"] == "cosine"
    assert settings["model_type"] == "SentenceTransformer"


def test_the_tokenizer_file_neither_cuts_nor_pads(written: Path):
    tokenizer = read(written / "tokenizer.json")
    assert (tokenizer["truncation"], tokenizer["padding"]) == (None, None)


def test_what_the_tokenizer_leaves_to_defaults_is_stated(tiny_bert: Path, tmp_path: Path):
    settings = read(tiny_bert / "tokenizer_config.json")
    for key in ("padding_side", "truncation_side"):
        settings.pop(key, None)
    source = tiny.tiny_checkpoint(tmp_path / "source")
    (source / "tokenizer_config.json").write_text(json.dumps(settings))
    (tmp_path / "out").mkdir()
    write_folder(load(source), tmp_path / "out")
    written = read(tmp_path / "out/tokenizer_config.json")
    assert (written["padding_side"], written["truncation_side"], written["pad_token"]) == ("right", "right", "[PAD]")


def test_saved_tokenizer_arguments_are_in_the_tokenizer_s_own_files(tmp_path: Path):
    source = tiny.tiny_checkpoint(tmp_path / "source")
    config = source / "sentence_bert_config.json"
    arguments = {"truncation_side": "left", "padding_side": "left", "do_lower_case": False, "model_max_length": 32}
    config.write_text(json.dumps({**read(config), "processor_kwargs": arguments}))
    (tmp_path / "out").mkdir()
    write_folder(load(source), tmp_path / "out")
    assert arguments.items() <= read(tmp_path / "out/tokenizer_config.json").items()
    assert read(tmp_path / "out/sentence_bert_config.json") == {"max_seq_length": 32, "do_lower_case": False}
    assert read(tmp_path / "out/tokenizer.json")["normalizer"]["lowercase"] is False
    assert read_folder(tmp_path / "out").tokenizer.saved_arguments == {}


def test_writing_leaves_the_checkpoint_s_own_tokenizer_alone(loaded: Checkpoint, tmp_path: Path):
    loaded.body.tokenizer.backend_tokenizer.enable_truncation(9)
    write_folder(loaded, tmp_path)
    assert loaded.body.tokenizer.backend_tokenizer.truncation["max_length"] == 9


def test_without_weights_only_the_body_s_are_left_out(loaded: Checkpoint, tmp_path: Path):
    write_folder(loaded, tmp_path, weights=False)
    assert not (tmp_path / "model.safetensors").exists()
    assert (tmp_path / "2_Dense" / "model.safetensors").is_file()


def test_weights_and_config_are_the_checkpoint_s_own_bytes(written: Path, tiny_bert: Path):
    for name in ("model.safetensors", "config.json"):
        assert (written / name).read_bytes() == (tiny_bert / name).read_bytes()


def test_the_card_is_kept(tmp_path: Path):
    source = tiny.tiny_checkpoint(tmp_path / "source")
    (source / "README.md").write_text("# A card")
    (tmp_path / "out").mkdir()
    write_folder(load(source), tmp_path / "out")
    assert (tmp_path / "out/README.md").read_text() == "# A card"


def test_the_written_folder_reads_as_the_checkpoint_does(written: Path, tiny_bert: Path):
    found, wanted = read_folder(written), read_folder(tiny_bert)
    assert [spec.type for spec in found.modules] == [spec.type for spec in wanted.modules]
    assert (found.prompts, found.similarity_fn_name) == (wanted.prompts, wanted.similarity_fn_name)
    assert found.tokenizer.max_length == wanted.tokenizer.max_length == 64


def test_a_body_in_a_folder_of_its_own_is_written_to_the_root(tmp_path: Path):
    source = tiny.tiny_checkpoint(tmp_path / "source")
    body = source / "0_Transformer"
    body.mkdir()
    for path in list(source.iterdir()):
        if path.is_file() and path.name not in ("modules.json", "config_sentence_transformers.json"):
            path.rename(body / path.name)
    entries = read(source / "modules.json")
    entries[0]["path"] = body.name
    (source / "modules.json").write_text(json.dumps(entries))
    (tmp_path / "out").mkdir()
    write_folder(load(source), tmp_path / "out")
    assert read(tmp_path / "out/modules.json")[0]["path"] == ""
    assert np.array_equal(vectors(tmp_path / "out"), vectors(source))


def test_a_pickled_checkpoint_is_written_as_safetensors_with_its_own_config(tmp_path: Path):
    source = tiny.tiny_checkpoint(tmp_path / "source")
    torch.save(load_file(source / "model.safetensors"), source / "pytorch_model.bin")
    (source / "model.safetensors").unlink()
    (tmp_path / "out").mkdir()
    write_folder(load(source), tmp_path / "out")
    assert not (tmp_path / "out/pytorch_model.bin").exists()
    assert (tmp_path / "out/config.json").read_bytes() == (source / "config.json").read_bytes()
    assert np.array_equal(vectors(tmp_path / "out"), vectors(source))


def test_weights_in_several_files_are_kept_in_several(tmp_path: Path):
    source = tiny.tiny_checkpoint(tmp_path / "source")
    (source / "model.safetensors").unlink()
    tiny.tiny_body("bert").save_pretrained(source, max_shard_size="40KB")
    (tmp_path / "out").mkdir()
    write_folder(load(source), tmp_path / "out")
    shards = sorted(path.name for path in (tmp_path / "out").glob("model*.safetensors*"))
    assert len(shards) > 2
    assert shards == sorted(path.name for path in source.glob("model*.safetensors*"))
    assert np.array_equal(vectors(tmp_path / "out"), vectors(source))


def vectors(folder: Path) -> np.ndarray:
    return reference(load(folder), tiny.texts(6))
