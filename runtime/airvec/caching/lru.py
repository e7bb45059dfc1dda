"""A store in this process's memory: the rows used last, up to so many bytes.

Knows nothing of models and of what the bytes mean.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from airvec.checks import whole_number
from airvec.forks import renew_in_children

ENTRY = 200  # bytes that an entry takes besides its row: key, links and headers of Python's objects


class LRUStore:
    """Keeps the rows that were used last; safe for threads and forks. A copy, pickled or not, starts empty.

    Args:
        max_bytes: of rows, keys and what Python needs for them; 256 MiB hold 150,000 rows of 384 numbers.

    Raises:
        ArgumentError: `max_bytes` is no whole number of at least 1.
    """

    def __init__(self, max_bytes: int = 256 << 20) -> None:
        self.max_bytes = whole_number("max_bytes", max_bytes)
        self._empty()

    def _empty(self) -> None:
        self._rows: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        renew_in_children(self, LRUStore._renew)

    def _renew(self) -> None:
        """In a forked child: a thread of the parent may have held the lock, and been half way."""
        if self._lock.locked():
            self._bytes = sum(_size(key, row) for key, row in self._rows.items())
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"max_bytes": self.max_bytes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.max_bytes = state["max_bytes"]
        self._empty()

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"LRUStore(rows={len(self)}, bytes={self._bytes:,} of {self.max_bytes:,})"

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """What is kept under each key; it counts as used."""
        with self._lock:
            found = [self._rows.get(key) for key in keys]
            for key, row in zip(keys, found, strict=True):
                if row is not None:
                    self._rows.move_to_end(key)
        return found

    def put(self, rows: Mapping[bytes, bytes]) -> None:
        """Keep rows, and forget the ones not used for longest."""
        with self._lock:
            for key, row in rows.items():
                before = self._rows.pop(key, None)
                self._bytes -= 0 if before is None else _size(key, before)
                self._rows[key] = row
                self._bytes += _size(key, row)
            while self._bytes > self.max_bytes:
                key, row = self._rows.popitem(last=False)
                self._bytes -= _size(key, row)

    def clear(self) -> None:
        """Forget all rows."""
        with self._lock:
            self._rows.clear()
            self._bytes = 0


def _size(key: bytes, row: bytes) -> int:
    return len(key) + len(row) + ENTRY
