"""benchmarks/start.py: its table, of numbers that can be checked by hand, and programs that are really run."""

import sys
from pathlib import Path

import pytest
from measure.process import WorkerError
from measure.starts import GRAPH_IMPORTS, Program, programs, table_rows, take_turns

from airvec.blas import VARIABLE


def test_medians_are_seen_beside_those_of_the_bare_imports():
    bare = Program("bare", f"import {GRAPH_IMPORTS}", first=[0.2, 0.1, 0.3], wall=[0.3, 0.3, 0.3], cpu=[0.1, 0.1, 0.1])
    int8 = Program("int8", "…", aim=1.5, first=[0.3, 0.2, 0.9], wall=[0.4, 0.9, 1.2], cpu=[0.4, 0.2, 0.1])
    found = table_rows([bare, int8])
    assert [(row["ms"], row["aim"], row["lowest ms"]) for row in found] == [(200, "–", 100), (300, "≤ 1.5", 200)]
    assert [row["× imports"] for row in found] == pytest.approx([1, 1.5])
    assert [row["to its end, ms"] for row in found] == [300, 900]
    assert [row["to its end, × imports"] for row in found] == pytest.approx([1, 3])
    assert [row["CPU × imports"] for row in found] == pytest.approx([1, 2])


def test_every_program_has_its_bare_imports_among_the_rows():
    folder = Path("x")
    models = dict.fromkeys(["fastembed-256", "onnx", "checkpoint"], folder)
    rows = programs({"fp32": folder, "int8": folder}, folder, folder, models)
    for row in rows:
        row.first.append(1.0)
        row.wall.append(1.0)
        row.cpu.append(1.0)
        compile(row.code, row.label, "exec")
    assert len(table_rows(rows)) == len(rows) == 13


def test_the_first_round_does_not_count_and_the_end_and_cpu_time_are_seen(tmp_path):
    code = """
import atexit, time

def until(seconds):
    while time.process_time() < seconds:
        pass

until(0.2)
atexit.register(until, 0.3)
"""
    spin = Program("spin", code)
    take_turns([spin], {"airvec": Path(sys.executable)}, tmp_path, 1, lambda _: None)
    assert len(spin.first) == len(spin.wall) == len(spin.cpu) == 1
    assert 0.2 < spin.first[0] < spin.wall[0] - 0.05
    assert spin.cpu[0] > 0.15


def test_a_program_has_its_variables(tmp_path):
    seen = Program("seen", "import os\nassert os.environ['OURS'] == '1'", variables={"OURS": "1"})
    take_turns([seen], {"airvec": Path(sys.executable)}, tmp_path, 1, lambda _: None)
    assert len(seen.wall) == 1


def test_no_program_is_told_what_airvec_tells_numpy_in_the_process_that_measures(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "26")
    seen = Program("seen", f"import os\nassert {VARIABLE!r} not in os.environ")
    take_turns([seen], {"airvec": Path(sys.executable)}, tmp_path, 1, lambda _: None)
    assert len(seen.wall) == 1


def test_a_program_that_fails_ends_it_with_what_it_printed(tmp_path):
    with pytest.raises(WorkerError, match=r"broken: the process ended with code 1\n(?s:.*)no such number"):
        take_turns(
            [Program("broken", "raise SystemExit('no such number')")], {"airvec": Path(sys.executable)}, tmp_path, 1,
            lambda _: None,
        )  # fmt: skip
