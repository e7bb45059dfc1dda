"""Mirrors runtime/airvec/modules/sparse_auto_encoder.py; the reference's own numbers are in tests/parity."""

import numpy as np
import pytest

from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject
from airvec.modules.sparse_auto_encoder import SparseAutoEncoder
from tests.folders import write_tensors

WEIGHT = np.array([[1, 0], [0, 1], [1, 1], [-1, 0]], np.float32)
X = np.array([[3, 1], [-2, 1]], np.float32)
# Without biases the four values are (3, 1, 4, -3) and (-2, 1, -1, 2).


def encoder(k=2, normalize=False, pre_bias=(0, 0), latent_bias=(0, 0, 0, 0)):
    biases = (np.array(bias, np.float32) for bias in (pre_bias, latent_bias))
    return SparseAutoEncoder(WEIGHT, *biases, k, normalize)


def values(module, x=X, **features):
    return module({"sentence_embedding": x, **features})["sentence_embedding"]


def test_the_largest_values_are_kept_and_the_others_are_zero():
    found = values(encoder(k=2))
    assert found.dtype == np.float32
    assert found.tolist() == [[3, 0, 4, 0], [0, 1, 0, 2]]
    assert values(encoder(k=1)).tolist() == [[0, 0, 4, 0], [0, 0, 0, 2]]


def test_of_the_largest_only_those_above_zero_count():
    assert values(encoder(k=3)).tolist() == [[3, 1, 4, 0], [0, 1, 0, 2]]
    assert values(encoder(k=99)).tolist() == [[3, 1, 4, 0], [0, 1, 0, 2]]


def test_a_call_s_max_active_dims_takes_the_place_of_k():
    assert values(encoder(k=3), max_active_dims=np.array([1])).tolist() == [[0, 0, 4, 0], [0, 0, 0, 2]]


def test_biases_are_taken_away_before_and_added_after():
    found = values(encoder(k=1, pre_bias=(1, 1), latent_bias=(9, 0, 0, 0)))
    assert found.tolist() == [[11, 0, 0, 0], [6, 0, 0, 0]]


def test_normalising_uses_the_standard_deviation_of_a_sample():
    x = np.array([[1, 3]], np.float32)  # mean 2, standard deviation √2
    np.testing.assert_allclose(values(encoder(normalize=True), x), [[0, 2**-0.5, 0, 2**-0.5]], rtol=1e-4)


def test_the_input_is_not_changed():
    before = X.copy()
    values(encoder(normalize=True))
    assert np.array_equal(X, before)


def spec(folder, tensors, **config):
    write_tensors(folder / "model.safetensors", tensors)
    stated = {"input_dim": 2, "hidden_dim": 4, "k": 2, **config}
    return ModuleSpec("SparseAutoEncoder", folder, JsonObject("m/2_SparseAutoEncoder/config.json", stated))


TENSORS = {"encoder.weight": WEIGHT, "pre_bias": np.zeros(2, "f4"), "latent_bias": np.zeros(4, "f4")}


@pytest.mark.parametrize("names", [("encoder",), ("decoder.linear",), ("encoder", "decoder.linear")])
def test_the_weight_is_read_under_both_names_that_it_is_saved_under(tmp_path, names):
    tensors = {f"{name}.weight": WEIGHT for name in names} | {"stats_last_nonzero": np.zeros(4, np.int64)}
    tensors |= {name: TENSORS[name] for name in ("pre_bias", "latent_bias")}
    module = SparseAutoEncoder.from_spec(spec(tmp_path, tensors, normalize=True))
    assert (module.k, module.normalize) == (2, True)
    assert np.array_equal(module.weight, WEIGHT)
    assert module.output_dim(2) == module.output_dim(None) == 4
    with pytest.raises(ModelFolderError, match="input_dim 2, but the embeddings before it have 3"):
        module.output_dim(3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pre_bias": np.zeros(3, "f4")}, r"'pre_bias' has shape \[3\], expected \[2\]"),
        ({"encoder.weight": WEIGHT.T.copy()}, r"'encoder.weight' has shape \[2, 4\], expected \[4, 2\]"),
    ],
)
def test_tensors_that_do_not_fit_are_errors(tmp_path, change, message):
    with pytest.raises(ModelFolderError, match=message):
        SparseAutoEncoder.from_spec(spec(tmp_path, TENSORS | change))


def test_without_an_embedding_before_it_the_error_says_so():
    with pytest.raises(ModelFolderError, match="reads 'sentence_embedding'"):
        encoder()({"token_embeddings": X})
