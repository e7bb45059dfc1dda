"""What a forked child makes again before it goes on, and what a process leaves as it is when it ends.

A child does not have the parent's other threads. Two things break there without this module: a lock that another thread
held stays locked for ever, and an object whose own threads are gone waits for them when it is destroyed.
Knows nothing of what is locked and what is opened.
"""

import atexit
import ctypes
import os
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

Thing = TypeVar("Thing")

_renewals: WeakKeyDictionary[Any, Callable[[Any], None]] = WeakKeyDictionary()
_left: WeakKeyDictionary[Any, Callable[[Any], object]] = WeakKeyDictionary()


def renew_in_children(thing: Thing, renew: Callable[[Thing], None]) -> None:
    """Call `renew(thing)` in every child that is forked while the thing exists; only one thread runs there then."""
    _renewals[thing] = renew


def never_destroy(thing: object) -> None:
    """Keep an object until the process is gone, even where the interpreter clears everything at its end.

    ONNX Runtime's sessions, destroyed in a forked child, may wait for threads that the fork has not copied: where these
    slept and did not spin, each child that ended by `sys.exit` hung.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def leave_at_exit(owner: Thing, held: Callable[[Thing], object]) -> None:
    """Do not destroy `held(owner)` where the interpreter ends while the owner exists: the system takes it all at once.

    A tokenizer of 30,000 words is destroyed word by word: a process that gave out one vector ended 3 ms later by it.
    """
    _left[owner] = held


@atexit.register
def _leave_all() -> None:
    for owner, held in list(_left.items()):
        never_destroy(held(owner))


def _renew_all() -> None:
    for thing, renew in list(_renewals.items()):
        renew(thing)


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_renew_all)
