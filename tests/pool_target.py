"""What the processes of a pool hold in its tests; a file of its own, since each of them imports it."""

import os
import signal
from pathlib import Path


class OddError(Exception):
    """Cannot be pickled: what it is made of is not what its message is."""

    def __init__(self, place, what):
        super().__init__(f"{what} at {place}")


class Target:
    """Does what a test asks for, with numbers."""

    def __init__(self, problem=None):
        if problem is not None:
            raise problem

    def double(self, numbers, offset, advance):
        advance(len(numbers))
        return [2 * number + offset for number in numbers]

    def identify(self, numbers, advance):
        return [(os.getpid(), number) for number in numbers]

    def fail_at(self, numbers, bad, error, advance):
        if bad in numbers:
            raise error
        return numbers

    def fail_oddly(self, numbers, advance):
        raise OddError(numbers[0], "odd")

    def give_back_a_lambda(self, numbers, advance):
        return lambda: numbers

    def die_at(self, numbers, bad, advance):
        if bad in numbers:
            os.kill(os.getpid(), signal.SIGKILL)
        return numbers

    def leave_at(self, numbers, bad, code, advance):
        if bad in numbers:
            os._exit(code)
        return numbers

    def fail_or_wait(self, numbers, fifo, advance):
        """The first number fails; any other waits until the test has opened the FIFO and closed it again."""
        if numbers[0] == 0:
            raise ValueError("zero")
        Path(fifo).read_bytes()
        return "late"


_held = []


def hold(model):
    """For the initializer of an executor's processes."""
    _held.append(model)


def encode_held(texts):
    return _held[-1].encode(texts)


def encode_into(model, texts, connection):
    connection.send(model.encode(texts))
    connection.close()
