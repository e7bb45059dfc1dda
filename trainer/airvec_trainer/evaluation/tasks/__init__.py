"""What `airvec eval` measures: a file or folder of each kind → the evaluator that scores a model on it.

    task = read_task(parse_task("stsb:data/test.tsv", KINDS), Settings())
    task.evaluator(model)

`spec.py` reads the words of the command line, `columns.py` finds columns; one file for each kind of task.
Knows nothing of models and of how results are shown.
"""

from airvec_trainer.evaluation.tasks.reading import KINDS, read_task
from airvec_trainer.evaluation.tasks.settings import Settings, Task
from airvec_trainer.evaluation.tasks.spec import TaskSpec, parse_task

__all__ = ["KINDS", "Settings", "Task", "TaskSpec", "parse_task", "read_task"]
