"""The parts of a loss, summed up between two entries of the log.

Knows nothing of losses and of the training loop.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from transformers.trainer_pt_utils import nested_gather

__all__ = ["PartsLog"]

DIGITS = 4  # as sentence-transformers logs them


class PartsLog:
    """Means of parts by name, apart for training and evaluation; values stay on their device until they are read."""

    def __init__(self) -> None:
        self._sums: dict[str, dict[str, Tensor]] = {"train": {}, "eval": {}}
        self._steps = {"train": 0, "eval": 0}

    def add(self, role: str, parts: Mapping[str, Tensor]) -> None:
        """Count the parts of one batch; `role` is `"train"` or `"eval"`."""
        self._steps[role] += 1
        sums = self._sums[role]
        for name, value in parts.items():
            found = value.detach().float()
            sums[name] = sums[name] + found if name in sums else found

    def drain(self, role: str, parallel_mode: object) -> dict[str, float]:
        """The means since the last time, over all processes, and begin anew; evaluations' names begin with `eval_`."""
        sums, steps = self._sums[role], self._steps[role]
        self._sums[role], self._steps[role] = {}, 0
        if not sums:
            return {}
        device = next(iter(sums.values())).device
        gathered = nested_gather(
            {"sums": torch.stack(list(sums.values())), "steps": torch.tensor(float(steps), device=device)},
            parallel_mode,
        )
        total = gathered["sums"].reshape(-1, len(sums)).sum(dim=0) / gathered["steps"].sum()
        prefix = "eval_" if role == "eval" else ""
        return {prefix + name: round(value, DIGITS) for name, value in zip(sums, total.tolist(), strict=True)}
