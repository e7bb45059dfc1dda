"""Mirrors runtime/airvec/pipeline.py: texts are tokenised ahead. The rest is in its callers' tests."""

import threading

import numpy as np
import pytest

from airvec import SentenceTransformer
from airvec.batching import TABLE_WINDOW
from airvec.pipeline import Pipeline
from tests.folders import word_model


@pytest.fixture
def names(monkeypatch):
    """The names of the threads that tokenise."""
    found, tokens = set[str](), Pipeline.tokens

    def named(self, *given):
        found.add(threading.current_thread().name.partition("_")[0])
        return tokens(self, *given)

    monkeypatch.setattr(Pipeline, "tokens", named)
    return found


@pytest.mark.parametrize("threads", [1, 2])
def test_windows_give_what_one_text_gives_on_any_number_of_threads(names, threads):
    texts = [f"text {number} of many" for number in range(2 * TABLE_WINDOW + 7)]
    model = SentenceTransformer(threads=threads)
    found = model.encode(texts)
    assert ("airvec-ahead" in names) == (threads > 1)
    for place in (0, TABLE_WINDOW - 1, TABLE_WINDOW, len(texts) - 1):
        np.testing.assert_allclose(found[place], model.encode(texts[place]), atol=1e-6)


def test_a_graph_s_windows_are_tokenised_ahead_and_joined_in_order(names, tmp_path, monkeypatch):
    monkeypatch.setattr("airvec.pipeline.WINDOW_CHARACTERS", 20)
    model = SentenceTransformer(word_model(tmp_path), threads=2)
    texts = ["a b c", "c", "b a", "a"] * 30
    found = model.encode(texts)
    assert "airvec-ahead" in names
    np.testing.assert_allclose(found, np.stack([model.encode(text) for text in texts]), atol=1e-6)
