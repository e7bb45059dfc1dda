"""Folders of sparse models and rerankers that the trainer writes open in sentence-transformers 6.2, and theirs here.

Dense ones: `test_models.py`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder as TheirReranker
from sentence_transformers import SparseEncoder as TheirSparse

from airvec_exporter.load import load
from airvec_trainer.cross_encoder import CrossEncoder
from airvec_trainer.modules import (
    Pooling,
    Router,
    SparseAutoEncoder,
    SparseStaticEmbedding,
    SpladePooling,
    Transformer,
)
from airvec_trainer.sparse_encoder import SparseEncoder
from tests import tiny

pytestmark = pytest.mark.parity

TEXTS, PAIRS = tiny.texts(8), tiny.pairs(8)
METHODS = ("encode_query", "encode_document", "encode")


def splade(folder: Path) -> list[torch.nn.Module]:
    checkpoint = tiny.sparse_checkpoint(folder)
    return [Transformer(checkpoint, transformer_task="fill-mask", max_seq_length=64), SpladePooling()]


def inference_free(folder: Path) -> list[torch.nn.Module]:
    body, pooling = splade(folder)
    torch.manual_seed(1)
    table = SparseStaticEmbedding(body.tokenizer, torch.rand(len(body.tokenizer.get_vocab())) * 5)
    return [Router.for_query_document([table], [body, pooling])]


def csr(folder: Path) -> list[torch.nn.Module]:
    body = Transformer(tiny.tiny_checkpoint(folder), max_seq_length=64)
    torch.manual_seed(0)
    coder = SparseAutoEncoder(tiny.HIDDEN, 64, k=12, k_aux=16, normalize=True)
    torch.nn.init.normal_(coder.pre_bias)
    torch.nn.init.normal_(coder.latent_bias)
    return [body, Pooling(tiny.HIDDEN), coder]


def dense(embeddings: Any) -> np.ndarray:
    found = embeddings.to_dense().numpy()
    assert found.std(axis=0).mean() > 0.01
    return found


@pytest.mark.parametrize("build", [splade, inference_free, csr])
def test_a_sparse_model_that_the_trainer_saves_opens_everywhere(build: Any, tmp_path: Path):
    model = SparseEncoder(modules=build(tmp_path / "checkpoint"), device="cpu")
    wanted = {method: dense(getattr(model, method)(TEXTS)) for method in METHODS}
    model.save_pretrained(tmp_path / "saved")
    theirs = TheirSparse(str(tmp_path / "saved"), device="cpu")
    theirs.save_pretrained(str(tmp_path / "theirs"))
    opened = [theirs, *(SparseEncoder(tmp_path / name, device="cpu") for name in ("saved", "theirs"))]
    for other in opened:
        for method in METHODS:
            assert np.abs(dense(getattr(other, method)(TEXTS)) - wanted[method]).max() <= 1e-5
    assert [name for name, _ in model.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    assert load(tmp_path / "saved").kind == "SparseEncoder"


@pytest.mark.parametrize("prompts", [None, {"query": "in short: "}], ids=["alone", "with a prompt"])
@pytest.mark.parametrize("labels", [1, 3])
def test_a_reranker_that_the_trainer_saves_opens_everywhere(labels: int, prompts: Any, tmp_path: Path):
    checkpoint = tiny.reranker_checkpoint(tmp_path / "checkpoint", labels=labels)
    given = {"prompts": prompts, "default_prompt_name": "query"} if prompts else {}
    model = CrossEncoder(checkpoint, device="cpu", **given)
    wanted = model.predict(PAIRS)
    assert wanted.std(axis=0).min() > 0.01
    model.save_pretrained(tmp_path / "saved")
    theirs = TheirReranker(str(tmp_path / "saved"), device="cpu")
    theirs.save_pretrained(str(tmp_path / "theirs"))
    for other in (theirs, *(CrossEncoder(tmp_path / name, device="cpu") for name in ("saved", "theirs"))):
        assert np.abs(other.predict(PAIRS) - wanted).max() <= 1e-5
    assert load(tmp_path / "saved").kind == "CrossEncoder"
    assert list(model.state_dict()) == list(theirs.state_dict())
