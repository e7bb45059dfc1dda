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


@pytest.mark.parametrize(
    ("options", "parts"),
    [({}, [12]), ({"precision": None}, [12]), ({"normalize_embeddings": True}, [5, 5, 2]),
     ({"truncate_dim": 3}, [5, 5, 2]), ({"precision": "binary"}, [5, 5, 2]), ({"out": "rows.npy"}, [5, 5, 2])],
    ids=str,
)  # fmt: skip
def test_rows_that_are_the_result_as_they_come_are_written_once(tmp_path, monkeypatch, options, parts):
    monkeypatch.setattr("airvec.model.TEXTS_AT_ONCE", 5)
    monkeypatch.chdir(tmp_path)
    model, embed, seen = SentenceTransformer(word_model(tmp_path / "words")), Pipeline.embed, []

    def kept(self, *given):
        seen.append(embed(self, *given))
        return seen[-1]

    monkeypatch.setattr(Pipeline, "embed", kept)
    found = model.encode(["a b c", "c", "b a", "a"] * 3, **options)
    assert [len(part) for part in seen] == parts
    assert any(found is part for part in seen) == (len(parts) == 1)
