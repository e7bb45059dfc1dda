import pytest
from measure.peers import PEERS, REFERENCE
from measure.report import is_right, machine, machine_line, ratio_lines, ratios, table, with_spread
from measure.table import markdown, shown


def row(label, short, long, delta=1e-7, single=(4.0,), start=(1.0,)):
    kinds = {
        kind: {"delta": delta, "batch_size": 32, "texts_per_second": speeds}
        for kind, speeds in (("short", short), ("long", long))
    }
    return {"label": label, "single_ms": list(single), "start_s": list(start), "installed_mb": 1609.0, **kinds}


@pytest.fixture
def rows():
    return {
        "airvec": row("airvec", [900.0, 1000.0, 1100.0], [100.0], single=[2.0], start=[0.5]),
        "torch": row("torch", [500.0], [80.0], delta=0.0, start=[4.0]),
        "wrong": row("wrong", [9000.0], [900.0], delta=2e-3, start=[0.1]),
        "static": row("static", [90000.0], [9000.0], delta=None),
    }


def test_a_table_has_a_rule_and_numbers_flush_right():
    text = markdown([{"name": "a", "speed": 1234.5}, {"name": "longer", "speed": 0.5}])
    assert text.splitlines() == [
        "| name   | speed |",
        "|--------|------:|",
        "| a      | 1,234 |",
        "| longer |  0.50 |",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (82.031, "82.03"), (2.1e-7, "2.1e-07"), (0.0, "0.00"), (1234.5, "1,234"), ("a", "a")],
)
def test_values_are_shown_by_size(value, text):
    assert shown(value) == text


def test_the_spread_is_lowest_and_highest():
    assert with_spread([3.0, 1.0, 2.0], 1) == "2.0 (1.0–3.0)"
    assert with_spread([], 1) == "–"


def test_wrong_vectors_strike_the_speed_out(rows):
    lines = table(rows).splitlines()
    assert "1,000 (900–1,100)" in lines[2]
    assert "~~9,000 (9,000–9,000)~~ wrong" in lines[4]
    assert "~~" not in lines[5]  # another model is not wrong, it is just not compared


def test_another_model_is_neither_right_nor_in_the_ratios(rows):
    assert not is_right(rows["static"], "short")


def test_ratios_are_to_the_best_library_with_right_vectors(rows):
    assert ratios(rows) == {
        "short texts a second": (2.0, "torch"),
        "long texts a second": (1.25, "torch"),
        "one short text": (2.0, "torch"),
        "start to first vector": (8.0, "torch"),
    }
    assert "- long texts a second: 1.25 × torch" in ratio_lines(rows)


def test_a_row_without_start_does_not_take_part_in_the_start(rows):
    rows["torch"]["start_s"] = []
    rows["onnx"] = row("onnx", [1.0], [1.0], start=[3.0])
    assert ratios(rows)["start to first vector"] == (6.0, "onnx")


def test_the_machine_is_told_in_one_line():
    line = machine_line(machine())
    assert "CPUs" in line
    assert "\n" not in line


def test_there_is_one_reference_and_keys_are_unique():
    keys = [peer.key for peer in PEERS]
    assert len(set(keys)) == len(keys)
    assert REFERENCE in keys
