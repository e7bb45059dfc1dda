"""`make parity`: run the whole matrix and write docs/parity.md.

    python -m tests.parity.table

Nothing in the page depends on the day: two runs on one machine write the same bytes; another CPU changes last digits,
and int8 is made for the CPU.
"""

import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from airvec_exporter.variants import own_family
from tests.parity.matrix import FAILED, PASSED, REFUSED, Cell, Outcome, cells, measure
from tests.parity.page import count, page
from tests.parity.refusals import refusals
from tests.parity.subjects import ROOT, Subject, one_thread, workers

PAGE = ROOT / "docs" / "parity.md"


def main() -> int:
    """Measure every cell and write the page; 1 where a cell failed."""
    start, chosen = time.perf_counter(), tuple(cells())
    subjects = tuple(dict.fromkeys(cell.subject for cell in chosen))
    with ProcessPoolExecutor(workers(), get_context("spawn"), one_thread) as pool:
        measured = dict(pair for pairs in pool.map(measured_cells, subjects) for pair in pairs)
    outcomes = {cell: measured[cell] for cell in chosen}
    with tempfile.TemporaryDirectory() as scratch:
        refused = refusals(Path(scratch))
    PAGE.write_text(page(outcomes, refused, own_family()), encoding="utf-8")
    counts = count(outcomes, refused)
    told = ", ".join(f"{counts[status]} {status}" for status in (PASSED, FAILED, REFUSED))
    print(f"{PAGE.relative_to(ROOT)}: {told} in {time.perf_counter() - start:.0f} s")
    return int(counts[FAILED] > 0)


def measured_cells(subject: Subject) -> list[tuple[Cell, Outcome]]:
    """What becomes of all cells of a subject."""
    chosen = [cell for cell in cells() if cell.subject == subject]
    with tempfile.TemporaryDirectory() as scratch:
        return [(cell, measure(cell, Path(scratch) / str(row))) for row, cell in enumerate(chosen)]


if __name__ == "__main__":
    sys.exit(main())
