"""Mirrors trainer/airvec_trainer/saving.py: folders that every generation reads, whole or not at all."""

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.torch import load_file

from airvec import SentenceTransformer as Runtime
from airvec.errors import ArgumentError
from airvec_trainer import saving
from airvec_trainer.modules import Normalize, Router, SparseStaticEmbedding, SpladePooling, Transformer
from airvec_trainer.sentence_transformer import SentenceTransformer
from tests import tiny
from tests.trainer.static_models import static_model, table

TEXTS = ["one two", "three", "one one three two"]
SETTINGS: dict[str, Any] = {"model_type": "SparseEncoder", "prompts": {}, "default_prompt_name": None}


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> SentenceTransformer:
    folder = tiny.tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "model", dense="Tanh", generation="new")
    return SentenceTransformer(folder, device="cpu")


def test_a_folder_is_laid_out_in_the_oldest_form(tiny_model: SentenceTransformer, tmp_path: Path):
    tiny_model.save_pretrained(tmp_path / "saved")
    home = tmp_path / "saved"
    types = [entry["type"] for entry in read(home / "modules.json")]
    assert types == [
        f"sentence_transformers.models.{name}" for name in ("Transformer", "Pooling", "Dense", "Normalize")
    ]
    assert read(home / "1_Pooling" / "config.json")["pooling_mode_mean_tokens"] is True
    assert read(home / "sentence_bert_config.json") == {"do_lower_case": False, "max_seq_length": 64}
    assert read(home / "tokenizer_config.json")["model_max_length"] == 64
    assert set(load_file(home / "2_Dense" / "model.safetensors")) == {"linear.weight", "linear.bias"}
    assert not [name for name in names(home) if name.endswith((".bin", ".pt", ".pkl"))]
    saved = read(home / "config_sentence_transformers.json")
    assert saved.pop("__version__").keys() == {"transformers", "pytorch"}
    assert saved == {
        "model_type": "SentenceTransformer", "prompts": {"query": "", "document": ""}, "default_prompt_name": None,
        "similarity_fn_name": "cosine",
    }  # fmt: skip


def test_what_was_set_is_saved_and_opened_again(tmp_path: Path):
    given = {"prompts": {"query": "query: "}, "default_prompt_name": "query", "similarity_fn_name": "dot"}
    model = static_model(truncate_dim=2, **given)
    model.save(tmp_path / "saved")
    for opened in (SentenceTransformer(tmp_path / "saved", device="cpu"), Runtime(tmp_path / "saved")):
        assert opened.prompts == {"query": "query: ", "document": ""}
        assert (opened.default_prompt_name, opened.similarity_fn_name, opened.truncate_dim) == ("query", "dot", 2)
        np.testing.assert_allclose(opened.encode(TEXTS), model.encode(TEXTS), atol=1e-6)


def test_the_limit_that_was_set_is_saved(tiny_model: SentenceTransformer, tmp_path: Path):
    before = tiny_model.max_seq_length
    tiny_model.max_seq_length = 8
    tiny_model.save_pretrained(tmp_path / "saved")
    tiny_model.max_seq_length = before
    assert SentenceTransformer(tmp_path / "saved", device="cpu").max_seq_length == 8


def test_weights_in_16_bits_stay_so(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "model", dense="Tanh")
    model = SentenceTransformer(folder, device="cpu").half()
    model.save_pretrained(tmp_path / "saved")
    for file in ("model.safetensors", "2_Dense/model.safetensors"):
        assert {str(weight.dtype) for weight in load_file(tmp_path / "saved" / file).values()} == {"torch.float16"}
    again = SentenceTransformer(tmp_path / "saved", device="cpu")
    assert str(again.dtype) == "torch.float32"
    assert np.abs(again.encode(TEXTS) - model.encode(TEXTS)).max() < 1e-2


def test_a_readme_is_written_unless_it_is_not_wanted(tmp_path: Path):
    static_model().save_pretrained(tmp_path / "with", model_name="A name")
    assert "# A name" in (tmp_path / "with" / "README.md").read_text()
    static_model().save_pretrained(tmp_path / "without", create_model_card=False)
    assert not (tmp_path / "without" / "README.md").exists()


def test_a_folder_that_is_there_loses_the_old_model_and_keeps_what_is_not_the_model_s(tmp_path: Path):
    home = tmp_path / "output"
    SentenceTransformer(modules=[table(), Normalize()], device="cpu").save_pretrained(home)
    for name in ("onnx/model.onnx", "airvec.json", "checkpoint-5/optimizer.pt", "runs/log", "mine.txt"):
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text(name)
    static_model(1).save_pretrained(home)
    kept = {"checkpoint-5/optimizer.pt", "runs/log", "mine.txt"}
    assert names(home) >= kept | {"modules.json", "1_Dense/config.json"}
    assert not (home / "onnx").exists(), "graphs of other weights"
    assert not (home / "1_Normalize").exists()
    assert not (home / "airvec.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["output"]


OWN = (
    "2024_results/a.csv", "my_2_runs/b.txt", "tokenizer_corpus.txt", "vocab.csv", "sts_2_train.tsv", "3_notes",
    "pytorch_model_old.bin.txt", "sentence_list_config.json", "adapter_model.md", "model-a-of-b.safetensors",
    "tokenizers/mine.json", "1_Pooling.txt", "README.txt",
)  # fmt: skip


def lay(home: Path, files: tuple[str, ...]) -> None:
    for name in files:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)


@pytest.mark.parametrize("mounted", [False, True])
def test_files_of_the_user_stay_whatever_they_are_called(
    mounted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "output"
    SentenceTransformer(modules=[table(), Normalize()], device="cpu").save_pretrained(home)
    lay(home, (*OWN, "onnx/model.onnx", "model-00001-of-00002.safetensors"))
    if mounted:
        monkeypatch.setattr(Path, "is_mount", lambda path: path == home)
    static_model(1).save_pretrained(home)
    assert {name: (home / name).read_text() for name in OWN} == {name: name for name in OWN}
    assert not {"1_Normalize", "onnx", "model-00001-of-00002.safetensors"} & {path.name for path in home.iterdir()}


def test_a_folder_that_holds_no_model_loses_nothing(tmp_path: Path):
    home = tmp_path / "work"
    own = (*OWN, "onnx/theirs.onnx", "vocab.txt", "config.json", "1_Pooling/theirs.txt")
    lay(home, own)
    static_model(1).save_pretrained(home)
    assert {name: (home / name).read_text() for name in own} == {name: name for name in own}


def test_a_list_of_modules_names_no_folder_elsewhere(tmp_path: Path):
    home = tmp_path / "work"
    lay(home, ("data/mine.txt",))
    (home / "modules.json").write_text(json.dumps([{"path": "../work/data"}, {"path": "data/inner"}, {"path": 3}, 4]))
    static_model(1).save_pretrained(home)
    assert (home / "data" / "mine.txt").is_file()


class Full:
    """Fails as a disk does that is full, having written a part."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, state: Any, file: Path) -> None:
        file.write_bytes(b"half")
        raise self.error


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("No space left on device")], ids=repr
)
def test_a_full_disk_leaves_the_old_folder_and_nothing_else(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "output"
    static_model(0).save_pretrained(home)
    before = {name: (home / name).read_bytes() for name in names(home)}
    with monkeypatch.context() as patch:
        patch.setattr(saving, "save_file", Full(error))
        for place in ("output", "new"):
            with pytest.raises(
                OSError, match=rf"{place}: the model could not be written \(.*No space left.* MB are free"
            ):
                static_model(1).save_pretrained(tmp_path / place)
    assert [path.name for path in tmp_path.iterdir()] == ["output"]
    assert {name: (home / name).read_bytes() for name in names(home)} == before


def test_a_volume_that_cannot_be_renamed_is_filled_entry_by_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = tmp_path / "volume"
    home.mkdir()
    (home / "mine.txt").write_text("mine")
    inode = home.stat().st_ino
    monkeypatch.setattr(Path, "is_mount", lambda path: path == home)
    for seed in (0, 1):
        model = static_model(seed)
        model.save_pretrained(home)
        assert (SentenceTransformer(home, device="cpu").encode(TEXTS) == model.encode(TEXTS)).all()
    assert home.stat().st_ino == inode
    assert (home / "mine.txt").exists()
    assert not list(home.glob(".*"))


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    static_model().save_pretrained(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "modules.json").is_file()


def test_a_file_in_the_place_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ArgumentError, match="file' is a file, expected a folder"):
        static_model().save_pretrained(tmp_path / "file")


def test_a_sparse_model_with_routes_is_laid_out_as_the_reference_has_it(tmp_path: Path):
    checkpoint = tiny.sparse_checkpoint(tmp_path / "splade")
    body = Transformer(checkpoint, transformer_task="fill-mask")
    router = Router.for_query_document(
        [SparseStaticEmbedding(body.tokenizer, frozen=True)], [body, SpladePooling()], default_route="document"
    )
    saving.save([router], SETTINGS, tmp_path / "saved")
    home = tmp_path / "saved"
    assert read(home / "router_config.json") == {
        "types": {
            "query_0_SparseStaticEmbedding": "sentence_transformers.sparse_encoder.models.SparseStaticEmbedding",
            "document_0_Transformer": "sentence_transformers.sparse_encoder.models.MLMTransformer",
            "document_1_SpladePooling": "sentence_transformers.sparse_encoder.models.SpladePooling",
        },
        "structure": {
            "query": ["query_0_SparseStaticEmbedding"],
            "document": ["document_0_Transformer", "document_1_SpladePooling"],
        },
        "parameters": {"default_route": "document", "allow_empty_key": True, "route_mappings": {}},
    }
    assert list(read(home / "router_config.json")["structure"]) == ["query", "document"], "the order of the weights"
    assert read(home / "query_0_SparseStaticEmbedding" / "config.json") == {"frozen": True}
    assert (home / "document_0_Transformer" / "sentence_bert_config.json").is_file()


@pytest.mark.parametrize("prompts", [{}, {"query": "q: "}])
def test_a_classifier_alone_is_saved_as_transformers_own_folder(prompts: dict[str, str], tmp_path: Path):
    body = Transformer(tiny.reranker_checkpoint(tmp_path / "ce"), transformer_task="sequence-classification")
    activation = "torch.nn.modules.activation.Sigmoid"
    settings = {**SETTINGS, "model_type": "CrossEncoder", "prompts": prompts, "activation_fn": activation}
    saving.save([body], settings, tmp_path / "saved")
    home = tmp_path / "saved"
    assert (home / "modules.json").exists() == bool(prompts)
    assert read(home / "config.json")["sentence_transformers"] == {"activation_fn": activation}
