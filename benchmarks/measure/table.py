"""Rows → Markdown table.

Knows nothing of what the rows mean.
"""

from collections.abc import Mapping, Sequence


def markdown(rows: Sequence[Mapping[str, object]]) -> str:
    """A table with a column for every key of the first row; the first is set flush left, the others right.

    >>> print(markdown([{"name": "a", "texts/s": 1234.5}, {"name": "bb", "texts/s": None}]))
    | name | texts/s |
    |------|--------:|
    | a    |   1,234 |
    | bb   |       – |
    """
    titles = list(rows[0])
    cells = [[shown(row[title]) for title in titles] for row in rows]
    right = [column > 0 for column in range(len(titles))]
    widths = [max(3, *map(len, column)) for column in zip(titles, *cells, strict=True)]
    rule = [f"{'-' * (width + 1)}{':' if flush else '-'}" for width, flush in zip(widths, right, strict=True)]
    return "\n".join(
        [_line(titles, widths, right), f"|{'|'.join(rule)}|", *(_line(row, widths, right) for row in cells)]
    )


def shown(value: object) -> str:
    """A value as text: two digits behind the point below 100, none above; 2e-07 for a tiny one; – for None."""
    if value is None:
        return "–"
    if not isinstance(value, float):
        return str(value)
    if value and abs(value) < 0.01:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    shapes = zip(cells, widths, right, strict=True)
    padded = [cell.rjust(width) if flush else cell.ljust(width) for cell, width, flush in shapes]
    return f"| {' | '.join(padded)} |"
