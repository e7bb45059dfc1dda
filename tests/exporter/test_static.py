"""Static models: exported without a graph."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import airvec
from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.manifest import read_manifest
from airvec_exporter.errors import VerificationError
from airvec_exporter.load import load
from airvec_exporter.pipeline import export
from airvec_exporter.reference import reference
from airvec_exporter.verify import Checks, verify
from tests import tiny

TEXTS = [*tiny.texts(20), "", "   "]
ROWS, WIDTH = 400, 16


@pytest.fixture
def table() -> torch.Tensor:
    return torch.randn(ROWS, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def folder(tmp_path: Path, table: torch.Tensor) -> Path:
    """In sentence-transformers' form, in a folder of its own behind modules.json."""
    home = tmp_path / "static"
    (home / "0_StaticEmbedding").mkdir(parents=True)
    save_file({"embedding.weight": table}, home / "0_StaticEmbedding" / "model.safetensors")
    tiny.tiny_tokenizer("wordpiece").backend_tokenizer.save(str(home / "0_StaticEmbedding" / "tokenizer.json"))
    types = (("0_StaticEmbedding", "StaticEmbedding"), ("1_Normalize", "Normalize"))
    entries = [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (path, kind) in enumerate(types)
    ]
    (home / "modules.json").write_text(json.dumps(entries))
    return home


@pytest.fixture
def model2vec(tmp_path: Path, table: torch.Tensor) -> Path:
    """In model2vec's form: half as many rows as tokens, a mapping and weights."""
    home = tmp_path / "model2vec"
    home.mkdir()
    state = {
        "embeddings": table[:200].half(),
        "mapping": torch.arange(ROWS) % 200,
        "weights": torch.linspace(0.1, 2, ROWS),
    }
    save_file(state, home / "model.safetensors")
    tiny.tiny_tokenizer("wordpiece").backend_tokenizer.save(str(home / "tokenizer.json"))
    (home / "config.json").write_text(json.dumps({"model_type": "model2vec", "normalize": True}))
    return home


@pytest.mark.parametrize("name", ["folder", "model2vec"])
def test_it_is_exported_without_a_graph_and_verified(name: str, request: pytest.FixtureRequest, tmp_path: Path):
    report = export(request.getfixturevalue(name), tmp_path / "out")
    assert report.max_delta <= 1e-5
    assert report.nodes == {}
    assert not (report.path / "onnx").exists()
    assert read_manifest(report.path).graphs == {}
    types = [entry["type"] for entry in json.loads((report.path / "modules.json").read_text())]
    assert types == ["sentence_transformers.models.StaticEmbedding", "sentence_transformers.models.Normalize"]


@pytest.mark.parity
@pytest.mark.parametrize("name", ["folder", "model2vec"])
def test_it_gives_the_reference_s_vectors_and_loads_there(name: str, request: pytest.FixtureRequest, tmp_path: Path):
    from sentence_transformers import SentenceTransformer

    out = export(request.getfixturevalue(name), tmp_path / "out", texts=TEXTS).path
    wanted = SentenceTransformer(str(out), device="cpu").encode(TEXTS)
    assert wanted.std(axis=0).mean() > 0.02
    assert np.allclose(airvec.SentenceTransformer(str(out)).encode(TEXTS), wanted, atol=1e-6)
    assert np.allclose(reference(load(request.getfixturevalue(name)), TEXTS), wanted, atol=1e-6)


def test_its_table_stays_without_torch_s_weights_since_it_is_the_model(folder: Path, tmp_path: Path):
    report = export(folder, tmp_path / "out", weights=False, texts=TEXTS)
    assert (report.path / "model.safetensors").is_file()


def test_a_wrong_table_is_found(folder: Path, table: torch.Tensor, tmp_path: Path):
    out = export(folder, tmp_path / "out", texts=TEXTS).path
    loaded = load(folder)
    wrong = table.clone()
    wrong[50] += 0.01
    save_file({"embedding.weight": wrong}, out / "model.safetensors")
    with pytest.raises(VerificationError, match="static: text "):
        verify(loaded, out, checks=Checks(TEXTS))


def test_missing_and_wrong_files_are_named(folder: Path):
    home = folder / "0_StaticEmbedding"
    (home / "tokenizer.json").rename(home / "other.json")
    with pytest.raises(ModelNotFoundError, match="0_StaticEmbedding/tokenizer.json: no such file"):
        load(folder)
    save_file({"other": torch.zeros(2, 2)}, home / "model.safetensors")
    with pytest.raises(
        ModelFolderError, match="model.safetensors: holds other, expected 'embedding.weight' or 'embeddings'"
    ):
        load(folder)
    (home / "tokenizer.json").write_text("{}")
    save_file({"embeddings": torch.zeros(2, 2)}, home / "model.safetensors")
    with pytest.raises(ModelFolderError, match="0_StaticEmbedding/tokenizer.json: not a tokenizer"):
        load(folder)
