"""Mirrors runtime/airvec/caching/keeper.py: settings that change, parts, forks and copies."""

import copy
import multiprocessing
import pickle
import threading

import numpy as np
import pytest

from airvec import CachedModel, SentenceTransformer
from airvec.caching import CacheInfo, LRUStore, SQLiteStore, keeper
from airvec.errors import ArgumentError
from tests.folders import word_model


class Numbers:
    """A model of another library: answers of a width that can be set."""

    def __init__(self, width=4):
        self.width = width
        self.asked = []

    def encode(self, texts, **given):
        self.asked.append(list(texts))
        if "bad" in texts:
            raise RuntimeError("ended on the way")
        return np.ones((len(texts), self.width), np.float32)


@pytest.fixture
def dense(tmp_path):
    return SentenceTransformer(word_model(tmp_path / "words"))


def test_an_interruption_loses_the_last_part_alone(monkeypatch):
    monkeypatch.setattr(keeper, "TEXTS_AT_ONCE", 10)
    model, store = Numbers(), LRUStore()
    cached = CachedModel(model, store, identity="1")
    texts = [str(number) for number in range(35)]
    with pytest.raises(RuntimeError, match="ended on the way"):
        cached.encode([*texts, "bad"])
    assert len(store) == 30
    assert cached.encode(texts).shape == (35, 4)
    assert [len(part) for part in model.asked] == [10, 10, 10, 6, 5]


def test_what_is_computed_while_settings_change_is_not_kept(dense, monkeypatch):
    encode, store = SentenceTransformer.encode, LRUStore()

    def narrowed(model, texts, *given, **named):
        model.truncate_dim = 2  # as another thread's truncate_embeddings does
        return encode(model, texts, *given, **named)

    cached = CachedModel(dense, store)
    full = cached.encode(["a b"])
    with monkeypatch.context() as patched:
        patched.setattr(SentenceTransformer, "encode", narrowed)
        assert cached.encode(["a b", "c d"]).shape == (2, 2)
    assert len(store) == 1
    dense.truncate_dim = None
    assert cached.encode(["a b", "c d"]).tolist() == dense.encode(["a b", "c d"]).tolist()
    assert cached.encode(["a b"]).tolist() == full.tolist()


def test_rows_of_another_width_are_computed_again():
    model, store = Numbers(), LRUStore()
    cached = CachedModel(model, store, identity="1")
    cached.encode(["a", "b"])
    model.width = 2
    assert cached.encode(["a", "b", "c"]).shape == (3, 2)
    assert cached.encode(["a", "b", "c"]).shape == (3, 2)
    assert [sorted(part) for part in model.asked] == [["a", "b"], ["c"], ["a", "b"]]


def test_a_store_s_rows_of_another_width_are_computed_again_where_all_are_kept(dense):
    class Cut(LRUStore):
        """Of whoever wrote under these keys before."""

        def put(self, rows):
            from airvec.caching.rows import sealed

            super().put({key: sealed(row[4:12]) for key, row in rows.items()})

    store = Cut()
    cached = CachedModel(dense, store)
    cached.encode(["a b"])
    assert cached.encode(["a b"]).tolist() == dense.encode(["a b"]).tolist()
    assert cached.info == CacheInfo(hits=0, misses=2)


def test_answers_of_two_widths_are_told():
    class Growing(Numbers):
        def encode(self, texts, **given):
            self.width += 1
            return super().encode(texts)

    cached = CachedModel(Growing(), identity="1")
    cached.encode(["a"])
    with pytest.raises(ArgumentError, match="answers of 6 and 7 numbers in one call, expected one width"):
        cached.encode(["a", "b"])


def child_encodes(cached):
    cached.encode(["a b"])


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
def test_a_lock_that_a_thread_holds_is_free_in_a_forked_process(dense):
    cached = CachedModel(dense)
    cached.encode(["a b"])
    held, done = threading.Event(), threading.Event()

    def hold():
        with cached._keeper._lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = multiprocessing.get_context("fork").Process(target=child_encodes, args=(cached,))
    child.start()
    child.join(30)
    code = child.exitcode
    child.kill()
    done.set()
    thread.join()
    assert code == 0


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda cached: pickle.loads(pickle.dumps(cached))])
def test_a_copy_answers_from_the_same_file(dense, tmp_path, copied):
    cached = CachedModel(dense, SQLiteStore(tmp_path / "rows.db"))
    expected = cached.encode(["a b", "c d"]).tolist()
    again = copied(cached)
    assert again.encode(["a b", "c d"]).tolist() == expected
    assert again.info == CacheInfo(hits=2, misses=2)
