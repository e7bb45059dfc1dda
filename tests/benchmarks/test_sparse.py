"""benchmarks/sparse.py: its table, and with the real model that vectors are the reference's in little memory."""

import numpy as np
import pytest
from measure.datasets import LONG, read_texts
from measure.splade import make_splade
from sparse import BOUND, CONTENDERS, PARTS, REFERENCE, _row, keep, kept, measure, report

from airvec import SparseVectors

OURS = ["airvec, pooling inside the graph", "airvec, pooling in NumPy"]
MEGABYTES = 400


def answers(*seconds):
    return [{"seconds": one, "cpu": 2 * one, "peak": 100.0 + place} for place, one in enumerate(seconds)]


def test_a_row_has_the_median_of_the_turns_and_the_largest_difference():
    expected = np.eye(4, dtype=np.float32)
    found = expected.copy()
    found[2, 1] = -0.5
    row = _row("x", answers(1, 4, 2), [["a", "b"]] * 3, found, expected)
    assert row == {
        "": "x",
        "documents/s": 1.0,
        "least – most": "0.5 – 2.0",
        "CPU ms a document": 2000.0,
        "peak MB": 102,
        "max |Δ|": 0.5,
    }


def test_vectors_are_kept_and_read_whole(tmp_path):
    rows = np.random.default_rng(0).normal(size=(PARTS, 3, 4)).astype(np.float32) * (np.arange(4) % 2)
    for part in range(PARTS):
        keep(SparseVectors.from_dense(rows[part]) if part % 2 else rows[part], tmp_path / f"{part}.npz")
    assert np.array_equal(kept(tmp_path), rows.reshape(-1, 4))


def test_the_report_says_how_many_times_faster_the_fused_graph_is():
    rows = [{"": name, "documents/s": 4.0 if name == OURS[0] else 2.0, "max |Δ|": 0.0} for name in CONTENDERS]
    text = report(rows, np.eye(3, 5, dtype=np.float32), 0.25)
    assert "a vector has 1 words of 5 (median), the largest weight is 1.00" in text
    assert f"2.0 × {REFERENCE}." in text
    assert "load 0.2 before" in text
    assert text.count("\n| ") == len(CONTENDERS)


@pytest.mark.slow
@pytest.mark.parity
def test_vectors_of_real_size_are_the_reference_s_in_little_memory(checkpoint, tmp_path, shared):
    from airvec_exporter import export

    texts = read_texts(shared / "bench" / LONG.name)[: 12 * PARTS]
    made = make_splade(checkpoint, tmp_path / "checkpoint")
    export(made, tmp_path / "model", fused=True, weights=False, texts=texts[:8])
    (tmp_path / "vectors").mkdir()
    names = [*OURS, REFERENCE]
    rows = {row[""]: row for row in measure(names, texts, made, tmp_path / "model", tmp_path / "vectors")}
    expected = kept(tmp_path / "vectors" / str(names.index(REFERENCE)))
    assert 20 < np.median(np.count_nonzero(expected, axis=1)) < 400
    assert expected.std(axis=0).max() > 0.1
    for name in OURS:
        assert rows[name]["max |Δ|"] <= BOUND * max(1, expected.max())
        assert rows[name]["peak MB"] <= MEGABYTES
    assert rows[REFERENCE]["peak MB"] > 2 * MEGABYTES
