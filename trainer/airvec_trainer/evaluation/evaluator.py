"""What every evaluator has: a primary metric and words for the model card; and ours a name, a CSV file and an order.

Knows nothing of any one task.
"""

import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airvec_trainer.evaluation.embedding import expect_model
from airvec_trainer.evaluation.records import append_row

__all__ = ["BaseEvaluator", "Evaluator", "SentenceEvaluator"]

logger = logging.getLogger(__name__)


class SentenceEvaluator(ABC):
    """What an evaluator of one's own derives from: a class with `__call__`, which gives metrics by name or one number.

    With metrics by name `primary_metric` is the key of the one that tells models apart. An `__init__` of its own need
    not call this one. Any function `(model, output_path, epoch, steps)` is an evaluator, too.

        >>> class Width(SentenceEvaluator):
        ...     primary_metric = "width"
        ...
        ...     def __call__(self, model, output_path=None, epoch=-1, steps=-1):
        ...         return {"width": model.encode("a text").shape[0]}

    Attributes:
        name: of the data, such as "sts-dev".
        primary_metric: a key of what is measured; None where that is one number.
        greater_is_better: whether a larger primary metric is the better one.
    """

    name: str = ""
    primary_metric: str | None = None
    greater_is_better: bool = True

    @abstractmethod
    def __call__(
        self, model: Any, output_path: str | None = None, epoch: float = -1, steps: int = -1
    ) -> dict[str, float] | float:
        """Measure a model.

        Args:
            model: one with the methods that the task needs: encode or predict.
            output_path: a folder for what is to be written; None writes nothing.
            epoch: of training; -1 = not in training.
            steps: of training; -1 = the end of the epoch.
        """

    def prefix_name_to_metrics(self, metrics: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Metrics with the data's name in front, as Python's floats; `primary_metric` gets it, too."""
        in_front = f"{name}_" if name else ""
        if self.primary_metric is not None and not self.primary_metric.startswith(in_front):
            self.primary_metric = in_front + self.primary_metric
        return {in_front + key: _as_float(value) for key, value in metrics.items()}

    def store_metrics_in_model_card_data(
        self, model: Any, metrics: Mapping[str, Any], epoch: float = 0, step: int = 0
    ) -> None:
        """Hand metrics to the model's card, if it has one."""
        card = getattr(model, "model_card_data", None)
        if card is not None:
            card.set_evaluation_metrics(self, metrics, epoch, step)

    @property
    def description(self) -> str:
        """What is measured, in words: BinaryClassificationEvaluator -> Binary Classification."""
        return re.sub(r"([a-z])([A-Z])", r"\1 \2", type(self).__name__.partition("Evaluator")[0])

    def get_config_dict(self) -> dict[str, Any]:
        """The settings that change the numbers, for the model card; those at their defaults are left out."""
        return {}


BaseEvaluator = SentenceEvaluator  # its newer name


class Evaluator(SentenceEvaluator):
    """Ours: `measure` gives metrics, `primary` says which is the primary one; the name, the file, the card follow.

    Attributes:
        asks: which kind of model it measures, one of those of `embedding.py`; empty = it looks itself.
        name: of the data, such as "sts-dev"; it comes before each metric.
        primary_metric: known at the latest after the first call.
    """

    asks: str = ""

    def __init__(self, *, name: str = "", csv_file: str = "", write_csv: bool = True) -> None:
        self.name = name
        self.csv_file = csv_file
        self.write_csv = write_csv
        self.primary_metric: str | None = None

    @abstractmethod
    def measure(self, model: Any) -> dict[str, float]:
        """The metrics of a model, without the evaluator's name in front."""

    @abstractmethod
    def primary(self, metrics: Mapping[str, float]) -> str:
        """Which of those metrics is the primary one."""

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """The columns of the CSV file behind epoch and steps, in order."""
        return dict(metrics)

    def __call__(
        self, model: Any, output_path: str | Path | None = None, epoch: float = -1, steps: int = -1
    ) -> dict[str, float]:
        """Measure a model.

        Args:
            model: one with the methods that the task needs: encode or predict.
            output_path: the folder of the CSV file; None writes none.
            epoch: of training, for the file; -1 = not in training.
            steps: of training, for the file; -1 = the end of the epoch.

        Raises:
            ArgumentError: a model's name in place of a model, or one of another kind.
        """
        self.expect(model)
        return self.report(model, self.measure(model), output_path, epoch, steps)

    def expect(self, model: Any) -> None:
        """Check that a model is of the kind that this evaluator asks.

        Raises:
            ArgumentError: it is not.
        """
        if self.asks:
            expect_model(type(self).__name__, model, self.asks)

    def report(
        self,
        model: Any,
        measured: Mapping[str, float],
        output_path: str | Path | None = None,
        epoch: float = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Measured metrics with the name in front, written and handed to the model's card.

        Args:
            model: what was measured, for its card.
            measured: as `measure` gives them.
            output_path: as `__call__`'s, like the rest.
            epoch: of training.
            steps: of training.
        """
        if output_path is not None and self.write_csv:
            append_row(output_path, self.csv_file, {"epoch": epoch, "steps": steps, **self.columns(measured)})
        in_front = f"{self.name}_" if self.name else ""
        metrics = {in_front + key: float(value) for key, value in measured.items()}
        self.primary_metric = in_front + self.primary(measured)
        logger.info("%s on %s: %s", type(self).__name__, self.name or "unnamed data", metrics)
        told = {in_front + key: value for key, value in self.for_card(measured).items()}
        self.store_metrics_in_model_card_data(model, told, epoch, steps)
        return metrics

    def for_card(self, metrics: Mapping[str, float]) -> dict[str, Any]:
        """What the model's card says of metrics without the name in front: numbers, or texts."""
        return {key: float(value) for key, value in metrics.items()}


def _as_float(value: Any) -> Any:
    """A text stays one."""
    try:
        return float(value)
    except ValueError:
        return value
