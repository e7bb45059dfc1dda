"""Several evaluators, one after the other.

Knows nothing of what they measure.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from airvec_trainer.evaluation.evaluator import SentenceEvaluator

__all__ = ["SequentialEvaluator"]


def _last(scores: Sequence[float]) -> float:
    return scores[-1]


class SequentialEvaluator(SentenceEvaluator):
    """Runs evaluators in order; gives all their metrics, and `sequential_score`, which is the primary one.

    Args:
        evaluators: callables as `Evaluator`; one may also give a single number.
        main_score_function: from the evaluators' primary values, in order, to the score; the last one by default.
    """

    primary_metric = "sequential_score"

    def __init__(
        self,
        evaluators: Iterable[Callable[..., Any]],
        main_score_function: Callable[[Sequence[float]], float] = _last,
    ) -> None:
        self.evaluators = list(evaluators)
        self.main_score_function = main_score_function

    def __call__(
        self, model: Any, output_path: str | Path | None = None, epoch: float = -1, steps: int = -1
    ) -> dict[str, float]:
        """Measure a model with each evaluator; arguments as `Evaluator`'s."""
        results: dict[str, float] = {}
        scores: list[float] = []
        for number, evaluator in enumerate(self.evaluators):
            found = evaluator(model, output_path, epoch, steps)
            metrics = found if isinstance(found, dict) else {f"evaluator_{number}": found}
            primary = getattr(evaluator, "primary_metric", None)
            scores.append(metrics[primary] if primary in metrics else next(iter(metrics.values())))
            results |= metrics
        return results | {"sequential_score": self.main_score_function(scores) if scores else 0.0}
