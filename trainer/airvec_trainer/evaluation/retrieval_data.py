"""What a retrieval evaluator is given, checked: queries and documents by id, and which documents are relevant.

Knows nothing of models and metrics.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from airvec.errors import ArgumentError

__all__ = ["RetrievalData"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetrievalData:
    """Queries with relevant documents, and the corpus.

    Attributes:
        query_ids: of the queries that have a relevant document, in the order given.
        queries: their texts.
        corpus_ids: in the order given.
        corpus: their texts.
        relevant: query id -> the ids of its relevant documents.
        order: places of the corpus in the order of its ids, which is how equal scores are ordered.
    """

    query_ids: list[str]
    queries: list[str]
    corpus_ids: list[str]
    corpus: list[str]
    relevant: dict[str, frozenset[str]]
    order: list[int]

    @classmethod
    def of(
        cls,
        where: str,
        queries: Mapping[str, str],
        corpus: Mapping[str, str],
        relevant_docs: Mapping[str, Collection[str] | Mapping[str, int]],
    ) -> "RetrievalData":
        """Checked data; `where` starts the messages.

        Queries without a relevant document are left out. Relevant documents that the corpus does not have stay: they
        are never found, and a warning tells how many there are.

        Raises:
            ArgumentError: no mapping, no text, no documents, no query with a relevant document, or ids of several
                types.
        """
        texts, documents = _texts(where, "queries", queries), _texts(where, "corpus", corpus)
        relevant = {name: _relevant(where, name, given) for name, given in _items(where, relevant_docs)}
        kept = [name for name in texts if relevant.get(name)]
        if not kept or not documents:
            raise ArgumentError(
                f"{where}: {len(kept)} queries with relevant documents and {len(documents)} documents, expected some "
                "of each. Compare the ids of queries and relevant_docs."
            )
        missing = {name for query in kept for name in relevant[query] if name not in documents}
        if missing:
            logger.warning("%s: relevant documents that the corpus does not have: %d of them.", where, len(missing))
        ids = list(documents)
        return cls(
            kept, [texts[name] for name in kept], ids, list(documents.values()),
            {name: relevant[name] for name in kept}, _by_id(where, ids),
        )  # fmt: skip


def _items(where: str, given: Any) -> Iterable[tuple[Any, Any]]:
    if not isinstance(given, Mapping):
        raise ArgumentError(f"{where}: relevant_docs {given!r:.60}, expected document ids by query id. Pass a dict.")
    return cast("Mapping[Any, Any]", given).items()


def _texts(where: str, name: str, given: Any) -> Mapping[str, str]:
    if not isinstance(given, Mapping):
        raise ArgumentError(f"{where}: {name} {given!r:.60}, expected texts by id. Pass a dict.")
    found = cast("Mapping[str, Any]", given)
    for key, text in found.items():
        if not isinstance(text, str):
            raise ArgumentError(f"{where}: {name}, id {key!r}: {text!r:.60}, expected a text. Leave it out.")
    return found


def _relevant(where: str, query: Any, given: Any) -> frozenset[str]:
    if isinstance(given, str) or not isinstance(given, Collection):
        raise ArgumentError(
            f"{where}: relevant_docs, query {query!r}: {given!r:.60}, expected ids of documents. Pass a set."
        )
    if isinstance(given, Mapping):
        return frozenset(name for name, grade in cast("Mapping[str, int]", given).items() if grade > 0)
    return frozenset(cast("Collection[str]", given))


def _by_id(where: str, ids: Sequence[Any]) -> list[int]:
    try:
        return sorted(range(len(ids)), key=ids.__getitem__)
    except TypeError:
        kinds = sorted({type(name).__name__ for name in ids})
        raise ArgumentError(
            f"{where}: ids of the corpus of the types {', '.join(kinds)}, expected one type, as equal scores are "
            "ordered by id. Turn them all into texts."
        ) from None
