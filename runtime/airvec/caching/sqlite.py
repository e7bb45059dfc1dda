"""A store in one SQLite file, which processes share and which outlives them.

Knows nothing of models and of what the bytes mean.
"""

import sqlite3
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import Any

from airvec.caching.forked import close_before_forks
from airvec.checks import whole_number
from airvec.errors import ArgumentError, StoreError

APPLICATION = 0x61697276  # "airv", in the header of every file of ours: PRAGMA application_id
HEADER = slice(68, 72)  # where SQLite's file format has it
MEMORY = ":memory:"
KEYS_AT_ONCE = 500  # older SQLite takes 999 values a statement
BYTES_AT_ONCE = 4 << 20  # that one transaction writes; as many may lie in the file that ends in -wal
FORGOTTEN = 10  # a tenth of the rows goes when the file is full
PATIENCE = 30.0  # seconds to wait for another process that writes
PAUSE = 0.01  # seconds between two tries where SQLite does not wait by itself
CREATE = "CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, key BLOB UNIQUE NOT NULL, row BLOB NOT NULL)"
PUT = "INSERT OR REPLACE INTO rows (key, row) VALUES (?, ?)"


class SQLiteStore:
    """Keeps rows in a file; safe for threads, processes and forks, on a local disk.

    Threads take turns. While it is open, two files of the same name that end in -wal and -shm lie beside it and belong
    to it: replace the three together. A file that was deleted meanwhile is made again. A fork waits for the calls of
    other threads. Pickled, it opens the same file.

    Args:
        path: the file; it is made if it is not there.
        max_bytes: of the file; beyond them the tenth of the rows that was written first goes. None = no limit. A file
            that is larger already forgets down to the limit, and gives the space back by `clear`.

    Raises:
        StoreError: the file cannot be made or opened, or is something else.
        ArgumentError: `max_bytes` is no whole number of at least 1, or the path is `":memory:"`.
    """

    def __init__(self, path: str | PathLike[str], max_bytes: int | None = None) -> None:
        if str(path) == MEMORY:
            raise ArgumentError(f"path: {path!r}, expected a file. Use LRUStore to keep rows in memory.")
        self.path = Path(path).absolute()  # the same file after os.chdir
        self.max_bytes = None if max_bytes is None else whole_number("max_bytes", max_bytes)
        self._opened()

    def _opened(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._turn = threading.RLock()
        close_before_forks(self, self._turn)
        with self._connected():
            pass

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "max_bytes": self.max_bytes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._opened()

    def __len__(self) -> int:
        with self._connected() as connection:
            return _number(connection, "SELECT COUNT(*) FROM rows")

    def __repr__(self) -> str:
        return f"SQLiteStore({str(self.path)!r})"

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """What is kept under each key.

        Raises:
            StoreError: the file cannot be read.
        """
        found: dict[bytes, bytes] = {}
        with self._connected() as connection:
            for start in range(0, len(keys), KEYS_AT_ONCE):
                part = keys[start : start + KEYS_AT_ONCE]
                asked = f"SELECT key, row FROM rows WHERE key IN ({','.join('?' * len(part))})"  # noqa: S608 (only ?)
                found.update(connection.execute(asked, part).fetchall())
        return [found.get(key) for key in keys]

    def put(self, rows: Mapping[bytes, bytes]) -> None:
        """Keep rows, a few megabytes at a time: what was put before the process ends stays, and no row is half there.

        Raises:
            StoreError: the file cannot be written, the disk is full, or another process wrote for half a minute.
        """
        most = BYTES_AT_ONCE if self.max_bytes is None else min(BYTES_AT_ONCE, self.max_bytes // FORGOTTEN)
        with self._connected() as connection:
            for part in _parts(rows, most):
                with _transaction(connection):
                    connection.executemany(PUT, part)
                    if self.max_bytes is not None:
                        _forget(connection, self.max_bytes)

    def clear(self) -> None:
        """Forget all rows, and give their space back to the disk."""
        with self._connected() as connection:
            connection.execute("DELETE FROM rows")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(sqlite3.Error):  # whatever it was, nothing of it is left to do
                    connection.close()

    @contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        """The connection, for one thread at a time; SQLite's errors become ours."""
        with self._turn:
            try:
                if self._connection is None or _file(self.path) != self._file:
                    self.close()
                    self._connection = self._connect()
                    self._file = _file(self.path)
                yield self._connection
            except sqlite3.Error as error:  # of no other program's file: SQLite is not asked about these
                raise StoreError(
                    f"{self.path}: {error}, expected a file that can be read and written. Name another, or delete this "
                    "one: it is a cache."
                ) from error

    def _connect(self) -> sqlite3.Connection:
        _expect_ours(self.path)
        # A fork closes it from whichever thread forks: forked.py sees to it that nobody else is using it then.
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Mark a new file as ours and make its table; then readers do not wait for a writer."""
    if _number(connection, "PRAGMA application_id") != APPLICATION:
        with _transaction(connection):
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(CREATE)
    end = time.monotonic() + PATIENCE
    while True:  # for this lock SQLite itself does not always wait
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(PAUSE)
    connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may lose the last rows, and breaks nothing
    connection.execute(f"PRAGMA journal_size_limit = {BYTES_AT_ONCE}")


def _expect_ours(path: Path) -> None:
    """Refuse another program's file before SQLite opens it, which may write to it even where it only reads."""
    try:
        if not path.exists() or path.stat().st_size == 0:
            return
        with path.open("rb") as file:
            begin = file.read(HEADER.stop)
    except OSError as error:
        raise StoreError(f"{path}: {error}, expected a file that can be read. Name another.") from error
    if not begin.startswith(b"SQLite format 3\0"):
        raise StoreError(f"{path}: no SQLite file, expected one that SQLiteStore made, or none. Name another.")
    if (found := int.from_bytes(begin[HEADER], "big")) != APPLICATION:
        raise StoreError(
            f"{path}: an SQLite file of another program (application_id {found}), expected one that SQLiteStore "
            "made, or none. Name another."
        )


def _file(path: Path) -> tuple[int, int] | None:
    """Which file lies there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _number(connection: sqlite3.Connection, asked: str) -> int:
    return int(connection.execute(asked).fetchone()[0])


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[None]:
    """All of the block, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _parts(rows: Mapping[bytes, bytes], most: int) -> Generator[list[tuple[bytes, bytes]]]:
    """The rows in parts of so many bytes, of at least one row each."""
    part: list[tuple[bytes, bytes]] = []
    size = 0
    for key, row in rows.items():
        if part and size + len(row) > most:
            yield part
            part, size = [], 0
        part.append((key, row))
        size += len(key) + len(row)
    if part:
        yield part


def _forget(connection: sqlite3.Connection, most: int) -> None:
    """Delete what was written first, a tenth of all at a time, until the rest has room."""
    size = _number(connection, "PRAGMA page_size")
    oldest = "SELECT number FROM rows ORDER BY number LIMIT ?"
    while True:
        used = _number(connection, "PRAGMA page_count") - _number(connection, "PRAGMA freelist_count")
        count = _number(connection, "SELECT COUNT(*) FROM rows")
        if used * size <= most or count == 0:
            return
        connection.execute(f"DELETE FROM rows WHERE number IN ({oldest})", (count // FORGOTTEN + 1,))  # noqa: S608
