"""A model that encodes no text twice: what it made of a corpus serves evaluators of every width, and mining.

Knows nothing of evaluators and of mining.
"""

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np

from airvec.arrays import Floats
from airvec.modules.normalize import unit
from airvec.precision import truncate_embeddings

__all__ = ["Remembered"]

METHODS = ("encode", "encode_query", "encode_document")
# What changes the form of an answer, and not what is computed.
SHAPES = ("truncate_dim", "normalize_embeddings", "batch_size", "show_progress_bar", "convert_to_numpy", "save_to_cpu")


class Remembered:
    """Stands in for a dense or a sparse encoder; what it does not have is the model's own.

    A dense embedding is kept whole, by its text, and cut and scaled as it is asked for: the first numbers of an
    embedding are those that the model gives when asked for so many. Other answers (codes, tensors, sparse vectors) are
    kept by the whole list of texts.

    Args:
        model: whose weights do not change; call `forget` when they have.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._rows: dict[tuple[str, ...], dict[str, Floats]] = {}
        self._answers: dict[tuple[str, ...], Any] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        return partial(self._encode, name) if name in METHODS else found

    def forget(self) -> None:
        """Drop everything, as after a training."""
        self._rows.clear()
        self._answers.clear()

    def _encode(self, method: str, texts: Sequence[str], **given: Any) -> Any:
        own = {key: value for key, value in given.items() if key not in SHAPES}
        key = (method, repr(sorted(own.items())), self._prompts())
        is_plain = given.get("convert_to_numpy") is not False and not own.keys() - {"prompt", "prompt_name"}
        if isinstance(texts, str) or hasattr(self._model, "sparsity") or not is_plain:
            whole = (*key, repr(sorted(given.items())), _digest(texts))
            if whole not in self._answers:
                self._answers[whole] = getattr(self._model, method)(texts, **given)
            return self._answers[whole]
        rows = self._known(method, texts, given, self._rows.setdefault(key, {}))
        asked = given.get("truncate_dim")
        rows = truncate_embeddings(rows, getattr(self._model, "truncate_dim", None) if asked is None else asked)
        return unit(rows) if given.get("normalize_embeddings") else rows

    def _whole(self) -> AbstractContextManager[Any]:
        """Inside `with`, the model gives all its dimensions: it may be asked for more than it keeps by itself."""
        cut = getattr(self._model, "truncate_embeddings", None)
        return nullcontext() if cut is None else cut(None)

    def _prompts(self) -> str:
        """What the model puts in front of texts, which may be set at any time."""
        named = getattr(self._model, "default_prompt_name", None)
        return repr((named, sorted((getattr(self._model, "prompts", None) or {}).items())))

    def _known(self, method: str, texts: Sequence[str], given: dict[str, Any], known: dict[str, Floats]) -> Floats:
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing or not texts:
            asked = {key: value for key, value in given.items() if key not in ("truncate_dim", "normalize_embeddings")}
            with self._whole():
                found = getattr(self._model, method)(missing, **asked)
            known.update(zip(missing, np.asarray(found), strict=True))
            if not texts:
                return np.asarray(found)
        return np.stack([known[text] for text in texts])  # (n, dim)


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256(repr(texts).encode()).hexdigest()
