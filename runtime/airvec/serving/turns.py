"""How many requests are computed at once, how many may wait, and what becomes of them when the server ends.

Memory grows with each request that is computed beside others, and time does not shrink: all share the same CPUs.
Knows nothing of HTTP and of models.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from threading import Condition

from airvec.serving.limits import whole_number
from airvec.serving.problems import RequestError
from airvec.threads import available_threads

AT_ONCE = "AIRVEC_MAX_AT_ONCE"
MOST_WAITING = 32  # requests; the body of each is held meanwhile
SECONDS_TO_LEAVE = 2  # for those who are told that the server ends, and for bodies that are still coming


def at_once_of(environment: Mapping[str, str]) -> int:
    """How many requests are computed at once: what `AIRVEC_MAX_AT_ONCE` says, else as many as there are threads.

    Raises:
        ArgumentError: it is no whole number above 0.
    """
    return whole_number(environment, AT_ONCE, available_threads())


class Turns:
    """A request enters, waits for its turn, has it and leaves; the server closes, then waits for those inside.

    Args:
        at_once: requests that may have their turn.
        waiting: requests that may be inside besides.
    """

    def __init__(self, at_once: int, waiting: int = MOST_WAITING) -> None:
        self._at_once, self._most = at_once, at_once + waiting
        self._changed = Condition()
        self._inside = self._running = 0
        self._closed = False

    def enter(self) -> None:
        """Come inside; `leave` must follow.

        Raises:
            RequestError: 503, as many are inside as may be, or the server ends. `leave` must not follow.
        """
        with self._changed:
            self._check_open()
            if self._inside >= self._most:
                raise RequestError(
                    503, f"requests: {self._inside} run and wait, expected fewer than {self._most}. Ask again later."
                )
            self._inside += 1

    def leave(self) -> None:
        """Go, once answered."""
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    @contextmanager
    def turn(self) -> Generator[None]:
        """Have a turn, after others have had theirs.

        Raises:
            RequestError: 503, the server ends before it is this one's turn.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._running < self._at_once)
            self._check_open()
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Let nobody enter, and give no more turns: those who wait are told."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self, seconds_to_leave: float = SECONDS_TO_LEAVE) -> None:
        """After `close`: until all turns have ended, and then some seconds for everyone inside to leave."""
        with self._changed:
            self._changed.wait_for(lambda: not self._running)
            self._changed.wait_for(lambda: not self._inside, seconds_to_leave)

    def _check_open(self) -> None:
        if self._closed:
            raise RequestError(
                503,
                f"server: ends with {self._running} requests running, expected to go on. Ask another, or again.",
            )
