"""The kinds of tasks, and which file reads each.

Knows nothing of what is measured.
"""

from collections.abc import Callable

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.tasks import beir, bitext, classification, clustering, pairs, rerank, stsb
from airvec_trainer.evaluation.tasks.settings import Settings, Task
from airvec_trainer.evaluation.tasks.spec import TaskSpec

__all__ = ["KINDS", "read_task"]

READERS: dict[str, tuple[Callable[[TaskSpec, Settings], Task], tuple[str, ...]]] = {
    "stsb": (stsb.read_stsb, stsb.OPTIONS),
    "beir": (beir.read_beir_task, beir.OPTIONS),
    "classification": (classification.read_classification, classification.OPTIONS),
    "clustering": (clustering.read_clustering, clustering.OPTIONS),
    "bitext": (bitext.read_bitext, bitext.OPTIONS),
    "rerank": (rerank.read_rerank, rerank.OPTIONS),
    "pairs": (pairs.read_pairs, pairs.OPTIONS),
}
KINDS = {kind: options for kind, (_, options) in READERS.items()}
FOR_DENSE = ("classification", "clustering", "bitext")


def read_task(spec: TaskSpec, settings: Settings) -> Task:
    """Read a task's data.

    Raises:
        ArgumentError: a file or column is missing, an option is wrong, or the model is of a kind that cannot do it.
        InputError: a row that is wrong; the message names its line.
    """
    if spec.kind in FOR_DENSE and settings.word != "dense":
        others = ", ".join(kind for kind in KINDS if kind not in FOR_DENSE)
        raise ArgumentError(
            f"--task {spec.kind}: the model is a {settings.word} one, expected a dense one. Leave the task out; "
            f"{others} take it."
        )
    read, _ = READERS[spec.kind]
    return read(spec, settings)
