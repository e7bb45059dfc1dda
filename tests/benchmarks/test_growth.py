"""benchmarks/growth.py: its points, its fit and its report."""

import growth
import pytest
from growth import DEPTHS, LENGTHS, Point, exponent, fitted, lines, measure, points, report, write_texts
from measure import datasets


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_is_the_slope_of_the_logarithms(power):
    assert exponent([(x, 3 * x**power) for x in (8, 64, 512)]) == pytest.approx(power)


def test_numbers_of_texts_have_a_second_exponent_without_what_a_call_costs():
    line = [(x, 0.1 + x / 1000) for x in (10, 100, 1000, 10_000, 100_000)]
    assert fitted("texts", line) == "0.76, 0.98 from 1,000 on"
    assert fitted("depth", line) == "0.76"


class Fake:
    """A process that takes a second for a thousand lines."""

    def ask(self, _, request):
        return {"seconds": request["first"] / 1000}


def test_every_point_is_measured_and_told(tmp_path, monkeypatch):
    texts = tmp_path / "texts"
    texts.write_text("one\ntwo\n")
    monkeypatch.setattr(growth, "SHORT", texts)
    monkeypatch.setattr(datasets, "SHORT", texts)
    write_texts(tmp_path, 50)
    assert (tmp_path / "short.txt").read_text().count("\n") == 50
    assert {len(line.split()) for line in (tmp_path / "64.txt").read_text().splitlines()} == {62}
    found = list(points(tmp_path, rounds=3))
    processes = {point.process: Fake() for point in found}
    values = measure(found, processes, lambda _: None)
    assert {len(values[point]) for point in found if point.x == 1_000_000} == {2}
    drawn = lines(values)
    assert [x for x, _ in drawn["length"]["1 thread"]] == list(LENGTHS)
    assert [x for x, _ in drawn["depth"]["long texts"]] == [*DEPTHS, 6]
    text = report(values)
    assert "static 1.00, 1.00 from 1,000 on" in text
    assert "Two threads against one, over all lengths: 1.00 to 1.00 ×." in text
    growth.draw(values, "a machine", tmp_path / "growth.png")
    assert (tmp_path / "growth.png").stat().st_size > 10_000


def test_a_point_is_seconds_of_a_call_or_milliseconds_a_text(tmp_path):
    assert Point("texts", "static", 10, "p", tmp_path, 10, 1).value(2.0) == 2.0
    assert Point("length", "1 thread", 8, "p", tmp_path, 10, 1).value(2.0) == 200.0
