"""Mirrors trainer/airvec_trainer/recomputing.py: the same gradients, with fewer tensors kept."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig
from torch.autograd.graph import saved_tensors_hooks

from airvec_trainer.cross_encoder import CrossEncoder
from airvec_trainer.sentence_transformer import SentenceTransformer
from airvec_trainer.sparse_encoder import SparseEncoder
from tests import tiny

CASES = {
    "dense": (SentenceTransformer, tiny.tiny_checkpoint, "sentence_embedding"),
    "sparse": (SparseEncoder, tiny.sparse_checkpoint, "sentence_embedding"),
    "rerank": (CrossEncoder, tiny.reranker_checkpoint, "scores"),
}


def step(model: Any, name: str) -> tuple[dict[str, torch.Tensor], int]:
    """Gradients by name, and how many bytes the forward pass kept for them."""
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    model.zero_grad()
    torch.manual_seed(0)
    inputs = tiny.pairs(8) if name == "rerank" else tiny.texts(8)
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        found = model.train()(model.preprocess(inputs))[CASES[name][2]]
        value = (found * torch.arange(float(found.shape[1])).add(1)).sum()
    value.backward()
    gradients = {key: weight.grad.clone() for key, weight in model.named_parameters() if weight.grad is not None}
    return gradients, sum(kept.values())


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("adapted", [False, True])
def test_gradients_stay_and_memory_shrinks_until_it_is_switched_off(tmp_path: Path, name: str, adapted: bool):
    kind, make, _ = CASES[name]
    model = kind(make(tmp_path / "model"), device="cpu")
    if adapted:
        model.add_adapter(LoraConfig(r=2, target_modules=["query"], init_lora_weights=False))
    wanted, usual = step(model, name)
    assert max(float(gradient.abs().max()) for gradient in wanted.values()) > 1e-3
    model.gradient_checkpointing_enable()
    found, less = step(model, name)
    assert found.keys() == wanted.keys()
    assert all(torch.allclose(found[key], wanted[key], rtol=1e-4, atol=1e-4) for key in wanted)
    assert less < 0.9 * usual
    model.gradient_checkpointing_disable()
    assert step(model, name)[1] == usual
