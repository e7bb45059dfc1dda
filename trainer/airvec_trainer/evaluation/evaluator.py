"""What every evaluator has: a name, a primary metric, its CSV file, and the order in which it works.

Knows nothing of any one task.
"""

import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.records import append_row

__all__ = ["Evaluator", "same_lengths"]

logger = logging.getLogger(__name__)


class Evaluator(ABC):
    """Measures a model: `evaluator(model)` gives metrics by name, each with the evaluator's name in front.

    Attributes:
        name: of the data, such as "sts-dev".
        primary_metric: the key of the metric that tells models apart; known at the latest after the first call.
        greater_is_better: whether a larger primary metric is the better one.
    """

    greater_is_better = True

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
        """
        measured = self.measure(model)
        if output_path is not None and self.write_csv:
            append_row(output_path, self.csv_file, {"epoch": epoch, "steps": steps, **self.columns(measured)})
        in_front = f"{self.name}_" if self.name else ""
        metrics = {in_front + key: float(value) for key, value in measured.items()}
        self.primary_metric = in_front + self.primary(measured)
        logger.info("%s on %s: %s", type(self).__name__, self.name or "unnamed data", metrics)
        card = getattr(model, "model_card_data", None)
        if card is not None:
            card.set_evaluation_metrics(self, metrics, epoch, steps)
        return metrics

    @property
    def description(self) -> str:
        """What is measured, in words: BinaryClassificationEvaluator -> Binary Classification."""
        return re.sub(r"([a-z])([A-Z])", r"\1 \2", type(self).__name__.partition("Evaluator")[0])

    def get_config_dict(self) -> dict[str, Any]:
        """The settings that change the numbers, for the model card; those at their defaults are left out."""
        return {}


def same_lengths(where: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Check that columns have one length.

    Raises:
        ArgumentError: they differ.
    """
    if len({len(column) for column in columns.values()}) > 1:
        found = ", ".join(f"{len(column)} {name}" for name, column in columns.items())
        raise ArgumentError(f"{where}: {found}, expected as many of each. Give one of each a row.")
