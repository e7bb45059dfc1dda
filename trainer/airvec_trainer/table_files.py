"""Tables on disk → columns of values: .tsv, .csv and .jsonl, each also as .gz.

.tsv has no quoting, .csv is quoted as usual; both have a header. .jsonl is an object a line. Blank lines are skipped.
Knows nothing of what the columns mean.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from airvec.errors import ArgumentError

__all__ = ["KINDS", "TableFile", "opened", "read_table"]

KINDS = (".tsv", ".csv", ".jsonl")
# Above csv's own 131,072 characters: a document of a corpus may be longer.
LONGEST_CELL = 2**31 - 1


@dataclass(frozen=True)
class TableFile:
    """A table that was read.

    Attributes:
        path: of the file, for messages.
        columns: name -> one value a row: texts, or what JSON holds; None where a .jsonl row lacks it.
        lines: the line of the file, from 1, that each row ends on.
    """

    path: Path
    columns: dict[str, list[Any]]
    lines: list[int]


def read_table(path: Path, *, header: bool = True) -> TableFile:
    """Read a table.

    Args:
        path: ends in .tsv, .csv or .jsonl, with or without .gz behind it.
        header: False = a .tsv or .csv has none; columns are then called "1", "2" …

    Raises:
        ArgumentError: no such file, a file of another kind, bytes that are not UTF-8, a .gz that is none or was cut
            off, two columns of one name, or a line that is not as it should be; the message names the line.
    """
    kind = Path(path.name.removesuffix(".gz")).suffix
    if kind not in KINDS:
        raise ArgumentError(
            f"{path}: ends in {path.suffix!r}, expected one of {', '.join(KINDS)}, or .gz behind one. Convert it."
        )
    if not path.is_file():
        raise ArgumentError(f"{path}: no such file. Check the path.")
    with opened(path) as lines:
        return _from_objects(lines, path) if kind == ".jsonl" else _from_cells(lines, path, kind, header)


@contextmanager
def opened(path: Path) -> Iterator[IO[str]]:
    """The text of a file, also of a .gz, without a byte order mark; line ends are as they are.

    Raises:
        ArgumentError: its bytes are no UTF-8, or no gzip.
    """
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8-sig", newline="") as lines
        ):
            yield lines
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{path}: cannot be read ({error}), expected UTF-8. Convert it.") from error
    except EOFError as error:
        raise ArgumentError(f"{path}: ends too early, expected a whole gzip file. Copy it again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        if "Not a gzipped file" in str(error):
            raise ArgumentError(f"{path}: is not gzip ({error}). Leave .gz out of its name, or compress it.") from error
        raise ArgumentError(f"{path}: is damaged ({error}), expected a gzip file. Copy it again.") from error


def _from_cells(lines: IO[str], path: Path, kind: str, header: bool) -> TableFile:
    plain: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if kind == ".tsv" else {}
    csv.field_size_limit(LONGEST_CELL)
    rows = csv.reader(lines, **plain)
    first = next(filter(None, rows), [])
    names = first if header else [str(place) for place in range(1, len(first) + 1)]
    _check_names(names, path)
    columns: dict[str, list[Any]] = {name: [] for name in names}
    numbers: list[int] = []
    for row in rows if header else _after(first, rows):
        if _is_blank(row, len(names)):
            continue
        if len(row) != len(names):
            raise ArgumentError(f"{path}: line {rows.line_num} has {len(row)} columns, expected {len(names)}. Mend it.")
        numbers.append(rows.line_num)
        for name, value in zip(names, row, strict=True):
            columns[name].append(value)
    return TableFile(path, columns, numbers)


def _check_names(names: list[str], path: Path) -> None:
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise ArgumentError(f"{path}: {names.count(twice)} columns are called {twice!r}, expected one. Rename them.")


def _is_blank(row: list[str], width: int) -> bool:
    """An empty line, or spaces alone where there are several columns."""
    return not row or (width > 1 and len(row) == 1 and not row[0].strip())


def _after(first: list[str], rows: Iterator[list[str]]) -> Iterator[list[str]]:
    if first:
        yield first
    yield from rows


def _from_objects(lines: IO[str], path: Path) -> TableFile:
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError) as error:
            raise ArgumentError(f"{path}: line {number} is no JSON ({error}). Mend it.") from error
        if row is not None:
            if not isinstance(row, dict):
                raise ArgumentError(f"{path}: line {number} is {row!r:.60}, expected an object. Mend it.")
            rows.append(row)
            numbers.append(number)
    names = dict.fromkeys(name for row in rows for name in row)
    return TableFile(path, {name: [row.get(name) for row in rows] for name in names}, numbers)
