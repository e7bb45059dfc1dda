"""Which numbers the arguments of a training may be, told by name before anything is made of them.

Knows nothing of models, data sets and losses.
"""

from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from typing import Any

from airvec.errors import ArgumentError

__all__ = ["check_ranges"]


@dataclass(frozen=True)
class _Range:
    """From `least` on, itself excluded with `above`."""

    least: float
    above: bool = False
    whole: bool = False
    below: float = float("inf")
    none: bool = False  # whether None may stand there

    def holds(self, value: Any) -> bool:
        """Whether a value is a number of this range."""
        if value is None:
            return self.none
        if isinstance(value, bool) or not isinstance(value, Integral if self.whole else Real):
            return False
        number = float(value)
        return isfinite(number) and self.least <= number < self.below and not (self.above and number == self.least)

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        limits = f"above {self.least:g}" if self.above else f"of {self.least:g} or more"
        return f"{kind} {limits}" + ("" if self.below == float("inf") else f" and below {self.below:.10g}")


COUNT = _Range(1, whole=True)
POSITIVE = _Range(0, above=True)
NOT_NEGATIVE = _Range(0)
RANGES = {
    "learning_rate": NOT_NEGATIVE, "weight_decay": NOT_NEGATIVE, "adam_epsilon": NOT_NEGATIVE,
    "adam_beta1": _Range(0, below=1), "adam_beta2": _Range(0, below=1), "max_grad_norm": _Range(0, none=True),
    "num_train_epochs": POSITIVE, "max_steps": _Range(-1, whole=True), "warmup_steps": NOT_NEGATIVE,
    "warmup_ratio": _Range(0, none=True), "logging_steps": POSITIVE, "save_steps": POSITIVE,
    "eval_steps": _Range(0, above=True, none=True), "eval_delay": _Range(0, none=True),
    "per_device_train_batch_size": COUNT, "per_device_eval_batch_size": COUNT, "gradient_accumulation_steps": COUNT,
    "dataloader_num_workers": _Range(0, whole=True),
    "seed": _Range(0, whole=True, below=2**32), "data_seed": _Range(0, whole=True, below=2**32, none=True),
}  # fmt: skip


def check_ranges(args: Any) -> None:
    """Raise for an argument that is no number, or one that no training can use.

    Args:
        args: training arguments, as they were given.

    Raises:
        ArgumentError: it is text, NaN, infinite or out of its range; the message names it.
    """
    for name, allowed in RANGES.items():
        value = getattr(args, name)
        if not allowed.holds(value):
            advice = "Write the number without quotes." if isinstance(value, str) else "Correct it, or leave it out."
            raise ArgumentError(f"{name}: {value!r}, expected {allowed}. {advice}")
