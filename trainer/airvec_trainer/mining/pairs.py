"""Columns of a data set → queries and documents without duplicates, and which documents are whose positives.

Knows nothing of models and scores.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from airvec.arrays import Integers
from airvec.errors import ArgumentError, InputError
from airvec_trainer.errors import shortened, tell
from airvec_trainer.mining.settings import MiningSettings
from airvec_trainer.plain_text import plain_text

__all__ = ["Pairs", "check_enough", "read_pairs"]


@dataclass(frozen=True)
class Pairs:
    """n queries, m documents, and p pairs of a query with a positive, grouped by query.

    Attributes:
        queries: n texts, each once, in the order of the data.
        documents: m texts, each once: the corpus, then positives that it lacks.
        owners: int64 (p,), the query of each pair, ascending.
        positives: int64 (p,), the document of each pair.
        rows: of the data set; more than p where pairs repeat.
        most: rows of the query that has most.
        names: the columns of queries and of positives.
    """

    queries: list[str]
    documents: list[str]
    owners: Integers
    positives: Integers
    rows: int
    most: int
    names: tuple[str, str]

    @property
    def counts(self) -> Integers:
        """Positives of each query, int64 (n,)."""
        return np.bincount(self.owners, minlength=len(self.queries))

    @property
    def starts(self) -> Integers:
        """The first pair of each query, int64 (n,)."""
        return np.searchsorted(self.owners, np.arange(len(self.queries)))


def read_pairs(
    dataset: Any,
    anchor: str | None,
    positive: str | None,
    corpus: Sequence[str] | None,
    *,
    join_same_texts: bool = False,
) -> Pairs:
    """The pairs of a data set, and what negatives are looked for in.

    Args:
        dataset: a `datasets.Dataset`, or anything with `column_names` whose columns are read by name.
        anchor: the column of queries; None = the first.
        positive: the column of positives; None = the second.
        corpus: documents besides the positives, which always are among them.
        join_same_texts: whether texts that differ by case and spaces alone are one, in the spelling that comes first:
            of queries, and of positives and then the corpus.

    Raises:
        ArgumentError: no such column, no rows, or something else than a data set or a list of texts.
        InputError: a value that is no text, or an empty one.
    """
    names = _columns(dataset, anchor, positive)
    queries, positives = (_texts(dataset[name], f"dataset: column {name!r}") for name in names)
    if not queries:
        raise ArgumentError(f"dataset: {len(queries)} rows, expected some. Give pairs of a query and a positive.")
    if isinstance(corpus, str):
        raise ArgumentError(f"corpus: one text, {corpus[:60]!r}, expected a list of texts. Put it in a list.")
    given = [] if corpus is None else _texts(corpus, "corpus")
    if join_same_texts:
        queries = _in_one_spelling(queries)
        joined = _in_one_spelling([*positives, *given])
        positives, given = joined[: len(positives)], joined[len(positives) :]
    return _grouped(queries, positives, list(dict.fromkeys([*given, *positives])), names)


def check_enough(pairs: Pairs, settings: MiningSettings) -> None:
    """Tell where there are fewer documents than negatives that are asked for.

    Raises:
        ArgumentError: no query can have a row; in n-tuples a row needs all its negatives.
    """
    wanted, skipped = settings.num_negatives, settings.range_min
    own = 0 if settings.include_positives else int(pairs.counts.min())
    most = len(pairs.documents) - own - skipped
    said = (
        f"corpus: {len(pairs.documents)} different documents, which leave at most {max(0, most)} negatives a query "
        f"after its positives and range_min={skipped}, expected num_negatives={wanted}. Pass a larger corpus, or ask "
        "for fewer."
    )
    if most < (wanted if settings.output_format == "n-tuple" else 1):
        raise ArgumentError(said)
    if most < wanted:
        tell(said)


def _in_one_spelling(texts: Sequence[str]) -> list[str]:
    """Each text as the first is written that is the same but for case and spaces."""
    first: dict[str, str] = {}
    return [first.setdefault(plain_text(text), text) for text in texts]


def _grouped(queries: list[str], positives: list[str], documents: list[str], names: tuple[str, str]) -> Pairs:
    row_of = {text: row for row, text in enumerate(documents)}
    rows_of: dict[str, dict[int, None]] = {}  # a dict, as a set keeps no order
    for query, positive in zip(queries, positives, strict=True):
        rows_of.setdefault(query, {})[row_of[positive]] = None
    owners = np.repeat(np.arange(len(rows_of)), [len(rows) for rows in rows_of.values()])
    flat = np.array([row for rows in rows_of.values() for row in rows], np.int64)
    return Pairs(list(rows_of), documents, owners, flat, len(queries), max(Counter(queries).values()), names)


def _columns(dataset: Any, anchor: str | None, positive: str | None) -> tuple[str, str]:
    found = getattr(dataset, "column_names", None)
    if not isinstance(found, list) or not hasattr(dataset, "__len__"):
        raise ArgumentError(
            f"dataset: {type(dataset).__name__}, expected a datasets.Dataset. Take one split of a DatasetDict; make a "
            "Dataset of a stream or a dict: Dataset.from_list(list(rows)), Dataset.from_dict(columns)."
        )
    for name, value in (("anchor_column_name", anchor), ("positive_column_name", positive)):
        if value is not None and value not in found:
            raise ArgumentError(f"{name}: {value!r}, expected one of {shortened(found, most=12)}. Correct it.")
    if len(found) < 2:
        raise ArgumentError(f"dataset: the columns {found}, expected two: queries and positives. Add one.")
    names = anchor or found[0], positive or found[1]
    if names[0] == names[1]:
        raise ArgumentError(
            f"positive_column_name: {names[1]!r} holds the queries, too, expected another column. Name both."
        )
    return names


def _texts(values: Any, where: str) -> list[str]:
    """The values, if all are texts with something in them."""
    texts = list(values)
    for row, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{where}, row {row}: {text!r:.60}, expected a text that is not empty. Leave the row out.")
    return texts
