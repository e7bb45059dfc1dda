"""Mirrors trainer/airvec_trainer/modules/__init__.py: the reference's constructors, on any device and in 16 bits."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from airvec.errors import ArgumentError
from airvec_trainer import models, modules
from airvec_trainer.modules import (
    Dense,
    Dropout,
    LayerNorm,
    Normalize,
    Pooling,
    Router,
    SparseAutoEncoder,
    SpladePooling,
    Transformer,
)
from tests import tiny

MASK = [[1, 1, 1], [0, 1, 1], [1, 1, 0]]
ALL = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")


def chain() -> nn.Sequential:
    return nn.Sequential(
        Dense(4, 6, module_input_name="token_embeddings"), Pooling(6, ALL, include_prompt=False), Dense(36, 8),
        LayerNorm(8), Dropout(0.1), SparseAutoEncoder(8, 16, k=4, k_aux=4), Normalize(),
    )  # fmt: skip


def test_the_old_place_has_the_same_modules():
    assert set(models.__all__) == {*modules.__all__, "Asym", "MLMTransformer"}
    assert all(getattr(models, name) is getattr(modules, name) for name in modules.__all__)


def test_no_module_makes_tensors_on_another_device():
    """A tensor on the CPU among those of the device "meta", which has shapes but no values, is an error."""
    features = {
        "token_embeddings": torch.randn(3, 3, 4, device="meta"),
        "attention_mask": torch.ones(3, 3, dtype=torch.int64, device="meta"),
        "prompt_length": 1,
    }
    found = chain().to("meta")(features)["sentence_embedding"]
    assert (found.device.type, found.shape) == ("meta", (3, 16))
    logits = torch.randn(3, 3, 9, device="meta")
    for strategy in ("max", "sum"):
        assert SpladePooling(strategy)({**features, "token_embeddings": logits})["sentence_embedding"].shape == (3, 9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_all_modules_keep_16_bits(dtype: torch.dtype):
    torch.manual_seed(0)
    made = chain().eval()
    states = torch.randn(3, 3, 4)
    features = {"attention_mask": torch.tensor(MASK), "prompt_length": 1}
    wanted = made({**features, "token_embeddings": states})["sentence_embedding"]
    found = made.to(dtype)({**features, "token_embeddings": states.to(dtype)})["sentence_embedding"]
    assert found.dtype == dtype
    assert wanted.std() > 0.1
    assert (found.float() - wanted).abs().max() < 0.1


def test_a_long_text_in_16_bits_is_summed_in_32():
    states = torch.full((1, 4096, 1), 1.0, dtype=torch.float16)
    states[:, ::2] = 31.0  # sums to 65,536, above what float16 holds
    mask = torch.ones(1, 4096, dtype=torch.int64)
    found = Pooling(1, "mean")({"token_embeddings": states, "attention_mask": mask})["sentence_embedding"]
    assert found.item() == 16.0


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("strategy", ["max", "sum"])
def test_pooling_over_the_vocabulary_in_pieces_is_the_same(strategy: str, size: int):
    torch.manual_seed(0)
    features = {"token_embeddings": torch.randn(3, 3, 9), "attention_mask": torch.tensor(MASK)}
    whole = SpladePooling(strategy)(features)["sentence_embedding"]
    pieces = SpladePooling(strategy, chunk_size=size)(features)["sentence_embedding"]
    assert torch.allclose(whole, pieces, atol=1e-6)
    with torch.no_grad():
        assert torch.equal(SpladePooling(strategy)(features)["sentence_embedding"], whole)
    assert features["token_embeddings"].min() < 0, "the logits were changed in place"


def test_dense_takes_weights_and_activations():
    layer = Dense(2, 2, activation_function=None, init_weight=torch.eye(2) * 2, init_bias=torch.ones(2))
    assert layer({"sentence_embedding": torch.tensor([[1.0, 3.0]])})["sentence_embedding"].tolist() == [[3.0, 7.0]]
    assert Dense(2, 3).config()["activation_function"] == "torch.nn.modules.activation.Tanh"
    assert (Dense(2, 3).get_embedding_dimension(), Pooling(4, ALL).get_sentence_embedding_dimension()) == (3, 24)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pooling(4, "middle"), "pooling_mode: 'middle', expected one of cls, max"),
        (lambda: Pooling(4, ()), "pooling_mode: '', expected one of"),
        (lambda: Dense(2, 2, activation_function=nn.Softplus()), "activation_function: Softplus.*, expected"),
        (lambda: SpladePooling("mean"), "pooling_strategy: 'mean', expected one of max, sum"),
        (lambda: SpladePooling("max", "gelu"), "activation_function: 'gelu', expected one of relu"),
    ],
)
def test_what_cannot_be_is_refused(make, message: str):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("flags", "modes"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, ("mean",)),
        ({"pooling_mode_lasttoken": True, "pooling_mode_cls_token": True}, ("cls", "lasttoken")),
        ({"pooling_mode_mean_tokens": False}, ("mean",)),
        ({}, ("mean",)),
    ],
)
def test_pooling_takes_the_flags_of_old_programs(flags: dict[str, bool], modes: tuple[str, ...]):
    assert Pooling(4, **flags).modes == Pooling(word_embedding_dimension=4, **flags).modes == modes
    assert Pooling(word_embedding_dimension=4, **flags).get_embedding_dimension() == 4 * len(modes)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "embedding_dimension None and word_embedding_dimension None, its old name, expected one of them"),
        ({"embedding_dimension": 4, "word_embedding_dimension": 4}, "embedding_dimension 4 and word_embedding_dimens"),
        (
            {"embedding_dimension": 4, "pooling_mode": "cls", "pooling_mode_max_tokens": True},
            "pooling_mode 'cls' beside pooling_mode_max_tokens, expected one way",
        ),
        ({"embedding_dimension": 4, "pooling_mode": "first"}, "pooling_mode: 'first', expected one of cls, max"),
        ({"embedding_dimension": 4, "pooling_mode": ()}, "pooling_mode: '', expected one of cls, max"),
    ],
)
def test_what_pooling_cannot_take_is_an_error(given: dict[str, Any], message: str):
    with pytest.raises(ArgumentError, match=message):
        Pooling(**given)


def test_old_names_of_modules_are_there(tmp_path: Path):
    assert models.Asym is Router
    body = models.MLMTransformer(tiny.sparse_checkpoint(tmp_path / "sparse"), max_seq_length=8)
    assert isinstance(body, Transformer)
    assert (body.task, body.max_seq_length) == ("fill-mask", 8)
