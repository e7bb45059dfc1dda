"""Mirrors runtime/airvec/processes.py: pools that hold small objects; test_pools.py has those of models."""

import os
import signal
import threading
from functools import partial

import pytest

from airvec.errors import ArgumentError, InputError, ProcessError
from airvec.processes import Pool, _chunk_size
from tests.pool_target import Target

CONTENT = ("a target",)


def quiet(_):
    """No progress."""


def start(count=2, *problems):
    return Pool([partial(Target, *problems)] * count, CONTENT)


@pytest.fixture(scope="module")
def pool():
    """Two processes, for the tests that leave them as they were."""
    with start() as pool:
        yield pool


def test_results_come_in_order_and_progress_by_the_part(pool):
    steps = []
    found = pool.run("double", range(100), (1,), 7, steps.append)
    assert [value for part in found for value in part] == [2 * number + 1 for number in range(100)]
    assert [len(part) for part in found] == [7] * 14 + [2]
    assert sorted(steps) == [2] + [7] * 14
    assert pool.run("double", [], (1,), None, steps.append) == []


def test_results_are_taken_in_order_and_none_is_kept(pool):
    taken = []
    assert pool.run("double", range(100), (1,), 7, quiet, taken.extend) == []
    assert taken == [2 * number + 1 for number in range(100)]


def test_a_result_that_cannot_be_taken_is_an_error_and_the_pool_stays(pool):
    def full(_):
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        pool.run("double", range(100), (1,), 7, quiet, full)
    assert pool.run("double", [4], (0,), 1, quiet) == [[8]]


def test_all_processes_get_work(pool):
    parts = pool.run("identify", range(500), (), 1, quiet)
    assert {pid for part in parts for pid, _ in part} == {process.pid for process in pool["processes"]}


@pytest.mark.parametrize(
    ("items", "processes", "expected"),
    [(0, 2, 1), (1, 2, 1), (2, 2, 1), (100, 2, 50), (1000, 2, 64), (1300, 2, 65), (20_000, 2, 1000), (10**7, 4, 5000)],
)
def test_a_part_is_a_tenth_of_a_share_between_a_batch_and_the_bound(items, processes, expected):
    assert _chunk_size(items, processes) == expected


def test_an_error_comes_with_its_type_and_where_it_was_and_the_pool_stays(pool):
    with pytest.raises(ZeroDivisionError, match="at five") as caught:
        pool.run("fail_at", range(10), (5, ZeroDivisionError("at five")), 1, quiet)
    assert "fail_at" in caught.value.__notes__[0]
    with pytest.raises(InputError, match=r"^text 3: None\. Do this\.$") as caught:
        pool.run("fail_at", range(10), (5, InputError("text 3: None. Do this.")), 1, quiet)
    assert not hasattr(caught.value, "__notes__")  # ours say what to do
    assert pool.run("double", [1, 2], (0,), 1, quiet) == [[2], [4]]


def test_an_error_that_cannot_be_sent_is_told_in_words(pool):
    with pytest.raises(ProcessError, match=r"process \d of 2: OddError: odd at 4\. See .*(?s:.*)in fail_oddly"):
        pool.run("fail_oddly", [4], (), 1, quiet)
    with pytest.raises(Exception, match="lambda"):
        pool.run("give_back_a_lambda", [4], (), 1, quiet)
    with pytest.raises(AttributeError, match="no_such_method"):
        pool.run("no_such_method", [4], (), 1, quiet)
    assert pool.run("double", [4], (0,), 1, quiet) == [[8]]


def test_what_cannot_be_sent_there_is_an_argument_error(pool):
    with pytest.raises(ArgumentError, match=r"pool: the settings of this call cannot be sent .*lambda"):
        pool.run("double", [1], (lambda: 1,), 1, quiet)
    with pytest.raises(ArgumentError, match=r"pool: the model of this call cannot be sent"):
        Pool([lambda: 1], CONTENT)
    assert pool.run("double", [4], (0,), 1, quiet) == [[8]]


def test_answers_of_a_call_that_failed_are_not_those_of_the_next(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with start() as pool:
        with pytest.raises(ValueError, match="zero"):
            pool.run("fail_or_wait", [0, 1], (tmp_path / "fifo",), 1, quiet)
        assert pool.run("double", range(6), (0,), 2, quiet) == [[0, 2], [4, 6], [8, 10]]  # by the other process
        (tmp_path / "fifo").write_bytes(b"")
        for _ in range(20):
            assert pool.run("double", range(6), (0,), 2, quiet) == [[0, 2], [4, 6], [8, 10]]


def test_calls_of_several_threads_take_turns(pool):
    found = {}

    def call(offset):
        found[offset] = pool.run("double", range(50), (offset,), 3, quiet)

    threads = [threading.Thread(target=call, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {offset: sum(map(sum, parts)) for offset, parts in found.items()} == {n: 2450 + 50 * n for n in range(4)}


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        ("die_at", (3,), r"process \d of 2 \(pid \d+\) ended with exit code -9 \(SIGKILL, as where memory runs out\)"),
        ("leave_at", (3, 7), r"process \d of 2 \(pid \d+\) ended with exit code 7, expected an answer"),
        ("leave_at", (3, 0), r"process \d of 2 \(pid \d+\) ended with exit code 0, expected an answer"),
    ],
)
def test_a_process_that_ends_in_its_work_is_an_error_and_never_a_hang(method, settings, message):
    pool = start()
    with pytest.raises(ProcessError, match=message):
        pool.run(method, range(10), settings, 1, quiet)
    assert not any(process.is_alive() for process in pool.processes)
    with pytest.raises(ArgumentError, match="pool: has been stopped by ProcessError. Start another"):
        pool.run("double", [1], (0,), 1, quiet)


def test_a_process_that_was_killed_between_calls_is_an_error():
    with start() as pool:
        os.kill(pool.processes[1].pid, signal.SIGKILL)
        pool.processes[1].join(60)
        with pytest.raises(ProcessError, match="process 2 of 2 .* exit code -9"):
            pool.run("double", range(10), (0,), 1, quiet)


def test_what_fails_in_opening_is_raised_where_the_pool_is_started():
    with pytest.raises(InputError, match="no such thing"):
        start(2, InputError("no such thing"))


def test_an_interrupt_ends_the_processes():
    pool = start()

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pool.run("double", range(100), (0,), 1, interrupt)
    assert not any(process.is_alive() for process in pool.processes)
    with pytest.raises(ArgumentError, match="pool: has been stopped by KeyboardInterrupt"):
        pool.run("double", [1], (0,), 1, quiet)


def test_stopping_twice_is_harmless_and_a_stopped_pool_says_so():
    pool = start(1)
    pool.stop()
    pool.stop()
    assert [process.exitcode for process in pool.processes] == [-signal.SIGTERM]
    with pytest.raises(ArgumentError, match="pool: has been stopped. Start another with start_multi_process_pool"):
        pool.run("double", [1], (0,), 1, quiet)


def test_a_pool_that_another_thread_stops_ends_the_call_under_way(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    pool, seen = start(1), []

    def call():
        try:
            pool.run("fail_or_wait", [1], (tmp_path / "fifo",), 1, quiet)
        except ProcessError as error:
            seen.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    with (tmp_path / "fifo").open("wb"):  # opens once the process reads: the call is under way
        pool.stop()
    thread.join(60)
    assert seen == ["pool: process 1 of 1 was stopped during the call. Stop the pool after its last call."]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_may_not_use_the_parents_pool_and_does_not_stop_it(pool):
    child = os.fork()
    if child == 0:
        pool.stop()
        try:
            pool.run("double", [1], (0,), 1, quiet)
        except ArgumentError as error:
            os._exit(0 if "pool: started by process" in str(error) else 2)
        os._exit(3)
    assert os.waitpid(child, 0)[1] == 0
    assert pool.run("double", [4], (0,), 1, quiet) == [[8]]


def test_the_references_key_gives_the_processes_and_its_queues_are_refused(pool):
    assert [process.name for process in pool["processes"]] == ["airvec process 1 of 2", "airvec process 2 of 2"]
    assert all(process.daemon for process in pool["processes"])
    for name in ("input", "output"):
        with pytest.raises(ArgumentError, match=f"pool: key '{name}', expected 'processes'"):
            pool[name]
