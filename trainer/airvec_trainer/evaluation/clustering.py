"""Do clusters of embeddings follow the labels of the texts? As MTEB asks it.

Knows nothing of how a model encodes and of how clusters are found.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec_trainer.evaluation.clustering_metrics import v_measure
from airvec_trainer.evaluation.columns import different, same_lengths, texts
from airvec_trainer.evaluation.dense_embedding import dense_rows
from airvec_trainer.evaluation.embedding import ENCODES, EncodeOptions
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.kmeans import kmeans

__all__ = ["ClusteringEvaluator", "ClusteringProtocol"]


@dataclass(frozen=True)
class ClusteringProtocol:
    """How a clustering is measured; the defaults are MTEB's.

    Attributes:
        experiments: how often rows are drawn and clustered; the metric is the mean.
        sample_size: rows that are drawn each time, one perhaps several times.
        seed: of the drawing and of k-means.
    """

    experiments: int = 10
    sample_size: int = 16384
    seed: int = 42

    def __post_init__(self) -> None:
        whole_number("experiments", self.experiments)
        whole_number("sample_size", self.sample_size, 2)
        whole_number("seed", self.seed, 0)


class ClusteringEvaluator(Evaluator):
    """k-means on the embeddings of rows drawn with replacement, as many clusters as labels, compared by V-measure.

    Gives `v_measure` (primary), the mean over the experiments, and `v_measure_std`. mteb clusters batches of 512 rows,
    which is faster on its scale and one or two points lower than k-means on all rows, which is done here.

    Args:
        sentences: the texts.
        labels: one each.
        name: of the data.
        protocol: how it is measured; None = as MTEB does.
        options: how texts are encoded; None = as the model does, 32 at once.

    Raises:
        ArgumentError: columns of different lengths, fewer than two labels, or labels that cannot be ordered.
    """

    asks = ENCODES

    def __init__(
        self,
        sentences: Sequence[str],
        labels: Sequence[Any],
        name: str = "",
        protocol: ClusteringProtocol | None = None,
        options: EncodeOptions | None = None,
    ) -> None:
        where = type(self).__name__
        same_lengths(where, {"sentences": sentences, "labels": labels})
        super().__init__(name=name, csv_file=f"clustering_evaluation{'_' + name if name else ''}_results.csv")
        self.sentences = texts(where, "sentences", sentences)
        self.label_names = different(where, "labels", labels)
        if len(self.label_names) < 2:
            raise ArgumentError(f"{where}: labels {self.label_names!r:.60}, expected at least two. Add rows of others.")
        numbers = {label: number for number, label in enumerate(self.label_names)}
        self.labels = np.array([numbers[label] for label in labels])
        self.protocol, self.options = protocol or ClusteringProtocol(), options or EncodeOptions()

    def measure(self, model: Any) -> dict[str, float]:
        """The mean over the experiments, and how far they scatter."""
        embeddings = dense_rows(type(self).__name__, model, self.sentences, self.options)
        found: list[float] = []
        for times in self.drawn():
            rows = np.flatnonzero(times)
            labels, weights = self.labels[rows], times[rows].astype(np.float64)
            clusters = min(len(np.unique(self.labels)), len(rows))
            owners = kmeans(embeddings[rows], weights, clusters, self.protocol.seed)
            found.append(v_measure(labels, owners, weights))
        return {"v_measure": float(np.mean(found)), "v_measure_std": float(np.std(found))}

    def primary(self, metrics: Mapping[str, float]) -> str:
        """The V-measure."""
        return "v_measure"

    def drawn(self) -> list[Any]:
        """How often each experiment draws each row, int64 (n,): what mteb draws from the same rows."""
        generator, count = random.Random(self.protocol.seed), len(self.sentences)
        draws = [generator.choices(range(count), k=self.protocol.sample_size) for _ in range(self.protocol.experiments)]
        return [np.bincount(rows, minlength=count) for rows in draws]

    def get_config_dict(self) -> dict[str, Any]:
        """The protocol, where it is not MTEB's."""
        usual = ClusteringProtocol()
        return {key: value for key, value in vars(self.protocol).items() if value != getattr(usual, key)}
