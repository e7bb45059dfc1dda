"""The sparse auto-encoder in torch, by numbers that can be checked by hand."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from airvec.errors import ModelFolderError
from airvec_exporter.load import load
from airvec_exporter.modules import SparseAutoEncoder
from tests import tiny
from tests.exporter import shapes


@pytest.fixture
def coder() -> SparseAutoEncoder:
    """Latent dimensions: x0, x1, x0 + x1 + 1, -x0; with 1 taken from x0 before."""
    module = SparseAutoEncoder(2, 4, k=2)
    with torch.no_grad():
        module.pre_bias.copy_(torch.tensor([1.0, 0.0]))
        module.encoder.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [1, 1], [-1, 0]]))
        module.latent_bias.copy_(torch.tensor([0.0, 0, 1, 0]))
    return module


def run(module: SparseAutoEncoder, row: list[float], **more: int) -> list[float]:
    with torch.no_grad():
        return module({"sentence_embedding": torch.tensor([row]), **more})["sentence_embedding"][0].tolist()


def test_the_k_largest_stay_and_those_below_zero_do_not(coder: SparseAutoEncoder):
    assert run(coder, [3.0, 1.0]) == [2.0, 0.0, 4.0, 0.0]  # latent 2, 1, 4, -2
    assert run(coder, [0.0, -5.0]) == [0.0, 0.0, 0.0, 1.0]  # latent -1, -5, -5, 1


def test_max_active_dims_replaces_k(coder: SparseAutoEncoder):
    assert run(coder, [3.0, 1.0], max_active_dims=1) == [0.0, 0.0, 4.0, 0.0]
    assert run(coder, [3.0, 1.0], max_active_dims=99) == [2.0, 1.0, 4.0, 0.0]


def test_normalising_divides_by_the_deviation_of_a_sample(coder: SparseAutoEncoder):
    coder.normalize = True
    root = 0.5**0.5  # (3, 1) → mean 2, deviation √2 → (√½, -√½)
    assert run(coder, [3.0, 1.0], max_active_dims=4) == pytest.approx([0, 0, 0, 1 - root], abs=1e-4)


@pytest.mark.parametrize("name", ["encoder.weight", "decoder.linear.weight"])
def test_the_encoder_is_found_under_both_names_of_its_weights(tmp_path: Path, name: str):
    folder = shapes.sparse_coder(tmp_path / "coder", tied_name=name)
    module = load(folder).route().modules[1]
    state = load_file(folder / "2_SparseAutoEncoder" / "model.safetensors")
    assert torch.equal(module.encoder.weight, state[name])
    assert torch.equal(module.stats_last_nonzero, torch.arange(96))
    assert module.config() == {
        "input_dim": 32, "hidden_dim": 96, "k": 8, "normalize": True, "k_aux": 16, "dead_threshold": 30,
    }  # fmt: skip


@pytest.mark.parametrize(("key", "value", "message"), [
    ("k", 97, "k is 97, expected 1 to 96"), ("hidden_dim", 95, "weights that do not fit config.json"),
])  # fmt: skip
def test_a_config_that_does_not_fit_is_an_error(tmp_path: Path, key: str, value: int, message: str):
    folder = shapes.sparse_coder(tmp_path / "coder")
    tiny.change(folder / "2_SparseAutoEncoder" / "config.json", {key: value})
    with pytest.raises(ModelFolderError, match=message):
        load(folder)


def test_training_gives_the_embedding_rebuilt_from_what_is_kept(coder: SparseAutoEncoder):
    coder.train()
    found = coder({"sentence_embedding": torch.tensor([[3.0, 1.0]])})
    # Kept 2·(1, 0) + 4·(1, 1), then the bias (1, 0); all four dimensions but -2, which relu drops: 1·(0, 1) more.
    assert found["decoded_embedding_k"].tolist() == [[7.0, 4.0]]
    assert found["decoded_embedding_k_pre_bias"].tolist() == [[6.0, 4.0]]
    assert found["decoded_embedding_4k"].tolist() == [[7.0, 5.0]]
    assert found["sentence_embedding_backbone"].tolist() == [[3.0, 1.0]]
    assert found["sentence_embedding_encoded"].tolist() == [[2.0, 1.0, 4.0, -2.0]]


def test_dimensions_that_no_text_uses_are_counted_and_rebuild_the_rest_once_they_are_dead():
    coder = SparseAutoEncoder(2, 16, k=1, k_aux=1, dead_threshold=2).train()
    with torch.no_grad():
        coder.encoder.weight.zero_()
        coder.encoder.weight[:6] = torch.tensor([[6.0, 0], [5, 0], [4, 0], [3, 0], [2, 0], [1, 0]])
    row = {"sentence_embedding": torch.tensor([[1.0, 0.0]])}
    first = coder(dict(row))
    assert not first["decoded_embedding_aux"].any()
    # Counted twice a call: among the k largest, and among the 4 k largest.
    assert coder.stats_last_nonzero.tolist() == [1, 1, 1, 1, *[2] * 12]
    second = coder(dict(row))
    assert second["auxiliary_embedding"][0].nonzero().flatten().tolist() == [4]
    assert second["decoded_embedding_aux"].tolist() == [[4.0, 0.0]]  # 2 · (2, 0)


@pytest.mark.parametrize("mode", ["evaluation", "no gradients"])
def test_nothing_is_counted_outside_training(coder: SparseAutoEncoder, mode: str):
    coder.train(mode == "no gradients")
    with torch.set_grad_enabled(mode == "evaluation"):
        found = coder({"sentence_embedding": torch.tensor([[3.0, 1.0]])})
    assert "decoded_embedding_k" in found
    assert not coder.stats_last_nonzero.any()
    with torch.inference_mode():
        assert list(coder({"sentence_embedding": torch.tensor([[3.0, 1.0]])})) == ["sentence_embedding"]


def test_a_state_with_the_tied_decoder_loads(coder: SparseAutoEncoder):
    state = coder.state_dict()
    fresh = SparseAutoEncoder(2, 4, k=2)
    fresh.load_state_dict({**state, "decoder.linear.weight": state["encoder.weight"]})
    assert torch.equal(fresh.encoder.weight, coder.encoder.weight)
