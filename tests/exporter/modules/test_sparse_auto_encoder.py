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
