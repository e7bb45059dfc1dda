"""Mirrors runtime/airvec/caching/sqlite.py and forked.py: forks, files of others, files that go, and their sizes."""

import hashlib
import multiprocessing
import pickle
import sqlite3
import threading
from pathlib import Path

import pytest

from airvec.caching import SQLiteStore, sqlite
from airvec.errors import ArgumentError, StoreError

KEYS = [number.to_bytes(32, "big") for number in range(2000)]
FORK = multiprocessing.get_context("fork") if "fork" in multiprocessing.get_all_start_methods() else None

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def rows(start, stop, size=8):
    return {KEYS[number]: number.to_bytes(size, "big") for number in range(start, stop)}


def whole(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


def child_writes(store, begun, closed):
    store.put(rows(0, 1))
    begun.set()
    closed.wait()
    for start in range(100, 1100):
        store.put(rows(start, start + 1, size=400))


@pytest.mark.skipif(FORK is None, reason="this system cannot fork")
@pytest.mark.parametrize("again", [False, True])
def test_a_parent_that_closes_takes_nothing_from_its_child(tmp_path, again):
    path = tmp_path / "rows.db"
    store = SQLiteStore(path)
    store.put(rows(50, 51))
    begun, closed = FORK.Event(), FORK.Event()
    child = FORK.Process(target=child_writes, args=(store, begun, closed))
    child.start()
    begun.wait()
    store.close()
    if again:
        store.put(rows(51, 52))
    closed.set()
    child.join()
    assert child.exitcode == 0
    assert len(SQLiteStore(path)) == 1002 + again
    assert whole(path)


def child_opens_nothing(path, results):
    held = [str(descriptor.resolve()) for descriptor in Path("/proc/self/fd").iterdir()]
    results.put([name for name in held if name.startswith(str(path))])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are listed on Linux alone")
def test_a_child_holds_no_descriptor_of_its_parent_s_connections(tmp_path):
    stores = [SQLiteStore(tmp_path / "rows.db") for _ in range(3)]
    for store in stores:
        store.put(rows(0, 5))
    results = FORK.SimpleQueue()
    child = FORK.Process(target=child_opens_nothing, args=(tmp_path, results))
    child.start()
    assert results.get() == []
    child.join()
    assert [len(store) for store in stores] == [5, 5, 5]


def child_puts(store):
    store.put(rows(1, 2))


@pytest.mark.skipif(FORK is None, reason="this system cannot fork")
def test_a_fork_waits_until_another_thread_s_rows_are_kept(tmp_path):
    store = SQLiteStore(tmp_path / "rows.db")
    inside, go, forking = threading.Event(), threading.Event(), threading.Event()

    class Rows(dict):
        def items(self):
            inside.set()
            go.wait()
            return super().items()

    writer = threading.Thread(target=store.put, args=(Rows(rows(10, 20)),))
    writer.start()
    inside.wait()

    codes = []

    def fork():
        child = FORK.Process(target=child_puts, args=(store,))
        forking.set()
        child.start()
        child.join()
        codes.append(child.exitcode)

    forker = threading.Thread(target=fork)
    forker.start()
    forking.wait()
    go.set()
    writer.join()
    forker.join()
    assert (codes, len(store)) == ([0], 11)


@pytest.mark.parametrize("number", [0, 1000])
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_file_of_another_program_stays_as_it_is(tmp_path, number, journal):
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {number}")
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute("CREATE TABLE rows (name TEXT)")
    connection.close()
    before = hashlib.sha256(path.read_bytes()).digest()
    with pytest.raises(StoreError, match=rf"other.db: an SQLite file of another program \(application_id {number}\)"):
        SQLiteStore(path)
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert [found.name for found in tmp_path.iterdir()] == ["other.db"]


def test_an_empty_file_is_taken_and_memory_is_not(tmp_path):
    (tmp_path / "empty.db").touch()
    store = SQLiteStore(tmp_path / "empty.db")
    store.put(rows(0, 2))
    assert len(SQLiteStore(tmp_path / "empty.db")) == 2
    with pytest.raises(ArgumentError, match="path: ':memory:', expected a file. Use LRUStore"):
        SQLiteStore(":memory:")


def test_a_path_means_the_same_file_wherever_the_process_goes(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store = SQLiteStore("rows.db")
    store.put(rows(0, 2))
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.close()
    assert (len(store), list((tmp_path / "elsewhere").iterdir())) == (2, [])


@pytest.mark.parametrize("suffixes", [("",), ("", "-wal", "-shm")])
def test_a_file_that_is_deleted_while_it_is_open_is_made_again(tmp_path, suffixes):
    path = tmp_path / "rows.db"
    store = SQLiteStore(path)
    store.put(rows(0, 100))
    for suffix in suffixes:
        (tmp_path / f"rows.db{suffix}").unlink()
    other = SQLiteStore(path)
    other.put(rows(100, 101))
    store.put(rows(101, 102))
    assert store.get([KEYS[0], KEYS[100]]) == [None, (100).to_bytes(8, "big")]
    assert len(store) == len(other) == 2
    store.close()
    other.close()
    assert whole(path)
    assert len(SQLiteStore(path)) == 2


def test_a_file_that_is_replaced_while_it_is_open_is_the_new_one(tmp_path):
    store, new = SQLiteStore(tmp_path / "rows.db"), SQLiteStore(tmp_path / "new.db")
    store.put(rows(0, 1))
    new.put(rows(1, 3))
    new.close()
    (tmp_path / "new.db").replace(tmp_path / "rows.db")
    for suffix in ("-wal", "-shm"):  # of the old file: SQLite would take them for the new one's
        (tmp_path / f"rows.db{suffix}").unlink()
    assert store.get(KEYS[:3]) == [None, *rows(1, 3).values()]


def test_one_large_call_keeps_to_the_file_s_size_and_clear_gives_it_back(tmp_path):
    path = tmp_path / "rows.db"
    store = SQLiteStore(path, max_bytes=200_000)
    store.put(rows(0, 2000, size=1000))
    assert store.get([KEYS[1999]]) == [(1999).to_bytes(1000, "big")]
    assert path.stat().st_size < 300_000
    assert (tmp_path / "rows.db-wal").stat().st_size < 5_000_000
    store.clear()
    assert path.stat().st_size < 20_000
    assert (tmp_path / "rows.db-wal").stat().st_size == 0


def test_a_row_larger_than_the_file_may_be_is_forgotten(tmp_path):
    store = SQLiteStore(tmp_path / "rows.db", max_bytes=50_000)
    store.put(rows(0, 1, size=100_000))
    assert len(store) == 0


def test_rows_that_were_put_before_an_error_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "BYTES_AT_ONCE", 4000)
    store = SQLiteStore(tmp_path / "rows.db")
    with pytest.raises(StoreError, match="row"):
        store.put({**rows(0, 100, size=400), KEYS[1999]: Unkeepable(400)})
    assert 50 < len(store) < 101


class Unkeepable(bytes):
    """A row that SQLite does not take."""

    def __conform__(self, protocol):
        return object()


def test_the_file_is_opened_once_another_process_has_done_with_it(tmp_path, monkeypatch):
    path = tmp_path / "rows.db"
    SQLiteStore(path).close()
    tried = []

    class Busy:
        """A connection that is told twice that another one is busy."""

        def __init__(self, connection):
            self._own = connection

        def __getattr__(self, name):
            return getattr(self._own, name)

        def execute(self, asked, *values):
            if "journal_mode" in asked:
                tried.append(asked)
                if len(tried) < 3:
                    raise busy()
            return self._own.execute(asked, *values)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: Busy(connect(*given, **named)))
    monkeypatch.setattr(sqlite, "PAUSE", 0)
    store = SQLiteStore(path)
    store.put(rows(0, 1))
    assert (len(tried), len(store)) == (3, 1)
    monkeypatch.setattr(sqlite, "PATIENCE", -1)
    tried.clear()
    with pytest.raises(StoreError, match="database is locked"):
        SQLiteStore(path)


def busy():
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def test_a_pickled_store_opens_the_same_file(tmp_path):
    store = SQLiteStore(tmp_path / "rows.db", max_bytes=10**9)
    store.put(rows(0, 3))
    again = pickle.loads(pickle.dumps(store))
    assert (len(again), again.max_bytes, again.path) == (3, 10**9, store.path)
