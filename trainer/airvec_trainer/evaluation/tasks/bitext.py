"""`bitext:FILE`: sentences and their translations → F1 of nearest neighbours, as MTEB's bitext mining.

Knows nothing of other tasks.
"""

from airvec_trainer.evaluation.bitext import BitextEvaluator
from airvec_trainer.evaluation.tasks.columns import read_columns
from airvec_trainer.evaluation.tasks.settings import Settings, Task
from airvec_trainer.evaluation.tasks.spec import TaskSpec

__all__ = ["OPTIONS", "read_bitext"]

OPTIONS = ("sentence1", "sentence2")


def read_bitext(spec: TaskSpec, settings: Settings) -> Task:
    """The task of a file with a sentence and its translation in each row.

    Raises:
        ArgumentError: no file, or a column is missing.
        InputError: a row that is wrong; the message names its line.
    """
    columns = read_columns(spec, OPTIONS)
    first, second = columns.texts("sentence1"), columns.texts("sentence2")
    return Task(BitextEvaluator(first, second, spec.name, settings.encoding), {"pairs": len(first)}, ("accuracy",))
