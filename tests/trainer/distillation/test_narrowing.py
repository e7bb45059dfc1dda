"""Mirrors trainer/airvec_trainer/distillation/narrowing.py and twins.py."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec_trainer import SentenceTransformer
from airvec_trainer.distillation import narrowed, principal_directions, teacher_vectors, with_projection
from airvec_trainer.modules import Dense, Normalize
from tests.tiny.checkpoints import tiny_checkpoint


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_largest_direction_comes_first_by_hand():
    vectors = np.array([[3.0, 0, 0], [-3, 0, 0], [0, 1, 0], [0, 2, 0]])  # Σx² = 18, Σy² = 5
    assert principal_directions(vectors, 2).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert narrowed(vectors.astype(np.float32), principal_directions(vectors, 1))[:, 0].tolist() == [3, -3, 0, 0]


def test_no_other_directions_keep_more():
    vectors = np.random.default_rng(1).normal(size=(200, 12)) * np.arange(1, 13)
    directions = principal_directions(vectors, 5)
    _, _, right = np.linalg.svd(vectors)
    assert np.allclose(directions @ directions.T, np.eye(5), atol=1e-6)
    assert np.allclose(np.abs(directions @ right[:5].T), np.eye(5), atol=1e-5)


def test_unit_vectors_are_unit_again_and_others_keep_their_length():
    vectors = np.random.default_rng(2).normal(size=(20, 8)).astype(np.float32)
    directions = principal_directions(vectors, 3)
    assert np.allclose(narrowed(vectors, directions), vectors @ directions.T, atol=1e-6)
    scaled = narrowed(unit(vectors), directions)
    assert np.allclose(scaled, unit(vectors @ directions.T), atol=1e-6)


def test_narrowed_vectors_are_kept_and_found_again(tmp_path):
    vectors = np.random.default_rng(3).normal(size=(20, 8)).astype(np.float16)
    directions = principal_directions(vectors, 3)
    found = narrowed(vectors, directions, cache_folder=tmp_path)
    assert (found.dtype, found.shape, type(found)) == (np.float16, (20, 3), np.memmap)
    narrowed(vectors, directions, cache_folder=tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 1
    narrowed(vectors * 2, directions, cache_folder=tmp_path)
    narrowed(vectors, directions[::-1].copy(), cache_folder=tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 3


@pytest.mark.parametrize("dim", [0, 4, 9])
def test_directions_that_cannot_be_are_refused(dim):
    with pytest.raises(ArgumentError, match=f"dim: {dim} for 3 vectors of 8 dimensions, expected 1 to 3"):
        principal_directions(np.eye(3, 8), dim)


@pytest.mark.parametrize("normalize", [True, False])
def test_a_projected_model_gives_the_narrowed_vectors_and_is_saved(normalize, texts, tmp_path):
    model = SentenceTransformer(tiny_checkpoint(tmp_path / "tiny", normalize=normalize), device="cpu")
    vectors = teacher_vectors(model, texts)
    directions = principal_directions(vectors, 8)
    small = with_projection(model, directions)
    assert [type(module) for module in small][2:] == ([Dense, Normalize] if normalize else [Dense])
    assert np.abs(small.encode(texts) - narrowed(vectors, directions)).max() < 1e-5
    assert np.array_equal(model.encode(texts), vectors)
    assert (small.get_embedding_dimension(), model.get_embedding_dimension()) == (8, 32)
    small.save_pretrained(tmp_path / "small", create_model_card=False)
    again = SentenceTransformer(str(tmp_path / "small"), device="cpu")
    # Weights at other addresses: on some CPUs their products differ in the last digit.
    np.testing.assert_allclose(again.encode(texts), small.encode(texts), rtol=1e-5, atol=1e-6)


def test_directions_of_another_width_are_refused(teacher):
    with pytest.raises(ArgumentError, match="of 16 dimensions, expected 32"):
        with_projection(teacher, np.eye(4, 16, dtype=np.float32))
