"""A model by its folder or name, for whoever only asks it: in the runtime where that can run it, else in torch.

Knows nothing of what the model is asked.
"""

from pathlib import Path
from typing import Any

from airvec.errors import AirvecError
from airvec.folder import check_kind, read_folder, variants_of
from airvec_trainer.evaluation.tasks.opening import Asking
from airvec_trainer.evaluation.tasks.opening import open_model as open_in_runtime

__all__ = ["open_model", "runs_without_torch"]

CLASSES = {"dense": "SentenceTransformer", "sparse": "SparseEncoder", "rerank": "CrossEncoder"}
BODY = "Transformer"  # the module that needs a graph


def runs_without_torch(folder: Path) -> bool:
    """Whether the runtime opens a folder: each transformer in it has a graph, or it has none, as static models.

    Args:
        folder: of a model, or of anything else.
    """
    try:
        found = read_folder(folder)
    except AirvecError:
        return False
    return all(variants_of(found, body) for body in found.bodies() if body.type == BODY)


def open_model(name: str | Path, kind: str) -> Any:
    """The model of a folder that the runtime can run, opened there; of any other folder or name, in torch.

    Args:
        name: a folder, or a name on the Hub.
        kind: `"dense"`, `"sparse"` or `"rerank"`.

    Raises:
        ModelNotFoundError: no such folder or name.
        ModelFolderError: the folder is damaged, or another kind's.
    """
    path = Path(name)
    if path.is_dir() and runs_without_torch(path):
        check_kind(read_folder(path), CLASSES[kind])
        return open_in_runtime(str(name), Asking())
    import airvec_trainer  # torch

    return getattr(airvec_trainer, CLASSES[kind])(str(name))
