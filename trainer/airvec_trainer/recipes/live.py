"""A progress bar and a table of metrics in the terminal, while training runs.

Knows nothing of files.
"""

from collections import deque
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from transformers import TrainerCallback

__all__ = ["LiveTable"]

ROWS = 12  # so many fit every terminal beside the bar
METRICS = 4
FIRST = ("step", "epoch", "loss", "learning_rate", "grad_norm", "eval_loss")
LEFT_OUT = ("runtime", "per_second", "total_flos", "train_loss", "num_input_tokens_seen")


class LiveTable(TrainerCallback):
    """Shows how far training is, and what was logged last.

    Args:
        console: of rich, on stderr.
        label: what stands before the bar.
    """

    def __init__(self, console: Console, label: str = "training") -> None:
        self.console, self.label = console, label
        self.rows: deque[dict[str, Any]] = deque(maxlen=ROWS)
        self.progress = Progress(
            TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
            console=console,
        )  # fmt: skip
        self.live: Live | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Show the bar."""
        if state.is_world_process_zero:
            self.task = self.progress.add_task(self.label, total=state.max_steps, completed=state.global_step)
            self.live = Live(self.view(), console=self.console, refresh_per_second=4)
            self.live.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Move the bar."""
        if self.live is not None:
            self.progress.update(self.task, completed=state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Add a row; what is logged at one step shares it."""
        found = {name: value for name, value in (logs or {}).items() if not name.endswith(LEFT_OUT)}
        found.pop("epoch", None)
        if not found or not state.is_world_process_zero:
            return
        if self.rows and self.rows[-1]["step"] == state.global_step:
            self.rows[-1].update(found)
        else:
            self.rows.append({"step": state.global_step, "epoch": state.epoch, **found})
        if self.live is not None:
            self.live.update(self.view())

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Leave the table as it is."""
        self.stop()

    def stop(self) -> None:
        """Give the terminal back; also where training ends with an error."""
        if self.live is not None:
            self.live.update(self.view(), refresh=True)
            self.live.stop()
            self.live = None

    def view(self) -> Group:
        """The bar, and the table below it."""
        return Group(self.progress, self.table()) if self.rows else Group(self.progress)

    def table(self) -> Table:
        """The last rows; columns are those that any of them has."""
        seen = list(dict.fromkeys(name for row in self.rows for name in row))
        metrics = [name for name in seen if name not in FIRST][:METRICS]
        names = [name for name in FIRST if name in seen] + metrics
        table = Table(box=None, header_style="bold")
        for name in names:
            table.add_column(name.removeprefix("eval_") if name != "eval_loss" else name, justify="right")
        for row in self.rows:
            table.add_row(*(shown(name, row.get(name)) for name in names))
        return table


def shown(name: str, value: Any) -> str:
    """A number as a table has it.

    >>> shown("loss", 0.123456), shown("learning_rate", 2e-05), shown("step", 10), shown("loss", None)
    ('0.1235', '2.00e-05', '10', '')
    """
    if value is None:
        return ""
    if isinstance(value, int | str):
        return str(value)
    if name == "learning_rate":
        return f"{value:.2e}"
    return f"{value:.2f}" if name == "epoch" else f"{value:.4f}"
