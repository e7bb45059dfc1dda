"""Mirrors the stores in runtime/airvec/caching: what is put is got, by many at once, and bounded."""

import copy
import multiprocessing
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from airvec.caching import LRUStore, MemcachedStore, RedisStore, SQLiteStore
from airvec.errors import AirvecWarning, ArgumentError, StoreError

KEYS = [number.to_bytes(32, "big") for number in range(2000)]


@pytest.fixture(params=["lru", "sqlite"])
def store(request, tmp_path):
    return LRUStore() if request.param == "lru" else SQLiteStore(tmp_path / "rows.db")


def rows(start, stop, size=8):
    return {KEYS[number]: number.to_bytes(size, "big") for number in range(start, stop)}


def test_what_is_put_is_got_and_nothing_else(store):
    assert store.get(KEYS[:3]) == [None, None, None]
    store.put(rows(0, 2000))
    assert len(store) == 2000
    assert store.get([KEYS[5], b"\xff" * 32, KEYS[1999], KEYS[5]]) == [
        (5).to_bytes(8, "big"), None, (1999).to_bytes(8, "big"), (5).to_bytes(8, "big"),
    ]  # fmt: skip
    assert store.get(KEYS) == list(rows(0, 2000).values())
    store.put({KEYS[5]: b"other"})
    assert (store.get([KEYS[5]]), len(store)) == ([b"other"], 2000)
    assert store.get([]) == []
    store.put({})
    store.clear()
    assert (store.get(KEYS[:1]), len(store)) == ([None], 0)


def test_threads_share_a_store(store):
    def work(part):
        store.put(rows(part * 100, part * 100 + 100))
        return store.get(KEYS[part * 100 : part * 100 + 100]) == list(rows(part * 100, part * 100 + 100).values())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(20)))
    assert len(store) == 2000


def test_the_rows_used_last_stay_in_memory():
    store = LRUStore(max_bytes=3 * (32 + 8 + 200))
    store.put(rows(0, 3))
    store.get([KEYS[0]])
    store.put(rows(3, 4))
    assert [row is not None for row in store.get(KEYS[:4])] == [True, False, True, True]
    assert repr(store) == "LRUStore(rows=3, bytes=720 of 720)"
    store.put({KEYS[9]: bytes(10_000)})  # larger than all there is
    assert len(store) == 0
    with pytest.raises(ArgumentError, match="max_bytes: 0"):
        LRUStore(0)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda store: pickle.loads(pickle.dumps(store))])
def test_a_copy_of_a_store_in_memory_starts_empty(copied):
    store = LRUStore(max_bytes=1000)
    store.put(rows(0, 3))
    again = copied(store)
    again.put(rows(5, 6))
    assert (len(store), len(again), again.max_bytes) == (3, 1, 1000)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_lock_that_a_thread_holds_is_free_in_a_forked_process():
    store, inside, done = LRUStore(), threading.Event(), threading.Event()

    class Rows(dict):
        def items(self):
            inside.set()
            done.wait()
            return super().items()

    thread = threading.Thread(target=store.put, args=(Rows(rows(10, 20)),))
    thread.start()
    inside.wait()
    child = multiprocessing.get_context("fork").Process(target=forked, args=(store,))
    child.start()
    child.join(30)
    code = child.exitcode
    child.kill()
    done.set()
    thread.join()
    assert (code, len(store)) == (0, 10)


def write(path, start):
    SQLiteStore(path).put(rows(start, start + 50))


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_processes_share_a_file(way, tmp_path):
    store = SQLiteStore(tmp_path / "rows.db")
    store.put(rows(1000, 1001))
    context = multiprocessing.get_context(way)
    running = [context.Process(target=write, args=(tmp_path / "rows.db", start)) for start in (0, 50, 100)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    assert [process.exitcode for process in running] == [0, 0, 0]
    assert store.get(KEYS[:150]) == list(rows(0, 150).values())


def forked(store):
    store.put(rows(0, 10))


def test_a_forked_process_has_a_connection_of_its_own(tmp_path):
    store = SQLiteStore(tmp_path / "rows.db")
    store.put(rows(10, 20))
    child = multiprocessing.get_context("fork").Process(target=forked, args=(store,))
    child.start()
    child.join()
    assert (child.exitcode, len(store)) == (0, 20)


def test_a_file_outlives_its_process_and_keeps_to_its_size(tmp_path):
    path = tmp_path / "rows.db"
    store = SQLiteStore(path, max_bytes=200_000)
    for start in range(0, 2000, 100):
        store.put(rows(start, start + 100, size=400))
    store.close()
    again = SQLiteStore(path)
    assert again.get([KEYS[1999]]) == [(1999).to_bytes(400, "big")]
    assert again.get([KEYS[0]]) == [None]
    assert 100 < len(again) < 600
    assert path.stat().st_size < 600_000
    again.close()
    assert repr(again) == f"SQLiteStore({str(path)!r})"


def test_a_file_that_is_something_else_is_told_and_left_as_it_is(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("Not a data base, but something that took long to write." * 50)
    before = path.read_bytes()
    with pytest.raises(
        StoreError, match=r"notes.txt: no SQLite file, expected one that SQLiteStore made, or none. Name another"
    ):
        SQLiteStore(path)
    assert path.read_bytes() == before
    with pytest.raises(StoreError, match="unable to open database file"):
        SQLiteStore(tmp_path / "no" / "folder.db")


class FailingRedis:
    def mget(self, keys):
        from redis import ConnectionError as Refused

        raise Refused("Error 111 connecting to localhost:1. Connection refused.")

    def pipeline(self, transaction):
        return self.mget([])


def test_a_redis_server_that_is_not_there_is_told():
    store = RedisStore(FailingRedis())
    with pytest.raises(StoreError, match=r"RedisStore: Error 111.*expected a server that answers.*on_error"):
        store.get(KEYS[:1])
    with pytest.raises(StoreError, match="Error 111"):
        store.put(rows(0, 1))
    assert store.get([]) == []


class FailingMemcached:
    def get_many(self, names):
        raise ConnectionRefusedError(111, "Connection refused")

    def set_many(self, kept, expire, noreply):
        return list(kept)


def test_a_memcached_server_that_is_not_there_or_refuses_is_told():
    store = MemcachedStore(FailingMemcached())
    with pytest.raises(StoreError, match=r"MemcachedStore: .*Connection refused, expected a server that answers"):
        store.get(KEYS[:1])
    with pytest.raises(StoreError, match="refused 2 of 2 rows"):
        store.put(rows(0, 2))
    with pytest.warns(AirvecWarning, match="1 rows of up to 2,000,000 bytes are not kept, expected at most 1,000,000"):
        store.put({KEYS[0]: bytes(2_000_000)})


class Noting:
    """A client of pymemcache that notes what it is asked."""

    def __init__(self):
        self.asked = []

    def get_many(self, names):
        self.asked.append(len(names))
        return {}

    def set_many(self, kept, expire, noreply):
        self.asked.append((len(kept), expire))
        return []


def test_memcached_is_asked_a_thousand_rows_at_once():
    client = Noting()
    store = MemcachedStore(client)
    store.put(rows(0, 2000))
    store.get(KEYS[:1500])
    store.get([])
    assert client.asked == [(1000, 0), (1000, 0), 1000, 500]


def test_more_than_thirty_days_are_a_date_for_memcached():
    month = 30 * 24 * 3600
    for seconds, earliest, latest in (
        (month, month, month),
        (month + 1, time.time() + month, time.time() + month + 60),
    ):
        client = Noting()
        MemcachedStore(client, seconds=seconds).put(rows(0, 1))
        assert earliest <= client.asked[0][1] <= latest


@pytest.mark.parametrize("prefix", ["my cache:", "a\n", "ä:", "x" * 200])
def test_a_prefix_that_memcached_cannot_take_is_told(prefix):
    with pytest.raises(ArgumentError, match=r"prefix: .*, expected at most 180 ASCII letters"):
        MemcachedStore(Noting(), prefix=prefix)


def test_a_url_that_is_none_is_told():
    with pytest.raises(ArgumentError, match=r"url: 'localhost:6379' .*expected redis://host:port/number"):
        RedisStore("localhost:6379")


@pytest.mark.parametrize("address", ["localhost", "localhost:", ":11211", "http://localhost:x"])
def test_an_address_that_is_none_is_told(address):
    with pytest.raises(ArgumentError, match='expected "host:port" or "unix:/path"'):
        MemcachedStore(address)
