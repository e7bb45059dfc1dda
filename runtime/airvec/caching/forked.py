"""Closes what must not be open while a process forks, while nobody else uses it.

An SQLite connection that parent and child both hold breaks the file: POSIX takes a process's locks away when it closes
any descriptor of the file, and the last connection that closes deletes the log that another process still writes.
Knows nothing of what is closed.
"""

import os
from threading import Lock
from typing import Any, Protocol
from weakref import WeakKeyDictionary

__all__ = ["close_before_forks"]


class Closable(Protocol):
    """What can be closed, and opens itself again when it is used."""

    def close(self) -> None:
        """Close it."""
        ...


_turns: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
_adding = Lock()
_held: list[Any] = []


def close_before_forks(thing: Closable, turn: Any) -> None:
    """Close the thing before each fork, while it exists.

    Args:
        thing: what is closed.
        turn: an RLock that whoever uses the thing holds; it is held until the fork is done, in parent and child.
    """
    with _adding:
        _turns[thing] = turn


def _close_all() -> None:
    _adding.acquire()  # and nothing is opened until the fork is done
    for thing, turn in list(_turns.items()):
        turn.acquire()
        _held.append(turn)
        thing.close()


def _let_go() -> None:
    while _held:
        _held.pop().release()  # the thread that forked holds them, in the child too
    _adding.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(before=_close_all, after_in_parent=_let_go, after_in_child=_let_go)
