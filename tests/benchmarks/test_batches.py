"""benchmarks/batches.py: what a batch costs, and its table."""

import numpy as np
import pytest
from batches import ALL, BESIDE, LENGTHS, MODELS, SIZES, Point, batch_cost, costs, measure, points, rows


def test_batches_are_as_large_as_asked_but_for_a_text():
    found = list(points(SIZES))
    assert len(found) == len(MODELS) * len(LENGTHS) * len(SIZES)
    assert all(abs(point.tokens - size) <= point.length / 2 for point, size in zip(found, SIZES * 4, strict=True))
    batch = found[0].batch()
    assert batch.lengths.tolist() == [LENGTHS[0]] * found[0].texts
    assert len(batch.ids) == found[0].tokens


@pytest.mark.parametrize("cost", [0, 20, 50])
def test_the_cost_of_a_batch_is_in_tokens(cost):
    found = [Point("airvec", texts, 10, {BESIDE: [1e-5 * (10 * texts + cost)] * 3}) for texts in (1, 5, 20)]
    assert batch_cost(found, BESIDE) == pytest.approx(cost, abs=1e-6)


def test_ways_are_compared_round_by_round_and_large_batches_have_no_part_in_the_cost():
    def point(model: str, texts: int, length: int) -> Point:
        alone = 1e-4 * (texts * length + (30 if texts * length < 512 else 9999))
        return Point(model, texts, length, {BESIDE: [alone, 2 * alone, 4 * alone], ALL: [2 * alone, 2 * alone, alone]})

    found = [point(model, texts, length) for model in MODELS for length in LENGTHS for texts in (1, 3, 1024)]
    assert {row["times as long"] for row in rows(found)} == {1.0}
    assert rows(found)[0]["batch"] == f"1 × {LENGTHS[0]}"
    assert costs(found).count(f"30 {BESIDE}, 30 {ALL}") == 4


class Graph:
    """Counts its batches."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, bool]] = []

    def run(self, batch, bulk):
        self.seen.append((len(batch), bulk))


def test_both_ways_run_the_same_batches_and_the_first_round_does_not_count():
    graphs, found = {name: Graph() for name in MODELS}, [Point("airvec", 2, 12), Point("wide", 1, 83)]
    told: list[str] = []
    measure(found, graphs, threads=2, rounds=3, tick=told.append)
    assert all(len(point.seconds[way]) == 3 for point in found for way in (BESIDE, ALL))
    assert all(np.min(point.seconds[way]) > 0 for point in found for way in (BESIDE, ALL))
    for name, texts in (("airvec", 2), ("wide", 1)):
        assert set(graphs[name].seen) == {(texts, True), (texts, False)}
        assert graphs[name].seen.count((texts, True)) == graphs[name].seen.count((texts, False))
    assert len(told) == 4 * 2
