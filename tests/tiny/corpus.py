"""Real texts of mixed lengths on every machine: pieces of Python's own documentation."""

from functools import cache
from pydoc_data.topics import topics


def texts(count: int = 40, longest: int = 90) -> list[str]:
    """Pieces of Python's documentation of 1 to `longest` words, in a fixed order that mixes lengths."""
    words = " ".join(topics[name] for name in sorted(topics)[:30]).split()
    starts = [index * 400 % (len(words) - longest) for index in range(count)]
    return [" ".join(words[start : start + 1 + (index * 37) % longest]) for index, start in enumerate(starts)]


def pairs(count: int = 24, longest: int = 60) -> list[tuple[str, str]]:
    """Pairs of such pieces: short with short, short with long, long with short, long with long."""
    pieces = texts(2 * count, longest)
    return list(zip(pieces[:count], reversed(pieces[count:]), strict=True))


@cache
def lines() -> tuple[str, ...]:
    """A few hundred lines to train tokenizers on."""
    return tuple(line for name in sorted(topics)[:12] for line in topics[name].splitlines() if line.strip())[:600]
