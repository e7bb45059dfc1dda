"""Processes that each hold an opened model, and share the work of a call.

They are spawned, not forked: a fork copies no threads, and ONNX Runtime's are needed. Each has a pipe of its own, so
that one that is killed while it writes leaves the others' pipes whole, and has no lock that they would wait for.
Knows nothing of models, texts and results: a process opens something, and calls its methods by name on parts of a list.
"""

import os
import pickle
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from multiprocessing import current_process, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from airvec.errors import AirvecError, ArgumentError, ProcessError

Advance = Callable[[int], None]
Take = Callable[[Any], object]
_Work = tuple[str, Any, tuple[Any, ...]]  # a method's name, a part of the items, the settings
_Answer = tuple[Any, Exception | None]

# Most items that a process gets at once, and the least where each process still gets some: the reference's bound, and
# the texts of some batches, so that a process has texts of one length to put together.
LARGEST_CHUNK, SMALLEST_CHUNK = 5000, 64
# How a new process ends that meets the start of a pool while it still imports the program: see `_check_program`.
IMPORTING = 97
SECONDS_TO_END = 5.0
CONTEXT = get_context("spawn")


@dataclass
class _Worker:
    """A process, our end of its pipe, and the number of the part that it has."""

    name: str
    process: SpawnProcess
    connection: Connection
    job: int | None = None


class Pool:
    """Processes that have been started and wait for work; `with` ends them.

    Calls of several threads take turns. The first process is started alone: a program that cannot be started again says
    so once.

    Args:
        openings: one a process; gives what the process holds. Must be picklable.
        content: what the pool was made of, its name for messages first; for the owner to compare.

    Raises:
        ArgumentError: the program has no main guard, or a process cannot be started from here.
        ProcessError: a process ended before it was ready.
        Exception: what an opening raised.
    """

    def __init__(self, openings: Sequence[Callable[[], Any]], content: tuple[Any, ...]) -> None:
        _check_program()
        self.content = content
        self._turn = threading.RLock()
        self._owner = os.getpid()
        self._given = 0
        self._ended: str | None = None
        self._workers: list[_Worker] = []
        try:
            for count in (1, len(openings)):
                for number in range(len(self._workers), count):
                    self._workers.append(_start(openings[number], f"process {number + 1} of {len(openings)}"))
                self._open()
        except BaseException:
            self.stop()
            raise

    @property
    def processes(self) -> list[SpawnProcess]:
        """The processes, `multiprocessing`'s own objects."""
        return [worker.process for worker in self._workers]

    def __getitem__(self, name: str) -> list[SpawnProcess]:
        """`pool["processes"]`, as in sentence-transformers.

        Raises:
            ArgumentError: another name; `"input"` and `"output"` were queues, and there are none.
        """
        if name == "processes":
            return self.processes
        raise ArgumentError(
            f"pool: key {name!r}, expected 'processes'. A process has a pipe of its own and shares no queue: "
            "pass pool=… to encode."
        )

    def __len__(self) -> int:
        return len(self._workers)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def run(
        self, method: str, items: Sequence[Any], settings: tuple[Any, ...], chunk_size: int | None, advance: Advance,
        take: Take | None = None,
    ) -> list[Any]:  # fmt: skip
        """Results of `method(part, *settings, advance)` for parts of the items, in order.

        Args:
            method: of what the processes hold.
            items: a sequence that can be sliced.
            settings: the same for all parts.
            chunk_size: items a part; None = a tenth of a process's share, between 64 and 5,000.
            advance: called here with the number of items of each finished part.
            take: called here with each result, in order, as soon as those before it are there; none is then returned.

        Raises:
            ArgumentError: the pool has been stopped, is another process's, or the settings cannot be pickled.
            ProcessError: a process was killed; the pool is then stopped.
            Exception: what the method raised, of its own type where that can be pickled; the pool stays usable.
        """
        with self._turn:
            self._check_usable()
            _check_picklable("settings", settings)
            size = chunk_size or _chunk_size(len(items), len(self))
            parts = [items[start : start + size] for start in range(0, len(items), size)]
            results: list[Any] = []
            try:
                error = self._share(method, parts, settings, advance, take or results.append)
            except BaseException as problem:  # a process is gone, or a message half read
                self._stop(f"by {type(problem).__name__}")
                raise
            if error is not None:
                raise error
            return results

    def stop(self) -> None:
        """End the processes; a second time, or in a forked child, nothing is left to do."""
        self._stop("")

    def _stop(self, reason: str) -> None:
        if self._ended is not None or os.getpid() != self._owner:
            return
        self._ended = reason
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.join(SECONDS_TO_END)
            if process.is_alive():  # the program that it has imported handles the signal
                process.kill()
                process.join()
        with self._turn:  # a call of another thread ends by itself now, and with its own message
            for worker in self._workers:
                worker.connection.close()

    def _check_usable(self) -> None:
        if os.getpid() != self._owner:
            raise ArgumentError(
                f"pool: started by process {self._owner}, this is {os.getpid()}. Start one in the process that uses it."
            )
        if self._ended is not None:
            raise ArgumentError(
                f"pool: has been stopped{' ' * bool(self._ended)}{self._ended}. Start another with "
                "start_multi_process_pool."
            )

    def _open(self) -> None:
        """Wait for what the new processes were started with."""
        while any(worker.job is not None for worker in self._workers):
            for _, (_, error) in self._answers():
                if error is not None:
                    raise error

    def _share(
        self, method: str, parts: Sequence[Any], settings: tuple[Any, ...], advance: Advance, take: Take
    ) -> Exception | None:
        """Have the results of all parts taken; else the first error, and what is under way then is dropped."""
        first, self._given = self._given, self._given + len(parts)
        waiting, results, taken = deque(range(len(parts))), dict[int, Any](), 0
        while taken < len(parts):
            for worker in self._workers:
                if worker.job is None and waiting:
                    number = waiting.popleft()
                    self._give(worker, first + number, (method, parts[number], settings))
            for job, (result, error) in self._answers():
                if job < first:  # of a call that has ended
                    continue
                if error is not None:
                    return error
                results[job - first] = result
                advance(len(parts[job - first]))
            try:
                while taken in results:
                    take(results.pop(taken))
                    taken += 1
            except Exception as error:  # noqa: BLE001 - such as a full disk: the pool is as good as before
                return error
        return None

    def _give(self, worker: _Worker, job: int, work: _Work) -> None:
        message = ForkingPickler.dumps(work)
        try:
            worker.connection.send_bytes(message)
        except OSError:
            raise self._death(worker) from None
        worker.job = job

    def _answers(self) -> list[tuple[int, _Answer]]:
        """Wait; then the numbers of the parts that are finished, with result or error.

        Raises:
            ProcessError: a process has ended.
        """
        by_connection = {worker.connection: worker for worker in self._workers}
        by_sentinel = {worker.process.sentinel: worker for worker in self._workers}
        ready = cast("list[Any]", wait([*by_connection, *by_sentinel]))
        answers: list[tuple[int, _Answer]] = []
        for worker in (by_connection[end] for end in ready if end in by_connection):
            try:
                answer = cast("_Answer", worker.connection.recv())
            except (EOFError, OSError):
                raise self._death(worker) from None
            job, worker.job = cast("int", worker.job), None
            answers.append((job, answer))
        if not answers:  # looked at last: what a process said before its end counts
            raise self._death(by_sentinel[ready[0]])
        return answers

    def _death(self, worker: _Worker) -> AirvecError:
        """The error for a process that has ended, by its exit code."""
        if self._ended is not None:
            return ProcessError(f"pool: {worker.name} was stopped during the call. Stop the pool after its last call.")
        worker.process.join(SECONDS_TO_END)
        code = worker.process.exitcode
        if code == IMPORTING:
            return ArgumentError(
                f"{_program()}: starts processes while it is imported, and each of them imports it again; expected "
                'that under `if __name__ == "__main__":`. Put the code that starts them there.'
            )
        return ProcessError(
            f"pool: {worker.name} (pid {worker.process.pid}) ended with exit code {code}{_meaning(code)}, expected an "
            "answer. Its own message, if it had one, is on stderr. Start the pool again, with fewer processes if "
            "memory ran out."
        )


def _start(opening: Callable[[], Any], name: str) -> _Worker:
    _check_picklable("model", opening)  # here, and not when half of the process has been started
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_serve, args=(theirs, opening), name=f"airvec {name}", daemon=True)
    process.start()
    theirs.close()  # now only the process holds it: when that ends, ours says so
    return _Worker(name, process, ours, job=-1)


def _serve(connection: Connection, opening: Callable[[], Any]) -> None:
    """What a process does: open, then answer until its pipe is closed or the other end has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal's processes; the first one decides
    try:
        try:
            held = opening()
        except Exception as error:  # noqa: BLE001 - it is raised in the process that asked
            connection.send((None, _portable(error)))
            return
        connection.send((None, None))
        while True:
            connection.send_bytes(_answer(held, connection.recv_bytes()))
    except (EOFError, OSError):
        return


def _answer(held: Any, message: bytes) -> Any:
    """The pickled result and None, or None and the pickled error."""
    try:
        method, part, settings = cast("_Work", pickle.loads(message))  # noqa: S301 - from the process that started us
        return ForkingPickler.dumps((getattr(held, method)(part, *settings, _nothing), None))
    except Exception as error:  # noqa: BLE001 - it is raised in the process that asked
        return ForkingPickler.dumps((None, _portable(error)))


def _nothing(_: int) -> None:
    """The progress that a process shows."""


def _portable(error: Exception) -> Exception:
    """The error itself if it can be pickled, with where it happened; else one that says the same."""
    if not isinstance(error, AirvecError):  # ours say what to do; where in the code it was is of no use
        error.add_note(f"In {current_process().name}:\n{''.join(traceback.format_exception(error))}")
    try:
        copy = pickle.loads(ForkingPickler.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - any class may fail in its own way
        copy = None
    if type(copy) is type(error) and str(copy) == str(error):
        return error
    shown = "".join(traceback.format_exception(error))
    return ProcessError(f"{current_process().name}: {type(error).__name__}: {error}. See where it was raised:\n{shown}")


def _chunk_size(items: int, processes: int) -> int:
    """A tenth of a process's share, so that all end at about the same time; see the bounds' own comment."""
    share = ceil(items / processes)
    return max(1, min(LARGEST_CHUNK, max(ceil(share / 10), min(share, SMALLEST_CHUNK))))


def _check_picklable(what: str, value: object) -> None:
    try:
        ForkingPickler.dumps(value)
    except Exception as error:
        raise ArgumentError(
            f"pool: the {what} of this call cannot be sent to another process: {error}. Leave out what cannot be "
            "pickled, such as a lambda or session_options."
        ) from error


def _check_program() -> None:
    """Whether new processes can be started here.

    A spawned process imports the program's main module before anything else. Without a guard around its start, the
    pool would be started again there, and so on: such a process ends at once instead, and the first one says why.

    Raises:
        ArgumentError: they cannot: this process is another's daemon, or the program is no file that can be imported.
    """
    if getattr(current_process(), "_inheriting", False):  # what multiprocessing itself looks at, to raise its own error
        raise SystemExit(IMPORTING)
    if current_process().daemon:
        raise ArgumentError(
            f"pool: {current_process().name!r} is a daemon process, which may start no processes. Start the pool in "
            "the program's first process."
        )
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if getattr(main, "__spec__", None) is None and file is not None and not Path(file).exists():
        raise ArgumentError(
            f"pool: the program is {file!r}, which new processes cannot import. Save it as a file and run that."
        )


def _program() -> str:
    file = getattr(sys.modules["__main__"], "__file__", None)
    return Path(file).name if file else "__main__"


def _meaning(code: int | None) -> str:
    """The signal that an exit code stands for, in brackets."""
    if code is None or code >= 0:
        return ""
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return ""
    return f" ({name}{', as where memory runs out' if name == 'SIGKILL' else ''})"
