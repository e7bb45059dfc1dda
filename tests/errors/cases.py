"""What docs/errors.md is made of: cases by topic, each with a function that provokes its error, and what users see.

Knows nothing of the single errors.
"""

import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from airvec.errors import AirvecError, AirvecWarning

# What differs from one machine, version or run to the next.
CHANGING = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\bpid \d+"), "pid PID"),
    (re.compile(r"(?<=started by process )\d+, this is \d+"), "PID, this is PID"),
    (re.compile(r"\bprocess \d of (?=\d)"), "process N of "),
    (re.compile(r"(?<=this onnxruntime has )[\w, ]+"), "PROVIDERS"),
    (re.compile(r"\b0x[0-9a-f]+"), "ADDRESS"),
    (re.compile(r"\b[0-9a-f]{12}…"), "HASH…"),
    (re.compile(r"(?<= is )\d\.\d\de-?\d+(?= from torch)"), "DISTANCE"),
)


@dataclass(frozen=True)
class Case:
    """One error.

    Args:
        title: what went wrong; no two cases have the same.
        when: the call, or what had happened before it.
        provoke: given an empty folder, raises the error or gives the AirvecWarning; or returns what a command line or
            another process printed.
    """

    title: str
    when: str
    provoke: Callable[[Path], object]


@dataclass(frozen=True)
class Topic:
    """Cases that belong together; `slow` where they need torch, or processes of their own."""

    title: str
    about: str
    cases: tuple[Case, ...]
    slow: bool = False


def shown(case: Case, home: Path) -> str:
    """What a user sees: the class and the message, or what was printed."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", AirvecWarning)
        try:
            found = case.provoke(home)
        except AirvecError as error:
            return steady(f"{type(error).__name__}: {error}", home)
    if isinstance(found, str):
        return steady(found, home)
    assert told, f"{case.title}: neither an error nor a warning, but {found!r:.200}"
    return steady(f"{told[0].category.__name__}: {told[0].message}", home)


def steady(text: str, home: Path) -> str:
    """The same on every machine and in every run."""
    for folder in (home.resolve(), home, Path(sys.prefix)):
        text = text.replace(str(folder), "…")
    for pattern, name in CHANGING:
        text = pattern.sub(name, text)
    return text.strip()
