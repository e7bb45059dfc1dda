"""Real English texts of 1 to 600 tokens that are on every machine: CPython's own documentation.

The language reference that `help()` prints, and docstrings of the standard library.
Knows nothing of models.
"""

import importlib
import inspect
import random
from collections.abc import Callable, Iterator, Sequence
from pydoc_data.topics import topics

COUNT = 240
LONGEST = 600  # tokens
LETTERS = 12 * LONGEST  # of the passage that a text is cut from: enough for the longest in any vocabulary of words
SEED = 13
MODULES = (
    "argparse",
    "collections",
    "decimal",
    "difflib",
    "functools",
    "itertools",
    "pathlib",
    "statistics",
    "textwrap",
)

Offsets = Callable[[str], Sequence[tuple[int, int]]]


def real_texts(offsets: Offsets, count: int = COUNT) -> list[str]:
    """Texts whose token counts spread evenly by ratio over 1 to 600, shuffled with a fixed seed.

    Args:
        offsets: gives the (start, end) of each token of a text, special tokens left out.
        count: how many.
    """
    corpus = "\n\n".join(_documents())
    places = [index * (len(corpus) - LETTERS) // count for index in range(count)]
    lengths = [round(LONGEST ** (index / (count - 1))) for index in range(count)]
    random.Random(SEED).shuffle(lengths)
    return [_cut(corpus, place, length, offsets) for place, length in zip(places, lengths, strict=True)]


def _documents() -> Iterator[str]:
    yield from (topics[name] for name in sorted(topics))
    for name in MODULES:
        members = inspect.getmembers(importlib.import_module(name))
        yield from (inspect.getdoc(member) or "" for _, member in members if inspect.isclass(member))


def _cut(corpus: str, place: int, length: int, offsets: Offsets) -> str:
    """The first `length` tokens from the word at `place` on."""
    passage = corpus[corpus.index(" ", place) :][:LETTERS].lstrip()
    found = [span for span in offsets(passage) if span[1] > span[0]]
    return passage[: found[min(length, len(found)) - 1][1]] if found else passage
