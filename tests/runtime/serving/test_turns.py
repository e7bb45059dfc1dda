"""Mirrors runtime/airvec/serving/turns.py."""

import threading

import pytest

from airvec.errors import ArgumentError
from airvec.serving.problems import RequestError
from airvec.serving.turns import Turns, at_once_of
from airvec.threads import available_threads


def test_as_many_are_computed_at_once_as_there_are_threads_unless_it_is_said():
    assert at_once_of({}) == available_threads()
    assert at_once_of({"AIRVEC_MAX_AT_ONCE": "3"}) == 3
    for stated in ("0", "-1", "many"):
        with pytest.raises(ArgumentError, match=f"AIRVEC_MAX_AT_ONCE: '{stated}', expected a whole number"):
            at_once_of({"AIRVEC_MAX_AT_ONCE": stated})


def test_no_more_enter_than_may_run_and_wait():
    turns = Turns(1, waiting=1)
    turns.enter()
    turns.enter()
    with pytest.raises(RequestError, match="requests: 2 run and wait, expected fewer than 2") as caught:
        turns.enter()
    assert caught.value.status == 503
    turns.leave()
    turns.enter()


def test_no_more_have_their_turn_at_once_than_may_and_all_get_it():
    turns, inside, most, lock = Turns(2, waiting=6), 0, 0, threading.Lock()
    both = threading.Barrier(2, timeout=20)

    def work() -> None:
        nonlocal inside, most
        turns.enter()
        with turns.turn():
            with lock:
                inside += 1
                most = max(most, inside)
            both.wait()  # passes only if two are inside
            with lock:
                inside -= 1
        turns.leave()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == 2
    assert not any(thread.is_alive() for thread in threads)


def test_after_closing_those_who_wait_are_told_and_those_who_run_are_waited_for():
    turns, told, waits = Turns(1), [], threading.Event()

    def wait_for_turn() -> None:
        turns.enter()
        waits.set()
        try:
            with turns.turn():
                pass
        except RequestError as error:
            told.append(error.status)
        turns.leave()

    turns.enter()
    with turns.turn():
        waiting = threading.Thread(target=wait_for_turn)
        waiting.start()
        assert waits.wait(20)
        turns.close()
        waiting.join(20)
        assert told == [503]
        ending = threading.Thread(target=turns.wait)
        ending.start()
        with pytest.raises(RequestError, match="server: ends with 1 requests running"):
            turns.enter()
        assert ending.is_alive()
    turns.leave()
    ending.join(20)
    assert not ending.is_alive()


def test_one_who_does_not_leave_does_not_keep_the_server():
    turns = Turns(1)
    turns.enter()
    turns.close()
    turns.wait(seconds_to_leave=0.01)
