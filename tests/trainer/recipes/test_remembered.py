"""What is remembered is what the model says, however it is asked."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec_trainer import SentenceTransformer
from airvec_trainer.recipes.remembered import Remembered
from tests.trainer.recipes.in_stages import static_base

TEXTS = ["ask1 of", "told2 the"]


@pytest.fixture
def model(tmp_path):
    return SentenceTransformer(str(static_base(tmp_path / "static")), prompts={"again": "again ", "of": "of "})


@pytest.mark.parametrize("own", [None, 4])
@pytest.mark.parametrize("asked", [None, 2, 6, 8, 100])
@pytest.mark.parametrize("normalize", [False, True])
def test_dimensions_are_those_of_the_model_whatever_it_keeps_by_itself(model, own, asked, normalize):
    model.truncate_dim = own
    found = Remembered(model)
    for _ in range(2):  # encoded, and remembered
        given = {"truncate_dim": asked, "normalize_embeddings": normalize}
        assert np.allclose(found.encode(TEXTS, **given), model.encode(TEXTS, **given), rtol=0, atol=1e-7)
    assert model.truncate_dim == own


@pytest.mark.parametrize("dim", [0, -3, 2.5])
def test_dimensions_that_cannot_be_are_refused_as_by_the_model(model, dim):
    with pytest.raises(ArgumentError, match="truncate_dim: .*expected a whole number of at least 1"):
        Remembered(model).encode(TEXTS, truncate_dim=dim)


def test_another_prompt_is_another_text(model):
    found = Remembered(model)
    plain = found.encode(TEXTS)
    model.default_prompt_name = "again"
    assert np.array_equal(found.encode(TEXTS), model.encode(TEXTS))
    assert not np.array_equal(found.encode(TEXTS), plain)
    model.prompts["again"] = "of "
    assert np.array_equal(found.encode(TEXTS), model.encode(TEXTS))


def test_no_text_is_encoded_twice(model, monkeypatch):
    calls = []
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda texts, **given: calls.append(list(texts)) or encode(texts, **given))
    found = Remembered(model)
    found.encode([TEXTS[0]], truncate_dim=2)
    found.encode(TEXTS)
    assert calls == [[TEXTS[0]], [TEXTS[1]]]
