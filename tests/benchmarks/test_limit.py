"""benchmarks/measure/limit.py and sgemm.py: what is counted, and that it is measured."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from measure import sgemm
from measure.limit import WAYS, Limits, Shape, best, limit_lines, share, token_counts
from measure.rounds import Suite, Work
from measure.shares import LimitTurns

SMALL = Shape(layers=2, hidden=8, inner=16, heads=2)


def test_flops_are_those_of_every_product_of_a_layer():
    tokens, hidden, inner = 5, 8, 16
    linear = 4 * 2 * tokens * hidden * hidden + 2 * 2 * tokens * hidden * inner
    attention = 2 * 2 * tokens * tokens * hidden  # scores, and the sum of values: of all heads together
    assert SMALL.flops([tokens]) == 2 * (linear + attention)
    assert SMALL.flops([tokens, tokens]) == 2 * SMALL.flops([tokens])


def test_the_share_is_taken_round_by_round():
    assert share([10.0, 20.0, 30.0], 5.0, [100.0, 100.0, 300.0]) == 0.5


def test_the_faster_way_is_the_limit():
    assert best({"one": [1.0, 9.0, 1.0], "two": [2.0, 2.0, 2.0]}) == "two"


def test_the_limit_is_measured_both_ways_and_told_with_its_formula():
    limits = Limits(Path(sys.executable), SMALL, cores=2, tokens=512, seconds=0.01)
    try:
        limits.turn()
        limits.turn()
        shapes = limits.shapes({"short": (4, 3)})
    finally:
        limits.stop()
    assert set(limits.rounds) == set(WAYS)
    assert all(len(values) == 2 and min(values) > 1e6 for values in limits.rounds.values())
    assert [row["product"] for row in shapes] == [
        "512 × 8 × 8",
        "512 × 8 × 16",
        "512 × 16 × 8",
        "attention, 4 short texts of 3 tokens",
    ]
    text = limit_lines(limits)
    assert "2 × n × (4 × hidden² + 2 × hidden × inner) + 4 × n² × hidden" in text
    assert "GFLOP/s" in text


def test_a_head_over_a_vocabulary_counts_and_is_measured():
    headed = Shape(layers=2, hidden=8, inner=16, heads=2, words=100)
    assert headed.flops([5]) == SMALL.flops([5]) + 2 * 5 * (8 * 8 + 8 * 100)
    measured = sgemm.Limit(beside=1, layers=2, hidden=8, inner=16, words=100)
    assert [weights.shape for weights in measured.weights[-3:]] == [(16, 8), (8, 8), (8, 100)]
    assert 2 * sum(weights.size for weights in measured.weights) == headed.flops([1]) - 4 * 8 * 2  # but for attention
    limits = Limits(Path(sys.executable), headed, cores=1, tokens=4, seconds=0.01)
    try:
        limits.turn()
    finally:
        limits.stop()
    assert "+ 2 × n × (hidden² + hidden × words), its own tokens" in limit_lines(limits)


def test_the_limit_s_process_is_told_of_the_head(monkeypatch):
    asked = []
    monkeypatch.setattr("measure.limit.Process", lambda *_, **__: SimpleNamespace(ask=lambda *one: asked.append(one)))
    Limits(Path(sys.executable), Shape(2, 8, 16, 2, 100), cores=2, tokens=4)
    sizes = {"layers": 2, "hidden": 8, "inner": 16, "words": 100}
    assert asked == [("load", {"beside": 1, **sizes}), ("load", {"beside": 2, **sizes})]


def test_one_token_of_the_last_layer_needs_keys_and_values_of_all():
    tokens, hidden, inner = 5, 8, 16
    keys_and_values = 2 * 2 * tokens * hidden * hidden
    itself = 2 * 2 * hidden * hidden + 2 * 2 * hidden * inner + 2 * 2 * tokens * hidden
    one_layer = SMALL.flops([tokens]) / SMALL.layers
    assert SMALL.skipped([tokens]) == one_layer - keys_and_values - itself
    assert SMALL.skipped([1]) == 0


def test_rows_of_the_model_have_their_share(monkeypatch):
    monkeypatch.setattr("measure.shares.python_of", lambda *_: Path(sys.executable))
    suite = Suite((), (Work("pairs", Path("texts"), 2),))
    turns = LimitTurns(suite, Path("environments"), SMALL, lambda _: [3, 5], tokens=8)
    facts = {"other_model": False, "int8": False}
    rows = {
        "airvec": facts | {"pairs": {"texts_per_second": [10.0]}},
        "int8": facts | {"int8": True, "pairs": {"texts_per_second": [10.0]}},
        "gone": {"absent": "why"},
    }
    turns.turn()
    text = turns.after(rows)
    limit = turns.saved()["limit_flops"]
    assert rows["airvec"]["pairs"]["share"] == 10 * SMALL.flops([3, 5]) / 2 / max(
        values[0] for values in limit.values()
    )
    assert "share" not in rows["int8"]["pairs"]
    assert "batches of 8 tokens" in text


def test_a_wrong_request_is_answered_with_an_error(monkeypatch, capsys):
    lines = [{"do": "load", "beside": 1, "layers": 1, "hidden": 4, "inner": 8}, {"do": "shape"}]
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{json.dumps(line)}\n" for line in lines)))
    sgemm.main()
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert answers[0] == {}
    assert answers[1]["error"].startswith("TypeError")


@pytest.mark.slow
def test_tokens_are_counted_with_special_ones_and_cut(checkpoint):
    assert token_counts(checkpoint, ["hello", "hello " * 400], 256) == [3, 256]
    assert token_counts(checkpoint, ["hello"], 256, "a query") == [6]
    assert Shape.of(checkpoint) == Shape(6, 384, 1536, 12)
