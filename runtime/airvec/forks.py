"""What a forked child makes again before it goes on: the parent's other threads are not in it.

Two things break there without that: a lock that another thread held stays locked for ever, and an object whose own
threads are gone waits for them when it is destroyed.
Knows nothing of what is locked and what is opened.
"""

import ctypes
import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """Something with locks or threads of its own."""

    def renew(self) -> None:
        """Make them again; called in the child, where only one thread is left."""
        ...


_alive: WeakSet[Renewable] = WeakSet()


def renew_in_children(thing: Renewable) -> None:
    """Call `thing.renew()` in every child that is forked while it exists."""
    _alive.add(thing)


def never_destroy(thing: object) -> None:
    """Keep an object until the process is gone, even where the interpreter clears everything at its end.

    ONNX Runtime's sessions, destroyed in a forked child, wait for the threads that the fork has not copied: of 11
    children that ended by `sys.exit` with such a session, all hung.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _renew() -> None:
    for thing in list(_alive):
        thing.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_renew)
