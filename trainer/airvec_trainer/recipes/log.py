"""What was logged while training: a line of JSON each in metrics.jsonl, as it happens.

Knows nothing of how it is shown.
"""

import json
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

__all__ = ["LOG", "MetricsLog"]

LOG = "metrics.jsonl"


class MetricsLog(TrainerCallback):
    """Writes every log of a trainer, with its step and epoch.

    Args:
        folder: where metrics.jsonl is to lie; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / LOG

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the file anew; a resumed training begins with what its checkpoint had seen."""
        if state.is_world_process_zero:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text("".join(_line(entry) for entry in state.log_history), encoding="utf-8")

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Append one line."""
        if state.is_world_process_zero and logs:
            with self.file.open("a", encoding="utf-8") as lines:
                lines.write(_line({"step": state.global_step, "epoch": state.epoch, **logs}))


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, default=float) + "\n"
