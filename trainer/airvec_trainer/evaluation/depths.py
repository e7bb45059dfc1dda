"""The metrics of a retrieval and the places at which they are taken: what they are called, in a report and in a file.

Knows nothing of models and of how documents were found.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec_trainer.evaluation import ranking_metrics as of_ranking

__all__ = ["Depths"]

Metric = Callable[[Sequence[str], Mapping[str, int], int], float]

# In the order of reports.
METRICS: dict[str, Metric] = {
    "accuracy": of_ranking.accuracy,
    "precision": of_ranking.precision,
    "recall": of_ranking.recall,
    "ndcg": of_ranking.ndcg,
    "mrr": of_ranking.reciprocal_rank,
    "map": of_ranking.average_precision,
}
# In the order of files; precision and recall take turns.
TITLES = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "mrr": "MRR",
    "ndcg": "NDCG",
    "map": "MAP",
}


@dataclass(frozen=True)
class Depths:
    """How many places count, for each metric; of each one number at least.

    >>> depths = Depths.of("here", [2], [2], [1], [1], [2])
    >>> depths.metrics([["x", "a"]], [{"a": 1}])["mrr@2"]
    0.5
    """

    mrr: list[int]
    ndcg: list[int]
    accuracy: list[int]
    precision_recall: list[int]
    map: list[int]

    @classmethod
    def of(cls, where: str, mrr: Any, ndcg: Any, accuracy: Any, precision_recall: Any, mean_precision: Any) -> "Depths":
        """Checked; `where` starts the messages.

        Raises:
            ArgumentError: none for a metric, or one that is no whole number above 0.
        """
        given = {"mrr": mrr, "ndcg": ndcg, "accuracy": accuracy, "precision_recall": precision_recall}
        given["map"] = mean_precision
        return cls(**{name: _numbers(f"{where}: {name}_at_k", numbers) for name, numbers in given.items()})

    @property
    def deepest(self) -> int:
        """Places of a ranking that all metrics need."""
        return max(self.mrr + self.ndcg + self.accuracy + self.precision_recall + self.map)

    def metrics(self, rankings: Sequence[Sequence[str]], relevant: Sequence[Mapping[str, int]]) -> dict[str, float]:
        """`accuracy@1`, …, the means over queries.

        Args:
            rankings: ids of documents for each query, best first.
            relevant: for each query id -> 1 for its relevant documents.
        """
        pairs = list(zip(rankings, relevant, strict=True))
        return {
            f"{name}@{depth}": float(np.mean([metric(ranking, wanted, depth) for ranking, wanted in pairs]))
            for name, metric in METRICS.items()
            for depth in self._at(name)
        }

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """`cosine-Accuracy@1`, …, score functions by name, from `cosine_accuracy@1`, …; other metrics come last."""
        found: dict[str, float] = {}
        for function in sorted({key.rpartition("_")[0] for key in metrics if "@" in key}):
            for name, depth in self._in_files():
                found[f"{function}-{TITLES[name]}@{depth}"] = metrics[f"{function}_{name}@{depth}"]
        return found | {key: value for key, value in metrics.items() if "@" not in key}

    def best_function(self, metrics: Mapping[str, float], before: str | None = None) -> str:
        """The score function with the highest NDCG at its largest depth; the first by name among equals.

        Args:
            metrics: of all score functions.
            before: the one that was chosen before, which stays where it is among them.
        """
        end = f"_ndcg@{max(self.ndcg)}"
        names = sorted(key.removesuffix(end) for key in metrics if key.endswith(end))
        return before if before in names else max(names, key=lambda name: metrics[name + end])

    def primary(self, function: str) -> str:
        """The primary metric by a score function."""
        return f"{function}_ndcg@{max(self.ndcg)}"

    def _at(self, name: str) -> list[int]:
        return self.precision_recall if name in ("precision", "recall") else getattr(self, name)

    def _in_files(self) -> Iterable[tuple[str, int]]:
        yield from (("accuracy", depth) for depth in self.accuracy)
        yield from ((name, depth) for depth in self.precision_recall for name in ("precision", "recall"))
        yield from ((name, depth) for name in ("mrr", "ndcg", "map") for depth in self._at(name))


def _numbers(name: str, given: Any) -> list[int]:
    several = isinstance(given, Iterable) and not isinstance(given, str)
    found: list[Any] = list(cast("Iterable[Any]", given)) if several else []
    if not found:
        raise ArgumentError(f"{name}: {given!r:.60}, expected whole numbers. Give a list of one at least.")
    return list(dict.fromkeys(whole_number(name, value) for value in found))
