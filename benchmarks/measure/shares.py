"""The limit's turn in every round of a suite, and afterwards each row's share of it.

Knows nothing of which libraries are compared.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure.environments import python_of
from measure.limit import Limits, Shape, best, limit_lines, share
from measure.report import machine
from measure.rounds import Row, Suite, Work

Lengths = Callable[[Work], list[int]]


class LimitTurns:
    """What measures the limit beside a suite.

    Args:
        suite: the works that are timed.
        environments: the folder of environments.
        shape: of the model.
        lengths: the tokens of each text of a work.
        tokens: of a batch, as airvec's planner cuts it.
    """

    def __init__(self, suite: Suite, environments: Path, shape: Shape, lengths: Lengths, tokens: int) -> None:
        self.works, self.lengths = suite.works, lengths
        self.limits = Limits(python_of("airvec", environments), shape, machine()["cpus"], tokens)

    def turn(self) -> None:
        """Measure the limit once."""
        self.limits.turn()

    def add_shares(self, rows: dict[str, Row]) -> None:
        """Give each row of this model its share of the limit, for every work; int8 has no such limit."""
        limit = self.limits.rounds[best(self.limits.rounds)]
        for work in self.works:
            lengths = self.lengths(work)
            flops = self.limits.shape.flops(lengths) / len(lengths)
            for row in rows.values():
                if "absent" not in row and not row["other_model"] and not row["int8"]:
                    row[work.name]["share"] = share(row[work.name]["texts_per_second"], flops, limit)

    def after(self, rows: dict[str, Row]) -> str:
        """Add the shares, end the processes, and say what the limit is."""
        self.add_shares(rows)
        self.limits.stop()
        return limit_lines(self.limits)

    def saved(self) -> dict[str, Any]:
        """For the JSON file."""
        return {"limit_flops": self.limits.rounds}
