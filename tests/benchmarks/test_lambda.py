"""benchmarks/lambda.py: its table, of numbers that can be checked by hand, and what it takes for an answer."""

from importlib import import_module
from pathlib import Path

import pytest
from measure.layers import Contender, ours
from measure.runtime_api import Told

SCRIPT = import_module("lambda")  # a keyword, so no import statement can name it


def test_the_table_has_medians_and_percentiles():
    row = {
        "function": "f",
        "cpus": 0.29,
        "memory_mb": 512,
        "init": [3.0, 1.0, 2.0],
        "init cpu": [0.5],
        "first": [4.0],
        "one": [number / 1000 for number in range(1, 201)],
        "eight": [0.5],
        "peak_mb": [80.2, 90.4],
    }
    line = SCRIPT.table([row]).splitlines()[2]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    expected = ["f", "0.29", "512", "2.00 (1.00–3.00)", "0.50 (0.50–0.50)", "4.00 (4.00–4.00)", "–"]
    assert cells == [*expected, "100.0", "198.0", "500.0", "500.0", "90"]


@pytest.mark.parametrize(
    ("body", "right"),
    [
        (b'{"embeddings": [[1, 2]]}', True),
        (b'{"embeddings": [[1, 2, 3]]}', False),
        (b'{"embeddings": []}', False),
        (b'{"error": "no model"}', False),
        (b"nothing", False),
    ],
)
def test_an_answer_is_vectors_or_ends_the_run(body, right):
    contender = Contender("f", Path(), Path(), "h", ours, 2)
    if right:
        SCRIPT.check(Told("response", body, 0.0), contender, 1)
    else:
        with pytest.raises(SCRIPT.WrongAnswerError, match="f: response .*, expected 1 vectors of 2 values"):
            SCRIPT.check(Told("response", body, 0.0), contender, 1)


def test_a_quota_is_of_periods_of_20_ms(monkeypatch, tmp_path):
    sandbox = import_module("measure.sandbox")
    monkeypatch.setattr(sandbox, "CGROUPS", tmp_path)
    cpu, memory = sandbox._groups("x", 0.29, 512 * 2**20)
    assert cpu[1] == {"cpu.cfs_period_us": "20000", "cpu.cfs_quota_us": "5800"}
    assert memory[1] == {"memory.limit_in_bytes": "536870912"}
    (tmp_path / "cgroup.controllers").write_text("cpu memory")
    assert sandbox._groups("x", 0.29, 2**20) == [(tmp_path / "x", {"cpu.max": "5800 20000", "memory.max": "1048576"})]
