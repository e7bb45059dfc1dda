"""Mirrors runtime/airvec/backends/onnx.py: how many sessions it opens, what they share, and how long texts run."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest

from airvec import SentenceTransformer, SparseEncoder
from airvec.backends import onnx as backend
from airvec.manifest import GraphRecord, Manifest, write_manifest
from tests.folders import word_model
from tests.sparse_folders import splade_model

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


@pytest.mark.parametrize(("megabytes", "count"), [(None, 2), (210, 2), (190, 1), (64, 1)])
def test_the_second_session_needs_room(limited, tmp_path, megabytes, count):
    limited(megabytes)
    model = SentenceTransformer(word_model(tmp_path), threads=2)
    model.encode(MANY, batch_size=1)
    assert len(sessions(model)) == count


@pytest.mark.parametrize(
    ("graph", "megabytes", "count"),
    [("model_fused", None, 2), ("model_fused", 331, 2), ("model_fused", 329, 1), ("model", None, 1)],
)
def test_a_head_over_the_vocabulary_has_a_second_session_where_its_pooling_is_inside(
    limited, tmp_path, graph, megabytes, count
):
    limited(megabytes)
    folder = splade_model(tmp_path, graphs=(graph,))
    pooled = ("SpladePooling",) if graph == "model_fused" else ()
    size = (folder / "onnx" / f"{graph}.onnx").stat().st_size
    write_manifest(folder, Manifest(graphs={f"onnx/{graph}.onnx": GraphRecord("ab", size, modules=pooled)}))
    one, model = (SparseEncoder(folder, threads=threads) for threads in (1, 2))
    vectors = [each.encode(MANY, batch_size=1).to_dense() for each in (one, model)]
    np.testing.assert_array_equal(*vectors)
    assert len(sessions(model)) == count


@pytest.mark.parametrize(("threads", "count", "most"), [(2, 1, 1), (3, 2, 0)])
def test_a_large_graph_on_two_threads_runs_one_batch_after_the_other(tmp_path, monkeypatch, threads, count, most):
    expected = SentenceTransformer(word_model(tmp_path), threads=threads).encode(MANY, batch_size=1)
    monkeypatch.setattr(backend, "LARGE", 10)
    monkeypatch.setattr(backend, "WIDE", 4)
    model = SentenceTransformer(tmp_path, threads=threads)
    graph = model._pipeline().backend
    model.encode(MANY[:1])
    graph._alone = Watched(graph._alone)
    found = model.encode(MANY, batch_size=1)
    assert (len(sessions(model)), graph._alone.most) == (count, most)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(("megabytes", "room"), [(269, False), (271, True)])
def test_weights_beside_the_graph_are_counted(limited, tmp_path, megabytes, room):
    """200 MB and twice 35 MB."""
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
    monkeypatch.setattr(backend, "room_for_two", lambda *_: pytest.fail("asked for room"))
    model = SentenceTransformer(word_model(tmp_path / "dense"), threads=1)
    model.encode(MANY, batch_size=1)
    assert len(sessions(model)) == 1


class Watched:
    """A session that says how many of its runs go on at once."""

    def __init__(self, session):
        self.session, self.now, self.most, self.widths, self.lock = session, 0, 0, [], threading.Lock()

    def run(self, outputs, feeds):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.widths.append(feeds["input_ids"].shape[1])
        try:
            return self.session.run(outputs, feeds)
        finally:
            with self.lock:
                self.now -= 1


def test_long_texts_run_one_at_a_time_on_all_threads(tmp_path):
    model = SentenceTransformer(word_model(tmp_path), threads=2)
    model.max_seq_length = None
    model.encode(MANY, batch_size=1)  # opens both
    graph = model._pipeline().backend
    graph._alone, graph._beside = Watched(graph._alone), Watched(graph._beside)
    texts = [" ".join("abc"[: number % 3 + 1] * (400 if number % 2 else 3)) for number in range(40)]
    texts += ["a " * 100] * 10
    found = model.encode(texts, batch_size=1)
    assert graph._alone.most == 1
    assert min(graph._alone.widths) > backend.ALONE_TOKENS >= max(graph._beside.widths) > 100
    np.testing.assert_array_equal(found, np.stack([model.encode(text) for text in texts]))


def test_a_graph_that_is_large_but_not_wide_has_two_sessions(tmp_path, monkeypatch):
    monkeypatch.setattr(backend, "LARGE", 10)
    model = SentenceTransformer(word_model(tmp_path), threads=2)
    model.encode(MANY, batch_size=1)
    assert len(sessions(model)) == 2


def test_session_options_of_one_s_own_leave_a_large_graph_s_batches_side_by_side(tmp_path, monkeypatch):
    for name in ("LARGE", "WIDE"):
        monkeypatch.setattr(backend, name, 1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = SentenceTransformer(word_model(tmp_path), threads=2, model_kwargs={"session_options": options})
    assert model._pipeline().backend.beside


class Meeting:
    """A session whose runs go on once two of them have begun."""

    def __init__(self, session):
        self.session, self.both = session, threading.Barrier(2)

    def run(self, outputs, feeds):
        self.both.wait(20)
        return self.session.run(outputs, feeds)


@pytest.mark.parametrize("threads", [1, 2])
def test_callers_with_long_texts_do_not_wait_for_each_other(tmp_path, threads):
    model = SentenceTransformer(word_model(tmp_path), threads=threads)
    model.max_seq_length = None
    text = "a " * (backend.ALONE_TOKENS + 10)
    expected = model.encode(text)
    graph = model._pipeline().backend
    graph._alone = Meeting(graph._alone)
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(model.encode, [text, text]):
            np.testing.assert_allclose(found, expected, atol=1e-6)


SHARED = """
import os, sys
from airvec import SentenceTransformer
folder, how = sys.argv[1:]
models = [SentenceTransformer(folder, threads=1) for _ in range(2)]
expected = [model.encode("a b").tolist() for model in models]
from airvec.backends.onnx import SHARED
kept = [model._pipeline().backend._alone for model in models]
if how == "busy":
    SHARED.__enter__()
child = os.fork()
if child == 0:
    same = all(model._pipeline().backend._alone is session for model, session in zip(models, kept))
    right = [model.encode("a b").tolist() for model in models] == expected
    os._exit(2 * right + same)
print(SHARED._arena, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize(
    ("how", "found"),
    [("idle", "True 3"), ("busy", "True 2")],
    ids=["kept", "opened again where a thread was at work"],
)
def test_a_forked_child_keeps_sessions_without_threads(tmp_path, how, found):
    command = [sys.executable, "-c", SHARED, str(word_model(tmp_path)), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.strip(), done.stderr) == (found, "")
