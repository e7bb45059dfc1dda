"""Ctrl-C and SIGTERM while training: the step is finished, a checkpoint is saved, and training ends.

A second Ctrl-C ends at once.
Knows nothing of recipes.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers import TrainerCallback

__all__ = ["StopOnSignal"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopOnSignal(TrainerCallback):
    """Ends training after the step in which a signal came."""

    def __init__(self) -> None:
        self.asked = False

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Save and end, where a signal came."""
        if self.asked:
            control.should_save = True
            control.should_training_stop = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Evaluate nothing on the way out: the epoch has not ended, training has."""
        if self.asked:
            control.should_evaluate = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within it, the first signal asks for an end, and the next is a KeyboardInterrupt."""
        if threading.current_thread() is not threading.main_thread():  # Python lets no other set a handler
            yield
            return
        before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, _: object) -> None:
        if self.asked:
            raise KeyboardInterrupt(f"signal {number}")
        self.asked = True
