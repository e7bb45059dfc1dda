"""RedisStore and MemcachedStore with real servers: Debian's, unpacked into .cache/ and run from there on loopback."""

import platform
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from airvec import CachedModel, SentenceTransformer
from airvec.caching import CacheInfo, MemcachedStore, RedisStore
from airvec.errors import StoreError
from benchmarks.measure.debian_root import DebianError, unpacked

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "debian-servers"
ARCHITECTURES = {"x86_64": ("amd64", "ld-linux-x86-64.so.2"), "aarch64": ("arm64", "ld-linux-aarch64.so.1")}
PATIENCE = 30  # seconds until a server that does not answer fails the test
TEXTS = ["a cat sits", "a dog runs", "a cat sits"]
KEYS = [number.to_bytes(32, "big") for number in range(2500)]


@pytest.fixture(scope="module")
def programs():
    """A function: the command of a server; the machine's own where it has one."""

    def command(name: str) -> list[str]:
        if found := shutil.which(name):
            return [found]
        if platform.machine() not in ARCHITECTURES:
            pytest.skip(f"{platform.machine()}: no Debian servers are fetched for it")
        architecture, loader = ARCHITECTURES[platform.machine()]
        CACHE.mkdir(parents=True, exist_ok=True)
        try:
            root = unpacked(["redis-server", "memcached"], architecture, CACHE)
        except DebianError as error:
            pytest.skip(f"{name} is not installed, and Debian's could not be fetched: {error}")
        libraries = f"{platform.machine()}-linux-gnu"
        (start,) = (root / "usr" / "lib").rglob(loader) if (root / "usr" / "lib").is_dir() else [root / "lib" / loader]
        paths = f"{root}/usr/lib/{libraries}:{root}/lib/{libraries}"
        return [str(start), "--library-path", paths, str(root / "usr" / "bin" / name)]

    return command


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(command: list[str], port: int):
    """A server, once it takes connections, until the end of the block."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        end = time.monotonic() + PATIENCE
        while True:
            if process.poll() is not None:
                pytest.fail(f"{command[-1]} ended with {process.returncode}: {process.communicate()[0][-2000:]}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
                break
            except ConnectionRefusedError:
                assert time.monotonic() < end, f"{command}: no answer on {port}"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(params=["redis", "memcached"])
def served(request, programs, tmp_path):
    """A store of a fresh server, and the server."""
    port = free_port()
    if request.param == "redis":
        command = [*programs("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        with running([*command, str(tmp_path)], port) as process:
            store = RedisStore(f"redis://127.0.0.1:{port}/0")
            yield store, process
            store.close()
    else:
        command = [*programs("memcached"), "-p", str(port), "-l", "127.0.0.1", "-u", "nobody", "-m", "64"]
        with running(command, port) as process:
            store = MemcachedStore(f"127.0.0.1:{port}")
            yield store, process
            store.close()


def test_a_model_s_answers_are_kept_by_the_server(served):
    store, _ = served
    model = SentenceTransformer()
    expected = model.encode(TEXTS).tolist()
    assert CachedModel(model, store).encode(TEXTS).tolist() == expected
    again = CachedModel(SentenceTransformer(), store)
    assert again.encode(TEXTS).tolist() == expected
    assert again.info == CacheInfo(hits=3, misses=0)


def test_thousands_of_rows_go_at_once_and_what_was_not_put_is_not_there(served):
    store, _ = served
    rows = {key: key[::-1] * 40 for key in KEYS}
    store.put(rows)
    assert store.get(KEYS) == list(rows.values())
    assert store.get([b"\xff" * 32, KEYS[3]]) == [None, rows[KEYS[3]]]


def test_a_server_that_goes_away_is_told(served):
    store, process = served
    store.put({KEYS[0]: b"row"})
    process.kill()
    process.wait()
    with pytest.raises(StoreError, match="expected a server that answers"):
        store.get(KEYS[:2])
    with pytest.raises(StoreError, match="expected a server that answers"):
        store.put({KEYS[1]: b"row"})
