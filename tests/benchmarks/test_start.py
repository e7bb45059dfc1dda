"""benchmarks/start.py: its table, of numbers that can be checked by hand, and programs that are really run."""

import sys
from pathlib import Path

import pytest
from measure.process import WorkerError
from measure.starts import GRAPH_IMPORTS, Program, programs, table_rows, take_turns


def test_medians_are_seen_beside_those_of_the_bare_imports():
    bare = Program("bare", f"import {GRAPH_IMPORTS}", wall=[0.2, 0.1, 0.3], cpu=[0.1, 0.1, 0.1])
    found = table_rows([bare, Program("int8", "…", aim=1.5, wall=[0.3, 0.2, 0.9], cpu=[0.4, 0.2, 0.1])])
    assert [(row["ms"], row["aim"], row["lowest ms"]) for row in found] == [(200, "–", 100), (300, "≤ 1.5", 200)]
    assert [row["× imports"] for row in found] == pytest.approx([1, 1.5])
    assert [row["CPU × imports"] for row in found] == pytest.approx([1, 2])


def test_every_program_has_its_bare_imports_among_the_rows():
    folder = Path("x")
    models = dict.fromkeys(["fastembed-256", "onnx", "checkpoint"], folder)
    rows = programs({"fp32": folder, "int8": folder}, folder, folder, models)
    for row in rows:
        row.wall.append(1.0)
        row.cpu.append(1.0)
        compile(row.code, row.label, "exec")
    assert len(table_rows(rows)) == len(rows) == 13


def test_the_first_round_does_not_count_and_cpu_time_is_seen(tmp_path):
    spin = Program("spin", "import time\nwhile time.process_time() < 0.2: pass")
    take_turns([spin], {"airvec": Path(sys.executable)}, tmp_path, 1, lambda _: None)
    assert len(spin.wall) == len(spin.cpu) == 1
    assert spin.wall[0] > 0.2
    assert spin.cpu[0] > 0.15


def test_a_program_has_its_variables(tmp_path):
    seen = Program("seen", "import os\nassert os.environ['OURS'] == '1'", variables={"OURS": "1"})
    take_turns([seen], {"airvec": Path(sys.executable)}, tmp_path, 1, lambda _: None)
    assert len(seen.wall) == 1


def test_a_program_that_fails_ends_it_with_what_it_printed(tmp_path):
    with pytest.raises(WorkerError, match=r"broken: the process ended with code 1\n(?s:.*)no such number"):
        take_turns(
            [Program("broken", "raise SystemExit('no such number')")], {"airvec": Path(sys.executable)}, tmp_path, 1,
            lambda _: None,
        )  # fmt: skip
