"""Mirrors runtime/airvec/backends/onnx.py: how many sessions it opens where memory is limited."""

import numpy as np
import pytest

from airvec import SentenceTransformer
from airvec.backends import onnx as backend
from tests.folders import word_model

MANY = ["a b c", "c", "b a", "a"] * 40  # batches of one text: enough of them to be run side by side


@pytest.fixture
def limited(monkeypatch):
    """Say that memory is limited to so many MB (10^6 bytes); None = not limited."""

    def limit(megabytes):
        monkeypatch.setattr(backend, "memory_limit", lambda: megabytes and megabytes * 10**6)

    return limit


def sessions(model):
    graph = model._pipeline().backend
    return [session for session in (graph._alone, graph._beside) if session is not None]


@pytest.mark.parametrize(("megabytes", "count"), [(None, 2), (300, 2), (250, 1), (64, 1)])
def test_the_second_session_needs_room(limited, tmp_path, megabytes, count):
    limited(megabytes)
    model = SentenceTransformer(word_model(tmp_path), threads=2)
    model.encode(MANY, batch_size=1)
    assert len(sessions(model)) == count


@pytest.mark.parametrize(("megabytes", "room"), [(395, False), (397, True)])
def test_weights_beside_the_graph_are_counted(limited, tmp_path, megabytes, room):
    """256 MB and four times 35 MB."""
    graph = tmp_path / "model.onnx"
    for file, size in ((graph, 5), (tmp_path / "model.onnx_data", 30)):
        with file.open("wb") as stream:
            stream.truncate(size * 10**6)
    limited(megabytes)
    assert backend.room_for_two(graph) is room


@pytest.mark.slow
def test_numbers_do_not_depend_on_the_memory(limited, minilm):
    texts = [f"the {number} ships of the line, and then some more words " * (number % 7 + 1) for number in range(200)]
    found = []
    for megabytes in (None, 100):
        limited(megabytes)
        found.append(SentenceTransformer(minilm, threads=2).encode(texts))
    assert np.abs(found[0] - found[1]).max() <= 1e-6


def test_one_thread_needs_no_second_session_and_asks_for_no_room(tmp_path, monkeypatch):
    monkeypatch.setattr(backend, "room_for_two", lambda graph: pytest.fail("asked for room"))
    model = SentenceTransformer(word_model(tmp_path / "dense"), threads=1)
    model.encode(MANY, batch_size=1)
    assert len(sessions(model)) == 1
