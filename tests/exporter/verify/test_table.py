"""Mirrors exporter/airvec_exporter/verify/table.py."""

from pathlib import Path

import pytest

from airvec_exporter.verify.measured import Measured
from airvec_exporter.verify.table import table

FULL = Measured(
    1.2e-7, 0.999999, 240, (1, 600), 384, mean_cosine=0.9968, rank_correlation=0.99912, top10_overlap=0.987,
    top10_equal=0.5, batch_delta=3.4e-8, megabytes=1234.5, load_ms=1220, one_text_ms=1.94, texts_per_second=12345.6,
    sts=82.03,
)  # fmt: skip
BARE = Measured(0.04, None, 240, (1, 600), 1, misses=("pair 3 is 4.00e-02 from torch",))
VARIANTS = ("fp32", "fused", "O4", "int8", "int8-x86", "int8-dynamic", "int4", "openvino", "openvino-int8")


@pytest.fixture(autouse=True)
def no_colour(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")


def test_a_row_a_variant_and_a_dash_for_what_was_not_measured():
    lines = table({(Path("m"), "fp32"): FULL, (Path("m"), "int8"): BARE}).splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["variant", "MB", "max", "|Δ|", "cosine", "cos", "min", "rank", "ρ", "top10", "batch", "Δ", "load", "1",
         "text", "text/s", "STS"],
        ["fp32", "1,234", "1.2e-07", "0.9968", "1.0000", "0.9991", "98.7", "3.4e-08", "1,220", "1.9", "12,346",
         "82.03"],
        ["int8", "–", "4.0e-02", *["–"] * 9],
    ]  # fmt: skip
    assert lines[3:] == ["int8: pair 3 is 4.00e-02 from torch"]


def test_a_graph_that_was_not_run_has_a_row_and_a_line_that_says_so():
    lines = table({(Path("m"), "fp32"): FULL}, [(Path("m"), "int8-vnni")]).splitlines()
    assert lines[2].split() == ["int8-vnni", *["–"] * 11]
    assert lines[3:] == ["int8-vnni: not run here: it is made for other CPUs, so nothing was measured"]


def test_it_fits_a_terminal_of_100_columns():
    rows = {(Path("m"), variant): FULL for variant in VARIANTS}
    assert max(map(len, table(rows).splitlines())) <= 100


def test_bodies_have_rows_of_their_own_where_there_are_several():
    rows = {(Path("x/0_Query"), "fp32"): FULL, (Path("x/1_Document"), "fp32"): FULL}
    assert [line.split()[0] for line in table(rows).splitlines()[1:]] == ["0_Query/", "fp32", "1_Document/", "fp32"]


def test_a_column_that_nobody_measured_is_left_out():
    assert "NDCG" not in table({(Path("m"), "fp32"): FULL})
    assert table({(Path("m"), "fp32"): BARE}).splitlines()[0].split() == ["variant", "max", "|Δ|"]
