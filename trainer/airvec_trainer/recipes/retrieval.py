"""A folder in BEIR's layout → pairs to train on, and a task of queries that are evaluated and never trained on.

Knows nothing of models, losses and evaluators.
"""

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airvec.errors import ArgumentError
from airvec.search.beir import RetrievalTask, read_beir
from airvec_trainer.plain_text import plain_text
from airvec_trainer.recipes.rows import columns_of
from airvec_trainer.recipes.sections import DataSection

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["cut", "parts_of_task", "split_task"]


def parts_of_task(section: DataSection) -> "tuple[Dataset, RetrievalTask]":
    """Pairs of the queries to train on, and the task of those held out, which may be none.

    Raises:
        ArgumentError: a file is not there, or nothing is left to train on.
        InputError: a file is damaged.
    """
    from datasets import Dataset

    task = read_beir(str(section.beir), section.split)
    train, out = split_task(task, section.held_out_queries, section.held_out_seed, by=section.held_out_by)
    rows = columns_of(section, _pairs(train))
    if not all(len(values) for values in rows.values()):
        raise ArgumentError(
            f"[[data]] {section.name}: {len(out.queries)} of {len(task.queries)} queries held out, expected some to "
            "train on. Lower held_out_queries."
        )
    return Dataset.from_dict(rows), out


def split_task(
    task: RetrievalTask, share: float, seed: int = 0, *, by: str = "queries"
) -> tuple[RetrievalTask, RetrievalTask]:
    """Two tasks on one corpus that have no query in common; queries of the same text stay together.

    By queries, a query's side depends on its text and the seed alone: not on the order, nor on the other queries'
    number. By documents, queries that share a relevant one stay together, and so do those that share one with them:
    what a model knows of the second task it did not learn from the first one's documents.

    >>> task = RetrievalTask({"d": "a text"}, {"a": "one", "b": "two", "c": "one"}, {q: {"d": 1} for q in "abc"})
    >>> kept, out = split_task(task, 0.5)
    >>> sorted(kept.queries), sorted(out.queries)
    (['a', 'c'], ['b'])

    Args:
        task: all of it.
        share: of the different texts that go to the second task.
        seed: another number takes others.
        by: `"queries"` or `"documents"`.
    """
    texts = _shuffled(task.queries.values(), seed)
    wanted = round(share * len(texts))
    out = set(texts[:wanted]) if by == "queries" else _fitting(_related(task, texts), wanted)
    return _of(task, (name for name, text in task.queries.items() if plain_text(text) not in out)), _of(
        task, (name for name, text in task.queries.items() if plain_text(text) in out)
    )


def cut(task: RetrievalTask, limit: int | None, seed: int = 0) -> RetrievalTask:
    """The task with so many queries at most, which are spread over all of them."""
    if limit is None or limit >= len(task.queries):
        return task
    places = {text: place for place, text in enumerate(_shuffled(task.queries.values(), seed))}
    names = sorted(task.queries, key=lambda name: (places[plain_text(task.queries[name])], name))
    kept = set(names[:limit])
    return _of(task, (name for name in task.queries if name in kept))


def _pairs(task: RetrievalTask) -> dict[str, list[Any]]:
    """Each query with each of its documents, in the order of the grades."""
    found = [
        (text, task.corpus[document])
        for name, text in task.queries.items()
        for document, grade in task.relevant[name].items()
        if grade > 0 and document in task.corpus
    ]
    return {"anchor": [query for query, _ in found], "positive": [document for _, document in found]}


def _related(task: RetrievalTask, texts: list[str]) -> list[set[str]]:
    """Groups of texts that are linked by relevant documents, in the order of the first text of each."""
    places = {text: place for place, text in enumerate(texts)}
    group = list(range(len(texts)))  # of each text the place of another in its group, of one of them its own

    def first(place: int) -> int:
        while group[place] != place:
            place = group[place]
        return place

    owner: dict[str, int] = {}
    for name, query in task.queries.items():
        place = places[plain_text(query)]
        for document, grade in task.relevant[name].items():
            if grade > 0:
                one, other = sorted((first(place), first(owner.setdefault(document, place))))
                group[other] = one
    found: dict[int, set[str]] = {}
    for place, text in enumerate(texts):
        found.setdefault(first(place), set()).add(text)
    return list(found.values())


def _fitting(groups: Iterable[set[str]], wanted: int) -> set[str]:
    """The texts of whole groups, in their order, as far as there is room."""
    found: set[str] = set()
    for group in groups:
        if len(found) + len(group) <= wanted:
            found |= group
    return found


def _shuffled(texts: Iterable[str], seed: int) -> list[str]:
    """Different texts, in an order that is the same on every machine and with every version of a library."""
    different = dict.fromkeys(plain_text(text) for text in texts)
    return sorted(different, key=lambda text: hashlib.sha256(f"{seed}:{text}".encode()).digest())


def _of(task: RetrievalTask, names: Iterable[str]) -> RetrievalTask:
    kept = list(names)
    return RetrievalTask(
        task.corpus, {name: task.queries[name] for name in kept}, {name: task.relevant[name] for name in kept}
    )
