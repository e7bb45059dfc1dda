"""`stsb:FILE`: pairs of texts with a score of how alike they are → Spearman's correlation, as MTEB's STS tasks.

Knows nothing of other tasks.
"""

from typing import Any

from airvec.errors import ArgumentError
from airvec.folder import SPARSE
from airvec_trainer.evaluation.correlation import CrossEncoderCorrelationEvaluator
from airvec_trainer.evaluation.similarity import EmbeddingSimilarityEvaluator
from airvec_trainer.evaluation.tasks.columns import read_columns
from airvec_trainer.evaluation.tasks.settings import Settings, Task, counted
from airvec_trainer.evaluation.tasks.spec import TaskSpec

__all__ = ["OPTIONS", "read_stsb"]

OPTIONS = ("sentence1", "sentence2", "score")


def read_stsb(spec: TaskSpec, settings: Settings) -> Task:
    """The task of a file with two texts and a score in each row; of dense models by the cosine.

    Raises:
        ArgumentError: no file, a column is missing, or all scores are alike.
        InputError: a row that is wrong; the message names its line.
    """
    columns = read_columns(spec, OPTIONS)
    first, second, scores = columns.texts("sentence1"), columns.texts("sentence2"), columns.numbers("score")
    if len(scores) < 2:
        raise ArgumentError(
            f"{spec.place}: {counted(len(scores), 'pairs')}, expected at least two to correlate. Add rows."
        )
    if len(set(scores)) < 2:
        raise ArgumentError(
            f"{spec.place}: all {len(scores)} scores are {scores[0]:g}, expected different ones to correlate with. "
            "Add rows, or name another column with ?score=NAME."
        )
    rows = {"pairs": len(scores)}
    if settings.reranks:
        pairs = list(zip(first, second, strict=True))
        return Task(
            CrossEncoderCorrelationEvaluator(pairs, scores, name=spec.name, **settings.given), rows, ("pearson",)
        )
    measure = None if settings.kind == SPARSE else "cosine"  # a sparse encoder's own
    given: dict[str, Any] = settings.given | {"precision": settings.precision}
    evaluator = EmbeddingSimilarityEvaluator(first, second, scores, main_similarity=measure, name=spec.name, **given)
    return Task(evaluator, rows, ("pearson_cosine", "pearson_dot"))
