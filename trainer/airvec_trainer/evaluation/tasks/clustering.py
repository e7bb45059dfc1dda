"""`clustering:FILE`: texts with labels → V-measure of their clusters, as MTEB's clusterings.

Knows nothing of other tasks.
"""

from airvec_trainer.evaluation.clustering import ClusteringEvaluator, ClusteringProtocol
from airvec_trainer.evaluation.tasks.columns import read_columns
from airvec_trainer.evaluation.tasks.settings import Settings, Task
from airvec_trainer.evaluation.tasks.spec import TaskSpec

__all__ = ["OPTIONS", "read_clustering"]

OPTIONS = ("text", "label", "experiments", "sample_size", "seed")


def read_clustering(spec: TaskSpec, settings: Settings) -> Task:
    """The task of a file with a text and a label in each row.

    Raises:
        ArgumentError: no file, a column is missing, or there are fewer than two labels.
        InputError: a row that is wrong; the message names its line.
    """
    usual = ClusteringProtocol()
    protocol = ClusteringProtocol(
        spec.number("experiments", usual.experiments),
        spec.number("sample_size", usual.sample_size),
        spec.number("seed", usual.seed),
    )
    columns = read_columns(spec, OPTIONS[:2])
    evaluator = ClusteringEvaluator(
        columns.texts("text"), columns.labels("label"), spec.name, protocol, settings.encoding
    )
    rows = {"texts": len(evaluator.sentences), "labels": len(evaluator.label_names)}
    return Task(evaluator, rows, ("v_measure_std",))
