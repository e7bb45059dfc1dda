"""Distillation: a small model learns what a large one says.

    from airvec_trainer import distillation

    vectors = distillation.teacher_vectors(teacher, texts, cache_folder="cache")

The public names, imported when first used, so that a teacher without torch is asked without torch.
Knows nothing of training: rows with a teacher's labels go to the trainers as any others do.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airvec_trainer.distillation.dense import distil_dense
    from airvec_trainer.distillation.labelling import with_teacher_scores, with_teacher_vectors
    from airvec_trainer.distillation.layers import with_fewer_layers
    from airvec_trainer.distillation.narrowing import narrowed, principal_directions, with_projection
    from airvec_trainer.distillation.parallel import parallel_dataset
    from airvec_trainer.distillation.static import StaticSettings, StaticTable, distil_static
    from airvec_trainer.distillation.teachers import open_teacher, teacher_scores, teacher_vectors

__all__ = [
    "StaticSettings", "StaticTable", "distil_dense", "distil_static", "narrowed", "open_teacher", "parallel_dataset",
    "principal_directions", "teacher_scores", "teacher_vectors", "with_fewer_layers", "with_projection",
    "with_teacher_scores", "with_teacher_vectors",
]  # fmt: skip

PLACES = {
    "StaticSettings": "static",
    "StaticTable": "static",
    "distil_dense": "dense",
    "distil_static": "static",
    "narrowed": "narrowing",
    "open_teacher": "teachers",
    "parallel_dataset": "parallel",
    "principal_directions": "narrowing",
    "teacher_scores": "teachers",
    "teacher_vectors": "teachers",
    "with_fewer_layers": "layers",
    "with_projection": "narrowing",
    "with_teacher_scores": "labelling",
    "with_teacher_vectors": "labelling",
}


def __getattr__(name: str) -> Any:
    if name not in PLACES:
        raise AttributeError(
            f"module 'airvec_trainer.distillation' has no attribute {name!r}, expected one of {__all__}"
        )
    return getattr(import_module(f"airvec_trainer.distillation.{PLACES[name]}"), name)


def __dir__() -> list[str]:
    """The public names, before they are imported, too."""
    return sorted({*globals(), *__all__})
