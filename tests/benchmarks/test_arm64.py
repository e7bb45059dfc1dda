import json

import numpy as np
import pytest
from arm64 import TEXTS, Case, cases, cosines, row, seen
from measure import debian_root
from measure.debian_root import READY, DebianError, unpacked


def test_a_run_that_ends_early_says_how_far_it_came_and_how_it_ended():
    out = "\n".join(json.dumps({"step": name, "found": "1"}) for name in ("numpy", "tokenizers"))
    found = seen(out, "a warning\nqemu: uncaught target signal 11\n", -11)
    assert (found.steps, found.vectors) == (("numpy", "tokenizers"), None)
    assert found.end == "exit code -11: qemu: uncaught target signal 11"
    assert seen("", "", 1).end == "exit code 1: nothing was said"


def test_a_run_that_gives_vectors_is_compared_with_fp32_and_with_its_own_graph():
    found = seen(json.dumps({"step": "encode", "found": [[0.6, 0.8], [0.0, 0.0]]}), "", 0)
    expected = {"fp32": np.array([[0.6, 0.7], [0, 0]]), "int8-arm64": np.array([[0.6, 0.81], [0, 0]])}
    line = row(Case("qemu", "max", "int8-arm64", board=True), "7.2", found, expected)
    assert line["largest Δ from fp32 on x86-64"] == pytest.approx(0.1, abs=1e-6)
    assert line["largest Δ from the same graph there"] == pytest.approx(0.01, abs=1e-6)
    assert (line["result"], line["/proc/cpuinfo"]) == ("ran", "a board's")


def test_texts_without_a_known_word_have_no_cosine():
    assert cosines(np.array([[1.0, 0], [0, 0]]), np.array([[2.0, 0], [0, 0]])).tolist() == [1]


def test_every_graph_runs_on_every_cpu_and_the_newer_emulator_without_help():
    found = list(cases("old", "new", ("a", "b")))
    assert {(case.cpu, case.graph) for case in found if case.qemu == "old"} == {
        (cpu, graph) for cpu in "ab" for graph in ("static", "fp32", "int8-arm64")
    }
    assert {case.board for case in found if case.qemu == "new"} == {False}
    assert len(TEXTS) == 20


def test_what_was_unpacked_is_taken_as_it_is_and_other_systems_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(debian_root, "KEYRING", tmp_path / "none")
    with pytest.raises(DebianError, match="expected Debian's keys"):
        unpacked(("python3.13",), "arm64", tmp_path)
    (tmp_path / READY).write_text("trixie arm64 python3.13")
    assert unpacked(("python3.13",), "arm64", tmp_path) == tmp_path / "root"
