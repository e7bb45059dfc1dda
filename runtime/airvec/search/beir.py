"""Reads a retrieval task in BEIR's layout: `corpus.jsonl`, `queries.jsonl` and `qrels/SPLIT.tsv`.

Knows nothing of models and scores.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, cast

from airvec.errors import ArgumentError, InputError


@dataclass(frozen=True)
class RetrievalTask:
    """A corpus, queries, and for each query the grades of its judged documents; all by id."""

    corpus: dict[str, str]
    queries: dict[str, str]
    relevant: dict[str, dict[str, int]]


def read_beir(folder: str | PathLike[str], split: str = "test") -> RetrievalTask:
    """A task's documents, the queries that are judged in one split, and the grades.

    A document's text is its title, a space and its text, stripped at both ends. Queries come in the order of the
    grades' file, and queries without grades are left out.

    Args:
        folder: holds `corpus.jsonl` of {_id, title, text}, `queries.jsonl` of {_id, text}, and `qrels/`.
        split: the file below `qrels/`, without `.tsv`: columns query-id, corpus-id, score, and a line of titles.

    Raises:
        ArgumentError: the folder or a file is not there.
        InputError: a line that is not as it should be, an id given twice, grades of a query that has no text, or no
            grades at all.
    """
    home = Path(folder)
    if home.is_file():
        raise ArgumentError(f"{home}: is a file, expected a folder with corpus.jsonl, queries.jsonl and qrels/.")
    corpus = _texts(home / "corpus.jsonl", ("title", "text"))
    queries = _texts(home / "queries.jsonl", ("text",))
    grades = home / "qrels" / f"{split}.tsv"
    relevant = _grades(grades)
    if not relevant:
        raise InputError(
            f"{grades}: no grades, expected lines of query-id, corpus-id and score below a line of titles. "
            "Fetch the task again, or name another split."
        )
    unknown = next((name for name in relevant if name not in queries), None)
    if unknown is not None:
        raise InputError(f"{grades}: has query {unknown!r}, expected one of queries.jsonl. Fetch the task again.")
    return RetrievalTask(corpus, {name: queries[name] for name in relevant}, relevant)


def _texts(file: Path, keys: tuple[str, ...]) -> dict[str, str]:
    """`_id` of each line -> the texts under some keys, joined by a space."""
    found: dict[str, str] = {}
    for number, line in _lines(file):
        record = _record(line)
        parts = [record.get(key, "") for key in keys]
        name = record.get("_id")
        if not isinstance(name, str) or "text" not in record or not all(isinstance(part, str) for part in parts):
            raise _wrong(file, number, line, f"a JSON object whose _id, {' and '.join(keys)} are strings")
        if name in found:
            raise _wrong(file, number, line, f"another _id than {name!r}, which an earlier line has")
        found[name] = " ".join(cast("list[str]", parts)).strip()
    return found


def _grades(file: Path) -> dict[str, dict[str, int]]:
    """Query -> document -> grade."""
    found: dict[str, dict[str, int]] = {}
    for number, line in _lines(file):
        if number == 1:
            continue
        try:
            query, document, grade = line.decode().rstrip("\r\n").split("\t")
            found.setdefault(query, {})[document] = int(grade)
        except ValueError:
            raise _wrong(file, number, line, "query-id, corpus-id and a whole number, with tabs between") from None
    return found


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of every line that is not blank."""
    if not file.parent.is_dir():
        raise ArgumentError(f"{file.parent}: no such folder. Check the path.")
    if not file.is_file():
        beside = ", ".join(sorted(one.name for one in file.parent.glob("*"))[:8]) or "nothing"
        raise ArgumentError(f"{file.parent}: has no {file.name}; it holds {beside}. Correct the folder, or the split.")
    with file.open("rb") as lines:
        yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _record(line: bytes) -> dict[str, Any]:
    """A line's JSON object; an empty one for anything else."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _wrong(file: Path, number: int, line: bytes, expected: str) -> InputError:
    shown = line[:60].decode(errors="replace").strip()
    return InputError(f"{file}: line {number} is {shown!r}, expected {expected}. Correct the file.")
