"""What `fit` does beside the steps: it evaluates, calls back, and saves the best model.

Knows nothing of data and losses.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

__all__ = ["FitEvaluation", "FitSaving"]


class FitEvaluation(TrainerCallback):
    """Evaluates every so many steps and at the end of each epoch, tells the user's function, keeps the best model.

    Args:
        evaluator: gives metrics by name, with a `primary_metric`, or one number.
        every: steps between evaluations; 0 = only at the end of an epoch.
        output_path: the folder of the best model; below it, `eval/` holds CSV files. None = neither.
        save_best_model: save whenever the score is the best so far.
        callback: called with score, epoch and step.
    """

    def __init__(
        self,
        evaluator: Any,
        every: int,
        output_path: Path | None,
        save_best_model: bool,
        callback: Callable[[float, float, int], Any] | None,
    ) -> None:
        self.evaluator, self.every, self.callback = evaluator, every, callback
        self.output_path, self.save_best_model = output_path, save_best_model
        self.best: float | None = None

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Evaluate if it is time."""
        if self.every > 0 and state.global_step % self.every == 0:
            self._evaluate(model, state)

    def on_epoch_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Evaluate."""
        self._evaluate(model, state)

    def _evaluate(self, model: Any, state: Any) -> None:
        folder = None if self.output_path is None else self.output_path / "eval"
        found = self.evaluator(model, output_path=folder, epoch=state.epoch, steps=state.global_step)
        score = self._primary(found)
        if self.callback is not None:
            self.callback(score, state.epoch, state.global_step)
        if self.best is None or self._is_better(score, self.best):
            self.best = score
            if self.output_path is not None and self.save_best_model:
                model.save_pretrained(self.output_path)

    def _primary(self, found: Any) -> float:
        if not isinstance(found, dict):
            return float(found)
        key = getattr(self.evaluator, "primary_metric", None)
        return float(found[key] if key in found else next(iter(found.values())))

    def _is_better(self, score: float, best: float) -> bool:
        return score > best if getattr(self.evaluator, "greater_is_better", True) else score < best


class FitSaving(TrainerCallback):
    """Saves the model at the end, where no evaluator chooses the best.

    Args:
        output_path: the folder.
    """

    def __init__(self, output_path: Path) -> None:
        self.output_path = output_path

    def on_train_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Save."""
        model.save_pretrained(self.output_path)
