"""Mirrors trainer/airvec_trainer/exporting.py: a model in torch, exported, gives the same without torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig
from safetensors.torch import load_file

from airvec.errors import ArgumentError
from airvec.manifest import read_manifest
from airvec_exporter.errors import VerificationError
from airvec_trainer.cross_encoder import CrossEncoder
from airvec_trainer.modules import Dense, Pooling, Transformer
from airvec_trainer.sentence_transformer import SentenceTransformer
from airvec_trainer.sparse_encoder import SparseEncoder
from tests import tiny
from tests.house.probe import HEAVY, probe
from tests.tiny.sparse_families import opensearch_v2

pytestmark = pytest.mark.slow

TEXTS = tiny.texts(12)
PAIRS = tiny.pairs(12)
ABSENT = tuple(name for name in HEAVY if name != "huggingface_hub")
RUN = """
import json, sys
import numpy as np
import airvec
texts = json.loads({texts!r})
found = airvec.{kind}({folder!r}).{call}
np.save({file!r}, found.to_dense() if hasattr(found, "to_dense") else found)
assert not {absent!r} & set(sys.modules)
"""


def without_torch(folder: Path, kind: str, call: str, inputs: Any = TEXTS) -> np.ndarray:
    """What the runtime gives where torch is not installed."""
    file = folder.with_suffix(".npy")
    code = RUN.format(
        texts=json.dumps(inputs), kind=kind, folder=str(folder), call=call, file=str(file), absent=set(ABSENT)
    )
    assert probe(code, ABSENT).problem is None
    return np.load(file)


def assert_close(found: np.ndarray, wanted: Any, bound: float) -> None:
    expected = wanted.to_dense().numpy() if isinstance(wanted, torch.Tensor) else wanted
    assert expected.std(axis=0).max() > 0.01  # one answer for every text would prove nothing
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= bound * max(1.0, np.abs(expected).max())


def trained(model: Any) -> Any:
    """The model with all weights moved a little, as after some steps, so that it is not the checkpoint on disk."""
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.05 * torch.randn_like(weight))
    return model


def lora(*more: str) -> LoraConfig:
    return LoraConfig(
        r=4, target_modules=["query", "value"], init_lora_weights=False, modules_to_save=list(more) or None
    )


def exported(model: Any, out: Path, **options: Any) -> Path:
    report = model.export(out, speed=False, show_progress_bar=False, **options)
    assert report.path == out
    assert not list(out.rglob("adapter_*"))
    return out


def test_dense(tmp_path: Path):
    model = trained(SentenceTransformer(tiny.tiny_checkpoint(tmp_path / "model", dense="Tanh"), device="cpu"))
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    out = exported(model, tmp_path / "out", texts=TEXTS)
    assert_close(without_torch(out, "SentenceTransformer", "encode(texts)"), model.encode(TEXTS), 1e-5)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    again = SentenceTransformer(out, device="cpu")
    assert np.array_equal(again.encode(TEXTS), model.encode(TEXTS))
    assert read_manifest(out).source == "out"


def test_dense_with_an_adapter_which_stays_on_the_model(tmp_path: Path):
    model = SentenceTransformer(tiny.tiny_checkpoint(tmp_path / "model"), device="cpu")
    plain = model.encode(TEXTS)
    model.add_adapter(lora())
    wanted = trained(model).encode(TEXTS)
    assert np.abs(wanted - plain).max() > 0.05
    out = exported(model, tmp_path / "out", texts=TEXTS)
    assert_close(without_torch(out, "SentenceTransformer", "encode(texts)"), wanted, 1e-5)
    assert model.active_adapters() == ["default"]
    assert np.array_equal(model.encode(TEXTS), wanted)


def test_an_adapter_that_is_switched_off_is_not_merged(tmp_path: Path):
    model = SentenceTransformer(tiny.tiny_checkpoint(tmp_path / "model"), device="cpu")
    plain = model.encode(TEXTS)
    model.add_adapter(lora())
    model.disable_adapters()
    out = exported(model, tmp_path / "out", texts=TEXTS)
    assert_close(without_torch(out, "SentenceTransformer", "encode(texts)"), plain, 1e-5)


def test_a_default_truncation_goes_with_the_folder(tmp_path: Path):
    model = SentenceTransformer(tiny.tiny_checkpoint(tmp_path / "model"), device="cpu", truncate_dim=8)
    out = exported(model, tmp_path / "out", texts=TEXTS)
    found = without_torch(out, "SentenceTransformer", "encode(texts)")
    assert found.shape == (len(TEXTS), 8)
    assert_close(found, model.encode(TEXTS), 1e-5)


def test_prompts_go_with_the_folder(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "model", include_prompt=False)
    model = SentenceTransformer(folder, device="cpu", prompts={"query": "find the text: "})
    out = exported(model, tmp_path / "out", texts=TEXTS)
    wanted = model.encode_query(TEXTS)
    assert np.abs(wanted - model.encode(TEXTS)).max() > 0.01
    assert_close(without_torch(out, "SentenceTransformer", "encode_query(texts)"), wanted, 1e-5)


def test_splade(tmp_path: Path):
    model = trained(SparseEncoder(tiny.sparse_checkpoint(tmp_path / "model"), device="cpu", max_active_dims=40))
    out = exported(model, tmp_path / "out", texts=TEXTS)
    assert_close(without_torch(out, "SparseEncoder", "encode(texts)"), model.encode(TEXTS), 1e-4)


def test_a_sparse_auto_encoder(tmp_path: Path):
    model = SparseEncoder(tiny.tiny_checkpoint(tmp_path / "model"), device="cpu")
    out = exported(model, tmp_path / "out", texts=TEXTS)
    assert_close(without_torch(out, "SparseEncoder", "encode(texts)"), model.encode(TEXTS), 1e-4)


def test_sparse_queries_without_inference_and_documents_with_an_adapter(tmp_path: Path):
    model = trained(SparseEncoder(opensearch_v2(tmp_path / "model"), device="cpu"))
    model.add_adapter(LoraConfig(r=4, target_modules=["q_lin", "v_lin"], init_lora_weights=False))
    out = exported(model, tmp_path / "out", texts=TEXTS)
    for call in ("encode_query", "encode_document"):
        assert_close(without_torch(out, "SparseEncoder", f"{call}(texts)"), getattr(model, call)(TEXTS), 1e-4)


@pytest.mark.parametrize("labels", [1, 3])
def test_rerankers(tmp_path: Path, labels: int):
    model = trained(CrossEncoder(tiny.reranker_checkpoint(tmp_path / "model", labels=labels), device="cpu"))
    out = exported(model, tmp_path / "out")
    assert_close(without_torch(out, "CrossEncoder", "predict(texts)", PAIRS), model.predict(PAIRS), 1e-4)


def test_a_reranker_s_fresh_head_and_adapter_and_activation(tmp_path: Path):
    torch.manual_seed(0)
    model = CrossEncoder(tiny.tiny_checkpoint(tmp_path / "model"), device="cpu", activation_fn="Tanh")
    model.add_adapter(lora("classifier"))
    with torch.no_grad():
        model.transformers_model.classifier.modules_to_save["default"].weight.normal_()
    out = exported(model, tmp_path / "out")
    assert_close(without_torch(out, "CrossEncoder", "predict(texts)", PAIRS), model.predict(PAIRS), 1e-4)


def test_weights_in_half_stay_so_and_can_be_left_out(tmp_path: Path):
    model = SentenceTransformer(tiny.tiny_checkpoint(tmp_path / "model"), device="cpu").bfloat16()
    out = exported(model, tmp_path / "out", texts=TEXTS)
    assert {tensor.dtype for tensor in load_file(out / "model.safetensors").values()} == {torch.bfloat16}
    found = without_torch(out, "SentenceTransformer", "encode(texts)")
    assert_close(found, model.float().encode(TEXTS), 1e-5)
    bare = exported(model, tmp_path / "bare", texts=TEXTS, weights=False, variants=("fp32", "fused"))
    assert not (bare / "model.safetensors").exists()
    assert (bare / "onnx" / "model_fused.onnx").is_file()


def test_modules_put_together_by_hand(tmp_path: Path):
    body = Transformer(tiny.tiny_checkpoint(tmp_path / "model"), max_seq_length=20)
    torch.manual_seed(0)
    model = SentenceTransformer(modules=[body, Pooling(tiny.HIDDEN), Dense(tiny.HIDDEN, 12)], device="cpu")
    out = exported(model, tmp_path / "out", texts=TEXTS)
    assert_close(without_torch(out, "SentenceTransformer", "encode(texts)"), model.encode(TEXTS), 1e-5)


def test_what_cannot_be_leaves_nothing(tmp_path: Path):
    model = SentenceTransformer(tiny.tiny_checkpoint(tmp_path / "model"), device="cpu")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(ArgumentError, match="out: is there already and not empty"):
        model.export(tmp_path / "out")
    with pytest.raises(VerificationError):
        model.export(tmp_path / "new", texts=TEXTS, max_delta=0.0, speed=False, show_progress_bar=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "out"]
