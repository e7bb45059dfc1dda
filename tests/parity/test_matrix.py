"""Every cell of the parity matrix: airvec without torch against sentence-transformers 6.2 on torch."""

from pathlib import Path

import pytest

from tests.parity.matrix import PASSED, Cell, cells, measure
from tests.parity.subjects import prepare_all

pytestmark = [pytest.mark.parity, pytest.mark.slow]

CELLS = tuple(cells())


@pytest.fixture(scope="module", autouse=True)
def exports():
    """All that the tests need, a process a CPU; what is in the cache is not made again."""
    prepare_all(tuple(dict.fromkeys(cell.subject for cell in CELLS)))


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_cell_of_the_matrix_is_within_its_bound(cell: Cell, tmp_path: Path):
    outcome = measure(cell, tmp_path / "model")
    assert outcome.status == PASSED, f"{outcome.delta:.2e}: {outcome.reason}"
