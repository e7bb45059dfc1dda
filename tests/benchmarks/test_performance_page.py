"""docs/performance.md is what the results of the benchmarks make it."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKER = runpy.run_path(str(ROOT / "docs" / "make_performance.py"), run_name="make_performance")
PAGE = ROOT / "docs" / "performance.md"


def test_the_page_is_as_new_as_the_results():
    found = PAGE.read_text(encoding="utf-8")
    assert found == MAKER["page"](found), "docs/performance.md is out of date: run python docs/make_performance.py"


def test_what_is_written_about_memory_is_kept():
    before = "# Old\n\n## Memory\n\nBy hand.\n\n### And more\n\n![m](m.png)\n\n## Old section\n\nGone.\n"
    made = MAKER["page"](before)
    assert "## Memory\n\nBy hand.\n\n### And more\n\n![m](m.png)\n" in made
    assert "Gone." not in made
    assert MAKER["page"](made) == made
    assert "## Memory" not in MAKER["page"]("")


def test_every_section_names_a_benchmark_that_is_there():
    for part in MAKER["PARTS"]:
        script = ROOT / "benchmarks" / f"{part.name}.py"
        assert not part.text() or script.exists(), script


@pytest.mark.parametrize("name", ["speed", "rerank", "sparse", "static", "search", "growth", "ablation"])
def test_every_benchmark_of_make_bench_is_on_the_page(name):
    assert name in {part.name for part in MAKER["PARTS"]}
    assert f" {name}" in (ROOT / "Makefile").read_text(encoding="utf-8").partition("BENCHES :=")[2].partition("\n")[0]
