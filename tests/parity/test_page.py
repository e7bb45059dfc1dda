"""docs/parity.md shows every cell of the matrix, and this folder's README names tests that are there."""

import re
from pathlib import Path

import pytest

from tests import tiny
from tests.parity.matrix import cells
from tests.parity.page import NAMES, SHORT
from tests.parity.table import PAGE
from tests.parity.variants import VARIANTS
from tests.tiny.families import FAMILIES
from tests.tiny.remote_families import REMOTE

pytestmark = pytest.mark.parity

HERE = Path(__file__).parent
STATED = re.findall(r"([\w./]+\.py)::(\w+)", (HERE / "README.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_page_has_a_line_for_every_architecture_family_and_refusal(page: str):
    first = [line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")]
    assert not {*NAMES.values(), *FAMILIES, *REMOTE}.difference(first)
    assert set(NAMES) == set(tiny.ARCHITECTURES)


def test_the_page_has_a_column_for_every_setting(page: str):
    for settings in VARIANTS.values():
        assert "| " + " | ".join(["", *(SHORT.get(name, name) for name in settings)]) + " |" in page


def test_the_page_counts_every_cell(page: str):
    counts = [int(number) for number in re.findall(r"(\d+) (?:cells passed|failed|refused)", page)[:3]]
    assert sum(counts) == len(list(cells())) + len(REMOTE)
    assert len(set(map(str, cells()))) == len(list(cells()))


def test_the_seventeen_cases_are_named_and_their_tests_are_there():
    text = (HERE / "README.md").read_text(encoding="utf-8")
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)] == list(range(1, 18))
    assert len(STATED) > 25
    gone = [f"{file}::{name}" for file, name in STATED if f"def {name}(" not in (HERE / file).read_text("utf-8")]
    assert not gone
