"""airvec_trainer.util against sentence-transformers' util, on tensors, arrays and sparse rows."""

from typing import Any

import numpy as np
import pytest
import torch

from airvec_trainer import util

pytestmark = pytest.mark.parity
RANDOM = torch.Generator().manual_seed(0)
FIRST, SECOND = (torch.randn(n, 9, generator=RANDOM).round(decimals=1) for n in (6, 6))
FORMS = {"tensor": lambda rows: rows, "array": lambda rows: rows.numpy(), "sparse": lambda rows: rows.to_sparse()}
SIMILARITIES = [name for name in util.__all__ if name.endswith(("_sim", "_score"))]


@pytest.fixture
def theirs() -> Any:
    """The reference's module."""
    from sentence_transformers import util as reference

    return reference


@pytest.mark.filterwarnings("ignore:Sparse:UserWarning")  # torch on the reference's own sparse tensors
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SIMILARITIES)
def test_similarities_agree(name: str, form: str, theirs: Any):
    first, second = FORMS[form](FIRST), FORMS[form](SECOND)
    found, expected = getattr(util, name)(first, second), getattr(theirs, name)(first, second)
    assert found.dtype == expected.dtype
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("form", ["tensor", "array"])
def test_searches_agree(form: str, theirs: Any):
    first, second = FORMS[form](FIRST), FORMS[form](SECOND)
    for ours, reference in zip(util.semantic_search(first, second), theirs.semantic_search(first, second), strict=True):
        assert [hit["corpus_id"] for hit in ours] == [hit["corpus_id"] for hit in reference]
        assert np.allclose([hit["score"] for hit in ours], [hit["score"] for hit in reference], atol=1e-6)
    ours, reference = util.paraphrase_mining_embeddings(first), theirs.paraphrase_mining_embeddings(first)
    assert [pair[1:] for pair in ours] == [pair[1:] for pair in reference]


def test_embeddings_are_changed_alike(theirs: Any):
    assert torch.allclose(util.normalize_embeddings(FIRST), theirs.normalize_embeddings(FIRST))
    assert torch.equal(util.truncate_embeddings(FIRST, 4), theirs.truncate_embeddings(FIRST, 4))
    for precision in ("float32", "int8", "uint8", "binary", "ubinary"):
        calibration = torch.cat([FIRST, SECOND] * 10).numpy()
        ours = util.quantize_embeddings(FIRST, precision, calibration_embeddings=calibration)
        expected = theirs.quantize_embeddings(FIRST, precision, calibration_embeddings=calibration)
        assert np.array_equal(ours, expected)
