"""benchmarks/ceilings.py and measure/ceiling.py: bisection by a made-up machine, texts, one real process."""

from pathlib import Path

import ceilings
import pytest
from measure import ceiling

CASE = ceilings.Case("static", "", "auto", 1)


@pytest.mark.parametrize("needed", [17, 64, 99, 200])
def test_bisection_finds_the_least_memory_to_a_step(monkeypatch, needed):
    monkeypatch.setattr(ceilings, "completes", lambda case, mib: mib >= needed)
    assert needed <= ceilings.least(CASE, 16, 200) < needed + ceilings.STEP_MIB


def test_a_row_has_the_peak_of_each_work_and_begins_the_bisection_there(monkeypatch):
    peaks = {"one": 40.4, "short": 50, "long": 99.6, "stream": 60}
    monkeypatch.setattr(ceilings, "peak", lambda case, work: peaks[work])
    monkeypatch.setattr(ceilings, "least", lambda case, low, high: high)
    row = ceilings.row(CASE, bisect=True)
    assert list(row.values()) == ["static", 1, 40, 50, 100, 60, 100]
    assert "completes in MiB" not in ceilings.row(CASE, bisect=False)


@pytest.mark.parametrize(("kind", "longest"), [("short", 12), ("long", 80)])
def test_texts_are_made_where_there_are_none(monkeypatch, tmp_path, kind, longest):
    monkeypatch.setattr(ceiling, "BENCH", tmp_path)
    made = ceiling.texts(kind, 50)
    assert len(set(made)) == 50
    assert max(len(text.split()) for text in made) <= longest
    (tmp_path / f"debian_{kind}.txt").write_text("a\nb\n")
    assert ceiling.texts(kind, 3) == ["a", "b", "a"]


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak is read in /proc")
def test_the_peak_of_a_real_process_is_megabytes():
    assert 20 < ceilings.peak(CASE, "one") < 500
