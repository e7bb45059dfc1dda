"""What a teacher says of texts and pairs, kept on disk: `teacher_vectors`, `teacher_scores`, `open_teacher`.

A teacher is any model that encodes or predicts: an exported folder, which the runtime opens without torch and answers
faster, or a model in torch.
Knows nothing of data sets and of training.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from airvec.arguments import want_progress
from airvec.arrays import Array
from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec_trainer.distillation.cache import SHARD, Rows, cached_rows, check_dtype, digest_of_texts, made_rows
from airvec_trainer.distillation.given import check_teacher, given_pairs, given_texts
from airvec_trainer.identity import model_digest
from airvec_trainer.opening import open_model

__all__ = ["open_teacher", "teacher_scores", "teacher_vectors"]

KINDS = ("dense", "rerank")
# Arguments of `encode` and `predict` that change an answer, and those that only change how fast it comes.
VECTOR_SETTINGS = ("prompt", "prompt_name", "task", "normalize_embeddings", "truncate_dim")
SCORE_SETTINGS = ("prompt", "prompt_name", "activation_fn", "apply_softmax")
SPEED = ("batch_size", "device")
LOGITS = {"activation_fn": "Identity"}

Pairs = Sequence[tuple[str, str]] | Sequence[Sequence[str]]


def teacher_vectors(
    teacher: Any,
    texts: Sequence[str],
    *,
    cache_folder: str | Path | None = None,
    encode_kwargs: Mapping[str, Any] | None = None,
    dtype: str = "float32",
    show_progress_bar: bool | None = None,
    shard_size: int = SHARD,
) -> Array:
    """A teacher's embeddings of texts, (n, dim), in the order of the texts.

    With a folder they are memory-mapped and read-only: made once for these texts, these settings and this state of the
    teacher's weights, in shards, so that a run that was interrupted goes on where it stopped.

    Args:
        teacher: a model with `encode`, of airvec or in torch.
        texts: a list, a column of a data set, an array or an iterator; equal ones within a shard are encoded once.
        cache_folder: where vectors are kept; None = nowhere.
        encode_kwargs: for the teacher's `encode`: `prompt`, `prompt_name`, `task`, `normalize_embeddings`,
            `truncate_dim`; `batch_size` and `device`.
        dtype: `"float32"`, or `"float16"` for half the space on disk (and 3 digits).
        show_progress_bar: None = if the logger `airvec` shows INFO.
        shard_size: texts that are encoded, and kept, at once.

    Raises:
        ArgumentError: a model that does not encode, texts that are none, a setting that is none of those, a folder
            that cannot be written, or embeddings that are no finite numbers.
        ModelFolderError: a file of the cache is damaged.
    """
    check_teacher(teacher, "encode")
    texts = given_texts("texts", texts)
    keeping = Keeping(cache_folder, dtype, show_progress_bar, shard_size)
    given = _checked_settings("encode_kwargs", encode_kwargs, VECTOR_SETTINGS)

    def encoded(start: int, stop: int) -> Array:
        listed = [*texts[start:stop]]
        places = {text: place for place, text in enumerate(dict.fromkeys(listed))}
        found = np.asarray(teacher.encode(list(places), show_progress_bar=False, **given))
        return found[[places[text] for text in listed]] if listed else found

    def about() -> dict[str, Any]:
        return _about(teacher, given, digest_of_texts(texts))

    return _rows("vectors", len(texts), about, encoded, keeping)


def teacher_scores(
    teacher: Any,
    pairs: Pairs,
    *,
    cache_folder: str | Path | None = None,
    predict_kwargs: Mapping[str, Any] | None = None,
    dtype: str = "float32",
    show_progress_bar: bool | None = None,
    shard_size: int = SHARD,
) -> Array:
    """A reranker's logits of pairs of texts, (n,), or (n, labels) for several labels, in the order of the pairs.

    Args:
        teacher: a model with `predict`, of airvec or in torch.
        pairs: two texts each.
        cache_folder: as `teacher_vectors` has it, like `dtype`, `show_progress_bar` and `shard_size`.
        predict_kwargs: for the teacher's `predict`: `activation_fn` by its name, such as `"Sigmoid"` (by default
            `"Identity"`: margins of logits are what MarginMSE was made for), `apply_softmax`, `prompt`, `prompt_name`;
            `batch_size` and `device`.
        dtype: of the result.
        show_progress_bar: None = if the logger `airvec` shows INFO.
        shard_size: pairs that are scored, and kept, at once.

    Raises:
        ArgumentError: a model that is no reranker, pairs that are none, a setting that is none of those, a folder that
            cannot be written, or scores that are no finite numbers.
        ModelFolderError: a file of the cache is damaged.
    """
    check_teacher(teacher, "predict")
    pairs = given_pairs("pairs", pairs)
    keeping = Keeping(cache_folder, dtype, show_progress_bar, shard_size)
    given = {**LOGITS, **_checked_settings("predict_kwargs", predict_kwargs, SCORE_SETTINGS)}
    if not isinstance(given["activation_fn"], str):
        raise ArgumentError(
            f"predict_kwargs: activation_fn {given['activation_fn']!r}, expected a name such as 'Sigmoid', by which "
            "the scores are found again. Give the name."
        )

    def scored(start: int, stop: int) -> Array:
        listed = [tuple(pair) for pair in pairs[start:stop]]
        return np.asarray(teacher.predict(listed, show_progress_bar=False, **given))

    def about() -> dict[str, Any]:
        return _about(teacher, given, digest_of_texts(text for pair in pairs for text in pair))

    return _rows("scores", len(pairs), about, scored, keeping)


def open_teacher(name: str | Path, kind: str = "dense") -> Any:
    """The model of a folder: opened by the runtime where the folder has graphs, else in torch, as a name on the Hub is.

    Args:
        name: a folder, or a name on the Hub.
        kind: `"dense"` or `"rerank"`.

    Raises:
        ArgumentError: another kind.
        ModelNotFoundError: no such folder or name.
        ModelFolderError: the folder is damaged, or another kind's.
    """
    if kind not in KINDS:
        raise ArgumentError(f"kind: {kind!r}, expected one of {', '.join(KINDS)}. Choose one.")
    return open_model(name, kind)


@dataclass(frozen=True)
class Keeping:
    """Where answers are kept, and in what pieces: the arguments of that name."""

    cache_folder: str | Path | None
    dtype: str
    show_progress_bar: bool | None
    shard_size: int

    def __post_init__(self) -> None:
        check_dtype(self.dtype)
        whole_number("shard_size", self.shard_size)
        if self.cache_folder is not None and not isinstance(self.cache_folder, str | PathLike):
            raise ArgumentError(f"cache_folder: {self.cache_folder!r:.60}, expected a path, or None. Correct it.")


def _rows(
    kind: str, count: int, about: Callable[[], dict[str, Any]], compute: Callable[[int, int], Array], keeping: Keeping
) -> Array:
    """In memory, or from disk; only there is asked what decides the rows, which reads all of the teacher."""
    folder, shard = keeping.cache_folder, keeping.shard_size
    unit = "text" if kind == "vectors" else "pair"
    show = want_progress(keeping.show_progress_bar)
    rows = Rows(kind, count, {} if folder is None else about(), keeping.dtype, f"Teacher's {kind}", unit)
    if folder is None:
        return made_rows(rows, compute, show=show, shard=shard)
    return cached_rows(rows, compute, Path(folder), show=show, shard=shard)


def _about(teacher: Any, given: Mapping[str, Any], texts: str) -> dict[str, Any]:
    settings = {name: value for name, value in given.items() if name not in SPEED}
    return {"teacher": model_digest(teacher), "settings": settings, "texts": texts}


def _checked_settings(name: str, given: Mapping[str, Any] | None, known: Sequence[str]) -> dict[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise ArgumentError(f"{name}: {given!r:.60}, expected a dict such as {{'batch_size': 64}}. Correct it.")
    for key in given or {}:
        if key not in (*known, *SPEED):
            raise ArgumentError(f"{name}: {key!r}, expected one of {', '.join((*known, *SPEED))}. Leave it out.")
    return dict(given or {})
