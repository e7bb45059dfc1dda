import pytest
from measure.peers import PEERS, REFERENCE, RERANKERS, SPARSE, STATIC
from measure.report import against, machine, machine_line, notes, quartiles, ratio_lines, ratios, table, with_spread
from measure.table import markdown, shown

WORKS = ("short", "long")


def row(label, short, long, delta=1e-7, single=(4.0,), start=(1.0,), **others):
    kinds = {
        kind: {
            "delta": delta,
            "right": delta is not None and delta < 1e-3,
            "cosine_mean": 0.999,
            "cosine_min": 0.99,
            "batch_size": 32,
            "texts_per_second": speeds,
        }
        for kind, speeds in (("short", short), ("long", long))
    }
    facts = {
        "int8": False,
        "driven": False,
        "ours": label.startswith("airvec"),
        "other_model": delta is None,
        "note": "",
    } | others
    return {"label": label, "single_ms": list(single), "start_s": list(start), "installed_mb": 1609.0, **facts, **kinds}


@pytest.fixture
def rows():
    return {
        "airvec": row("airvec", [900.0, 1000.0, 1100.0], [100.0], single=[2.0], start=[0.5]),
        "torch": row("torch", [500.0], [80.0], delta=0.0, start=[4.0]),
        "wrong": row("wrong", [9000.0], [900.0], delta=2e-3, start=[0.1]),
        "driven": row("driven", [800.0], [90.0], driven=True, note="our batching"),
        "int8": row("int8", [2000.0], [200.0], delta=0.02, int8=True),
        "gone": {"label": "gone", "absent": "gone: it needs a network", "note": "never shown"},
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


def test_the_spread_is_the_quartiles():
    assert with_spread([5.0, 1.0, 2.0, 3.0, 4.0], 1) == "3.0 (2.0–4.0)"
    assert with_spread([3.0], 1) == "3.0 (3.0–3.0)"
    assert with_spread([], 1) == "–"
    assert quartiles([1.0, 2.0]) == (1.25, 1.75)


def test_wrong_vectors_strike_the_speed_out(rows):
    lines = table(rows, WORKS).splitlines()
    assert "1,000 (950–1,050)" in lines[2]
    assert "~~9,000 (9,000–9,000)~~ wrong" in lines[4]
    assert not any(
        "~~" in line for place, line in enumerate(lines) if place != 4
    )  # int8 and another model are not wrong


def test_int8_has_cosines_in_place_of_a_difference(rows):
    assert "0.9990 / 0.9900" in table(rows, WORKS).splitlines()[6]


def test_columns_that_nobody_was_measured_for_are_left_out(rows):
    for one in rows.values():
        one["start_s"] = []
    assert "start, s" not in table(rows, WORKS)
    assert "% of the limit" not in table(rows, WORKS)
    rows["airvec"]["short"]["share"] = 0.876
    title, _, ours, *_ = ([cell.strip() for cell in line.split("|")] for line in table(rows, WORKS).splitlines())
    assert ours[title.index("short, % of the limit")] == "88"


def test_what_could_not_be_measured_is_told_below_the_table(rows):
    assert "gone" not in table(rows, WORKS)
    assert notes(rows).splitlines() == ["- driven: our batching", "- not measured: gone: it needs a network"]


def test_ratios_are_to_the_best_library_with_right_vectors(rows):
    assert ratios(rows, WORKS) == {
        "short texts a second": (2.0, "torch"),
        "long texts a second": (1.25, "torch"),
        "one text": (2.0, "torch"),
        "start to first vector": (8.0, "torch"),
    }
    assert "- long texts a second: 1.25 × torch" in ratio_lines(rows, WORKS)


def test_a_row_without_start_does_not_take_part_in_the_start(rows):
    rows["torch"]["start_s"] = []
    rows["onnx"] = row("onnx", [1.0], [1.0], start=[3.0])
    assert ratios(rows, WORKS)["start to first vector"] == (6.0, "onnx")


def test_two_rows_are_compared_in_a_line_unless_one_is_absent(rows):
    line = against(rows, WORKS, "airvec", "driven")
    assert line == "- airvec against driven: short texts 1.25 ×, long texts 1.11 ×, one text in 0.50 × its time"
    assert against(rows, WORKS, "airvec", "gone") == ""
    assert against(rows, WORKS, "airvec", "nobody") == ""


def test_the_machine_is_told_in_one_line():
    line = machine_line(machine())
    assert "CPUs" in line
    assert "\n" not in line


@pytest.mark.parametrize("peers", [PEERS, RERANKERS, SPARSE, STATIC])
def test_there_is_one_reference_and_keys_are_unique(peers):
    keys = [peer.key for peer in peers]
    assert len(set(keys)) == len(keys)
    assert REFERENCE in keys
