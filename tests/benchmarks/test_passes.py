"""benchmarks/passes.py: its table, of numbers that can be checked by hand."""

import pytest
from passes import LONG, ONE, OPENED, PLAIN, SHORT, Contender, check, rows


def contender(name: str, *seconds: float) -> Contender:
    times = {shape: list(seconds) for shape in (ONE, SHORT, LONG)}
    return Contender(name, None, opening=[0.2, 0.1, 0.3], wall=times, cpu=times)


def test_rates_are_compared_turn_by_turn():
    table = rows([contender(PLAIN, 4, 8, 2), contender(OPENED, 2, 4, 1), contender("+ a pass", 1, 8, 0.5)])
    assert [row["short ×"] for row in table] == [1, 2, 4]
    assert [row["long, × airvec's"] for row in table] == [0.5, 1, 2]
    assert [row["one text, ms"] for row in table] == [4000, 2000, 1000]
    assert [row["open, ms"] for row in table] == [200] * 3


class Session:
    def __init__(self, value: float) -> None:
        self.value = value

    def get_inputs(self):
        return []

    def run(self, names, given):
        return [self.value]


def test_a_pass_that_moves_vectors_ends_it():
    first, second = Contender(PLAIN, Session(0.0)), Contender("+ a pass", Session(0.01))
    check([first, Contender("all and gelu_approximation", Session(0.01))])
    with pytest.raises(SystemExit, match="pass: vectors differ by 1.0e-02, expected 0.0001 at most"):
        check([first, second])
