"""What is trained on and what is evaluated, kept apart: repeated rows on one side, and no row or query on both.

Two rows count as one where they hold the same texts, in whatever columns and order, however written in small and large
letters and spaces, whatever their labels; and where one holds two texts or more that are all in the other, as a pair
is in a triplet.
Knows nothing of files, models and evaluators.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airvec.errors import ArgumentError
from airvec.search.beir import RetrievalTask
from airvec_trainer.label_columns import LABEL_COLUMNS
from airvec_trainer.plain_text import plain_text

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["QUERY", "check_apart", "held_out_rows", "texts_of_rows"]

QUERY = "query"  # the column of evaluators of reranking: their queries are not trained on, with whatever documents
Texts = tuple[str, ...]


def texts_of_rows(columns: Mapping[str, Sequence[Any]]) -> list[Texts]:
    """Of each row its texts, sorted and without labels: rows of the same texts get the same.

    >>> texts_of_rows({"anchor": ["b", "c"], "positive": ["A", ["d", "a"]], "label": ["x", "y"]})
    [('a', 'b'), ('a', 'c', 'd')]
    """
    found = [values for name, values in columns.items() if name not in LABEL_COLUMNS]
    return [
        tuple(sorted(plain_text(text) for value in row for text in _texts_in(value)))
        for row in zip(*found, strict=True)
    ]


def held_out_rows(rows: Sequence[Texts], count: int) -> list[int]:
    """Which rows are held out: those at the end, each with all that repeat it, until there are so many.

    Without repeats these are the last ones.

    >>> held_out_rows([("a",), ("b",), ("c",)], 2), held_out_rows([("a",), ("b",), ("c",), ("b",), ("a",)], 1)
    ([1, 2], [0, 4])

    Args:
        rows: texts of each.
        count: how many at least; more where the last one has repeats.
    """
    same: dict[Texts | int, list[int]] = defaultdict(list)
    keys = [texts or row for row, texts in enumerate(rows)]  # rows without texts are no repeats
    for row, key in enumerate(keys):
        same[key].append(row)
    out: set[int] = set()
    for row in reversed(range(len(rows))):
        if len(out) >= count:
            break
        out.update(same[keys[row]])
    return sorted(out)


def check_apart(
    rows: "Mapping[str, Dataset]",
    tasks: Iterable[RetrievalTask],
    evaluated: "Mapping[str, Mapping[str, Sequence[Any]] | Dataset] | None" = None,
) -> None:
    """Refuse to train on what is evaluated.

    Args:
        rows: data sets to train on, by name.
        tasks: whose queries are evaluated.
        evaluated: columns of rows that are evaluated, by the place in the recipe that says so.

    Raises:
        ArgumentError: a text of a row is such a query, or a row is one that is evaluated.
    """
    columns = {place: _columns(part) for place, part in (evaluated or {}).items()}
    queries = {plain_text(text) for task in tasks for text in task.queries.values()}
    queries |= {plain_text(text) for part in columns.values() for text in part.get(QUERY, ()) if isinstance(text, str)}
    for name, part in rows.items() if queries else ():
        _check_queries(name, part, queries)
    known = {place: _Rows(texts_of_rows(part)) for place, part in columns.items()}
    for name, part in rows.items() if known else ():
        trained = texts_of_rows(_columns(part))
        for place, those in known.items():
            _check_rows(name, trained, place, those)


class _Rows:
    """Rows that are evaluated, to be asked whether they have another."""

    def __init__(self, rows: Iterable[Texts]) -> None:
        self.whole = {texts for texts in rows if texts}
        self.by_first: dict[str, list[frozenset[str]]] = defaultdict(list)
        self.by_text: dict[str, list[frozenset[str]]] = defaultdict(list)
        for texts in {frozenset(texts) for texts in self.whole}:
            if len(texts) > 1:
                self.by_first[min(texts)].append(texts)
                for text in texts:
                    self.by_text[text].append(texts)

    def __contains__(self, row: Texts) -> bool:
        if row in self.whole:
            return True
        texts = frozenset(row)
        if len(texts) < 2:  # a text alone, as sentences without labels are learnt from, gives no pair away
            return False
        if any(texts <= other for other in self.by_text.get(row[0], ())):
            return True
        return any(other <= texts for text in texts for other in self.by_first.get(text, ()))


def _check_queries(name: str, part: "Dataset", queries: set[str]) -> None:
    for column, values in _columns(part).items():
        found = [value for value in values if isinstance(value, str) and plain_text(value) in queries]
        if found:
            raise ArgumentError(
                f"[[data]] {name}: {len(found)} texts of column {column!r} are queries that are evaluated, such as "
                f"{found[0]!r:.80}, expected none: what is held out is never trained on. Give every data set of "
                "this folder the same held_out_queries and held_out_seed, or evaluate others."
            )


def _check_rows(name: str, trained: Sequence[Texts], place: str, evaluated: _Rows) -> None:
    found = [row for row, texts in enumerate(trained) if texts in evaluated]
    if found:
        told = " | ".join(f"{text:.40}" for text in trained[found[0]])
        raise ArgumentError(
            f"[[data]] {name}: {len(found)} of {len(trained)} rows to train on are evaluated by {place}, such as row "
            f"{found[0]}, {told!r:.120}, expected none: what is evaluated is never trained on. Take them out of this "
            "data set, or evaluate others."
        )


def _columns(part: Any) -> Mapping[str, Sequence[Any]]:
    return part if isinstance(part, Mapping) else {name: list(part[name]) for name in part.column_names}


def _texts_in(value: Any) -> Iterator[str]:
    """The texts of a cell, which may be a list."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts_in(one)
