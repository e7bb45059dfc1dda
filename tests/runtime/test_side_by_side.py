"""Mirrors runtime/airvec/side_by_side.py."""

import threading

import pytest

from airvec.errors import InputError
from airvec.side_by_side import ahead, run_beside

WAIT = 20


def test_parts_are_worked_on_in_order_each_once():
    for parts in ([], [["a"]], [["a"], ["b"]], [["a"], ["b"], ["c"], ["d"]]):
        assert list(ahead(lambda part: part[0], parts)) == [part[0] for part in parts]


def test_the_next_part_is_worked_on_while_the_caller_is_busy_and_no_further_one():
    begun = {name: threading.Event() for name in "abc"}

    def work(part):
        begun[part[0]].set()
        return part[0]

    found = ahead(work, (["a"], ["b"], ["c"]))
    assert next(found) == "a"
    assert begun["b"].wait(WAIT)
    assert not begun["c"].is_set()
    assert list(found) == ["b", "c"]


def test_a_part_that_fails_fails_the_caller_after_the_ones_before_it():
    def work(part):
        if part == ["bad"]:
            raise InputError("bad")
        return part[0]

    found = ahead(work, (["a"], ["bad"], ["c"]))
    assert next(found) == "a"
    with pytest.raises(InputError, match="bad"):
        next(found)


def test_a_caller_that_stops_leaves_no_thread():
    found = ahead(lambda part: part[0], (["a"], ["b"], ["c"]))
    next(found)
    found.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("airvec-ahead")]


def test_without_a_thread_to_be_had_the_caller_s_own_does_the_work(monkeypatch):
    def refused(*_):
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    monkeypatch.setattr("concurrent.futures.ThreadPoolExecutor.submit", refused)
    assert list(ahead(lambda part: part[0], (["a"], ["b"], ["c"]))) == ["a", "b", "c"]


def test_pieces_run_side_by_side_and_the_first_error_stops_the_rest():
    both, done = threading.Barrier(2), list[int]()

    def run(piece):
        both.wait(WAIT)
        done.append(piece)

    run_beside(run, [1, 2, 3, 4], 2)
    assert sorted(done) == [1, 2, 3, 4]
    begun = list[int]()

    def failing(piece):
        begun.append(piece)
        raise InputError("bad")

    with pytest.raises(InputError, match="bad"):
        run_beside(failing, range(10_000), 1)
    assert len(begun) < 10_000
