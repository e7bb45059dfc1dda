"""Imports a package as if the one that reports its use to its makers were not installed.

`import openvino` sends an event to Google Analytics, in a thread, and makes the folder ~/intel, unless a file there
says no; airvec uses no network that was not asked for. Without the reporting package openvino takes a stand-in of its
own.
Knows nothing of what is imported.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager

REPORTER = "openvino_telemetry"


@contextmanager
def no_telemetry() -> Generator[None]:
    """While it is open, importing the reporting package fails; afterwards all is as it was."""
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == REPORTER}
    for name in before:
        del sys.modules[name]
    # What Python documents for "cannot be imported", and its types do not know.
    sys.modules[REPORTER] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        del sys.modules[REPORTER]
        sys.modules.update(before)
