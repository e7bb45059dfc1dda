"""Examples for a card, from the data of a training: short ones, drawn with a generator of their own.

Knows nothing of how they are shown.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from airvec.folder import DENSE, RERANKER
from airvec_trainer.card.describing import NOT_A_COLUMN
from airvec_trainer.card.markdown import line

__all__ = ["usage_examples", "widget"]

LOOKED_AT = 1000
TEXTS = 4
WIDGETS = 5
PAIRS = 5


def usage_examples(parts: Sequence[Any], kind: str, generator: Random) -> list[Any]:
    """Four texts, the first of which may be a query; pairs of texts for a reranker; empty where the data has none."""
    if kind == RERANKER:
        return _pairs(parts[0])
    return next((texts[:TEXTS] for texts in _picked(parts, generator) if len(texts) >= TEXTS), [])


def widget(parts: Sequence[Any], kind: str, generator: Random) -> list[dict[str, Any]]:
    """`widget` of the front matter: a sentence and others to compare it with, or a text; rerankers have none."""
    if kind == RERANKER:
        return []
    found = [texts[:TEXTS] for texts in _picked(parts, generator) if len(texts) >= TEXTS]
    if kind == DENSE:
        return [{"source_sentence": texts[0], "sentences": generator.sample(texts[1:], k=TEXTS - 1)} for texts in found]
    return [{"text": generator.choice(texts)} for texts in found]


def _picked(parts: Sequence[Any], generator: Random) -> list[list[str]]:
    """Texts of the shortest rows, each filled up with texts of other rows."""
    rows = [row for part in parts for row in _texts(part, generator)]
    rows.sort(key=lambda row: sum(map(len, row)))
    chosen, others = rows[:WIDGETS], rows[WIDGETS:]
    spare = iter(row[min(1, len(row) - 1)] for row in [*others, *reversed(chosen)])
    found: list[list[str]] = []
    for row in chosen:
        texts = list(dict.fromkeys(row))
        while len(texts) < TEXTS and (other := next(spare, None)) is not None:
            texts += [other] if other not in texts else []
        found.append(texts)
    return found


def _texts(part: Any, generator: Random) -> list[list[str]]:
    """Rows of texts, up to a thousand at random; none of a stream, from which looking would take them."""
    if not hasattr(part, "__len__") or not len(part):
        return []
    places = sorted(generator.sample(range(len(part)), k=min(LOOKED_AT, len(part))))
    rows = [part[place] for place in places]
    found = [
        [line(text) for name, text in row.items() if name != NOT_A_COLUMN and isinstance(text, str)] for row in rows
    ]
    return [row for row in found if row and all(row)]


def _pairs(part: Any) -> list[list[str]]:
    """The first rows' first two columns of texts; the texts of a list, each with its query."""
    if not hasattr(part, "__len__") or not len(part):
        return []
    first = part[0]
    names = [name for name, value in first.items() if name != NOT_A_COLUMN and _is_text(value)][:2]
    if len(names) < 2:
        return []
    query, answer = names
    if isinstance(first[answer], list):
        return [[line(first[query]), line(text)] for text in first[answer][:PAIRS]]
    rows = [part[place] for place in range(min(PAIRS, len(part)))]
    return [[line(row[query]), line(row[answer])] for row in rows]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and bool(value) and isinstance(value[0], str))
