"""How the program writes: colour where the terminal has it, aligned tables, bars.

Knows nothing of what it writes about.
"""

import os
import sys
from collections.abc import Sequence
from typing import TextIO

BOLD, DIM, GREEN, YELLOW, RED = "1", "2", "32", "33", "31"
BAR = "█"


def has_colour(stream: TextIO) -> bool:
    """Whether to colour: FORCE_COLOR and NO_COLOR decide, else it must be a terminal that is not dumb."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def paint(text: str, code: str, stream: TextIO | None = None) -> str:
    """The text in a colour or weight, if the stream (standard output) shows them."""
    return f"\033[{code}m{text}\033[0m" if has_colour(stream or sys.stdout) else text


def shade(score: float) -> str:
    """The colour for a similarity: green from 0.6, yellow from 0.3, else dim."""
    return GREEN if score >= 0.6 else YELLOW if score >= 0.3 else DIM


def bar(share: float, width: int = 20) -> str:
    """A bar of up to `width` characters for a share from 0 to 1; at least a sliver above 0."""
    return BAR * max(1 if share > 0 else 0, round(max(0.0, min(1.0, share)) * width))


def shorten(text: str, width: int) -> str:
    """A text on one line, cut to `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Rows under a head, columns aligned left, or right for those numbered in `right`. Cells carry no colour."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([paint(line(head), BOLD), *map(line, rows)])
