"""benchmarks/measure/rounds.py, with workers whose library is a few lines."""

import sys

import numpy as np
import pytest
from measure import rounds, suite
from measure.models import MODELS
from measure.peers import PEERS, RERANKERS, SPARSE, STATIC, Peer
from measure.process import WorkerError
from measure.report import notes, table
from measure.rounds import Bench, Suite, Work, distance, measure

FAKE = """
class TextEmbedding:
    def __init__(self, specific_model_path, shift):
        self.shift = shift
        if shift > 9:
            raise FileNotFoundError("a file that is on the Hub\\nand a second line")

    def embed(self, texts, batch_size):
        return [[len(text), self.shift, 1.0] for text in texts]
"""


@pytest.fixture
def bench(tmp_path, monkeypatch):
    (tmp_path / "fastembed.py").write_text(FAKE)
    (tmp_path / "texts.txt").write_text("".join(f"{'x' * (row % 7)}\n" for row in range(2100)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(rounds, "python_of", lambda *_: sys.executable)
    monkeypatch.setattr(rounds, "installed_mb", lambda *_: 12.0)
    monkeypatch.setattr(rounds, "RUNTIME", tmp_path)
    monkeypatch.setattr(rounds, "REST", 0)
    found = [
        ("airvec", 1.0, {}),
        ("torch", 1.0, {"batch_sizes": (4, 8)}),
        ("off", 1.5, {"part": 2}),
        ("away", 10.0, {}),
        ("other", 3.0, {"other_model": True, "whole": True}),
    ]
    peers = [
        Peer(key, f"the {key}", "dense.fastembed", "airvec", "m", {"shift": shift}, **more)
        for key, shift, more in found
    ]
    works = (Work("short", tmp_path / "texts.txt", 10), Work("long", tmp_path / "texts.txt", 20))
    return Bench(Suite(peers, works, rounds=3, singles=2, starts=2), {"m": tmp_path}, tmp_path, lambda _: None)


def test_all_take_turns_and_who_cannot_start_is_told(bench):
    rows = measure(bench)
    assert len(rows["airvec"]["short"]["texts_per_second"]) == 3
    assert len(rows["airvec"]["single_ms"]) == 3
    assert len(rows["airvec"]["start_s"]) == 2
    assert rows["airvec"]["peak_mb"] > 5
    assert rows["torch"]["long"]["batch_size"] in (4, 8)
    assert rows["away"]["absent"] == "the away: load: FileNotFoundError: a file that is on the Hub"
    assert "- not measured: the away: load" in notes(rows)
    assert [rows[key]["short"]["right"] for key in ("airvec", "torch", "off", "other")] == [True, True, False, False]
    assert "~~" in table(rows, ["short", "long"])


def test_another_turn_is_taken_in_every_round(bench):
    turns = []
    measure(Bench(bench.suite, bench.models, bench.environments, bench.tick, lambda: turns.append(1)))
    assert len(turns) == 3


def test_ours_must_start(bench):
    broken = Bench(bench.suite, {}, bench.environments, bench.tick)
    with pytest.raises(WorkerError, match="the airvec: its model 'm' could not be made"):
        measure(broken)


def test_a_suite_can_be_cut_to_some_libraries_and_a_few_texts():
    small = Suite(PEERS, rounds.DENSE_WORKS).only(["onnx"]).quick()
    assert [peer.key for peer in small.peers] == ["airvec", "torch", "onnx"]
    assert [work.count for work in small.works] == [240, 32]
    assert (small.rounds, small.starts) == (2, 1)


def test_a_distance_is_of_the_rows_that_are_there_and_relative_to_large_values():
    expected = np.array([[3.0, 4.0], [0.0, 100.0], [1.0, 1.0]])
    found = distance(expected[:2] + np.array([[0.0, 0.0], [0.0, 0.05]]), expected)
    assert found["delta"] == pytest.approx(0.05)
    assert found["relative"] == pytest.approx(5e-4)
    assert found["right"]
    assert found["cosine_min"] == pytest.approx(1.0)
    assert distance(None, expected) == {"delta": None, "right": False}


@pytest.mark.parametrize("peer", [*PEERS, *RERANKERS, *SPARSE, *STATIC], ids=lambda peer: f"{peer.library}-{peer.key}")
def test_every_peer_has_an_environment_a_library_and_a_model(peer):
    from measure.environments import REQUIREMENTS
    from measure.worker import find_library

    assert (REQUIREMENTS / f"{peer.environment}.txt").is_file()
    assert callable(find_library(peer.library))
    assert peer.model is None or peer.model in MODELS


def test_a_full_run_is_saved_and_a_quick_one_is_not(bench, tmp_path, monkeypatch):
    from argparse import Namespace

    monkeypatch.setattr(suite, "models_of", lambda *_: bench.models)
    monkeypatch.setattr(suite, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(suite, "DOCS", tmp_path / "docs")
    options = Namespace(only=None, quick=True, no_progress=True, environments=tmp_path)
    suite.run("name", "title", bench.suite, options)
    assert not (tmp_path / "results").exists()
    options.quick = False
    suite.run("name", "title", bench.suite, options)
    assert sorted(file.name for file in (tmp_path / "results").iterdir()) == ["name.json", "name.md"]
    assert "load" in (tmp_path / "results" / "name.md").read_text()
    assert (tmp_path / "docs" / "name.png").stat().st_size > 10_000
