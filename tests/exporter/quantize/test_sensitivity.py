"""Which sites stay in float32: costs that add up, known beforehand."""

from collections.abc import Sequence

import pytest

from airvec_exporter.quantize.sensitivity import rank, to_keep

COSTS = {"a": 1.0, "b": 8.0, "c": 2.0, "d": 4.0}


def total(names: Sequence[str]) -> float:
    return sum(COSTS[name] for name in names)


def test_the_costliest_comes_first():
    assert rank(list(COSTS), total) == ["b", "d", "c", "a"]


@pytest.mark.parametrize(
    ("bound", "kept"), [(15, []), (14, ["b"]), (7, ["b"]), (6, ["b", "d"]), (1, ["b", "d", "c"]), (0, list("bdca"))]
)
def test_as_few_stay_as_the_bound_allows(bound: float, kept: list[str]):
    assert to_keep(list(COSTS), total, bound) == kept
