"""A checkpoint with an adapter through the whole exporter, with a limit and a dtype of the caller's."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

import airvec
from airvec.manifest import read_manifest
from airvec_exporter.load import load
from airvec_exporter.pipeline import export
from airvec_exporter.reference import reference
from tests import tiny
from tests.tiny.adapters import embedded_adapter

LONG = " ".join(f"word{number}" for number in range(90))


@pytest.mark.slow
@pytest.mark.parity
def test_an_exported_adapter_gives_the_reference_s_vectors_of_the_unmerged_one(tmp_path: Path):
    import sentence_transformers

    base = tiny.tiny_checkpoint(tmp_path / "base")
    folder = embedded_adapter(tiny.tiny_checkpoint(tmp_path / "tuned"), base)
    model = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    model.max_seq_length = 24
    texts = [*tiny.texts(10), LONG]
    wanted = model.encode(texts)

    out = export(folder, tmp_path / "out", base=base, max_seq_length=24, texts=texts, speed=False).path
    opened = airvec.SentenceTransformer(out)
    assert wanted.std(axis=0).max() > 0.01
    assert np.abs(opened.encode(texts) - wanted).max() <= 1e-5
    assert opened.max_seq_length == 24
    assert read_manifest(out).source == "tuned"
    assert not list(out.rglob("adapter_*"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "out", "tuned"]
    again = sentence_transformers.SentenceTransformer(str(out), device="cpu")
    assert np.abs(again.encode(texts) - wanted).max() <= 1e-5


@pytest.mark.slow
def test_an_export_in_half_precision_keeps_half_the_weights_and_computes_with_them(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "model")
    out = export(folder, tmp_path / "out", dtype="bfloat16", texts=tiny.texts(10), speed=False).path
    assert {str(tensor.dtype) for tensor in load_file(out / "model.safetensors").values()} == {"torch.bfloat16"}
    found = airvec.SentenceTransformer(out).encode(tiny.texts(10))
    moved = np.abs(found - reference(load(folder), tiny.texts(10))).max()
    assert 1e-5 < moved < 0.05
