"""Texts → vectors, by whatever model mines: dense or sparse, of the runtime, of the trainer, or BM25.

Knows nothing of search and of files.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from airvec.errors import ArgumentError, InputError
from airvec.search.bm25 import BM25
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.evaluation.embedding import Embeddings, as_embeddings
from airvec_trainer.evaluation.scoring import measure_name
from airvec_trainer.mining.settings import MiningSettings

__all__ = ["check_model", "encode", "is_sparse", "processes", "similarity_of"]

METHODS = {"query": "encode_query", "corpus": "encode_document"}


def encode(model: Any, texts: Sequence[str], role: str, settings: MiningSettings, pool: Any = None) -> Embeddings:
    """Embeddings of texts, those of dense models scaled to length 1.

    Args:
        model: with `encode_query` and `encode_document`, or `encode` alone.
        texts: n of them.
        role: `"query"` or `"corpus"`: which method is asked, with which prompt.
        settings: the prompts, the size of a batch, whether a bar is shown.
        pool: of the model's processes.

    Returns:
        (n, dim); `SparseVectors` of sparse models and BM25.

    Raises:
        InputError: what the model gives are no n vectors of finite numbers.
    """
    method = getattr(model, METHODS[role], None) or model.encode
    found = as_embeddings(method(list(texts), **_arguments(model, role, settings, pool)))
    numbers = found.values if isinstance(found, SparseVectors) else found
    if len(found) != len(texts) or not np.isfinite(numbers).all():
        raise InputError(
            f"{type(model).__name__}.{METHODS[role]}: vectors of shape {list(found.shape)} for {len(texts)} texts, "
            f"{int((~np.isfinite(numbers)).sum())} numbers of them not finite, expected one of finite numbers each. "
            "Correct the model, or leave out texts that it cannot read."
        )
    return found


def is_sparse(model: Any) -> bool:
    """Whether it encodes sparsely, so that its vectors keep their length."""
    return isinstance(model, BM25) or hasattr(model, "sparsity")


def similarity_of(model: Any) -> str:
    """How its vectors are compared: as it says itself, else by cosine, or by dot product where they are sparse.

    Raises:
        ArgumentError: no such similarity.
    """
    named = measure_name(getattr(model, "similarity_fn_name", None), "similarity_fn_name")
    return named or ("dot" if is_sparse(model) else "cosine")


def check_model(model: Any, corpus: Sequence[str], settings: MiningSettings) -> Any:
    """The model, if it can mine; BM25 that has seen no corpus yet is fitted to this one.

    Raises:
        ArgumentError: nothing that encodes, or prompts or processes for a model that has none.
    """
    if isinstance(model, BM25):
        names = ("query_prompt", "query_prompt_name", "corpus_prompt", "corpus_prompt_name", "use_multi_process")
        given = [f"{name}={getattr(settings, name)!r}" for name in names if getattr(settings, name)]
        if given:
            raise ArgumentError(
                f"model: BM25, given {', '.join(given)}, expected neither prompts nor processes, as it counts words. "
                "Leave them out."
            )
        return model if model.average_length is not None else model.fit(corpus)
    if isinstance(model, str) or not hasattr(model, "encode"):  # a str encodes, too
        raise ArgumentError(
            f"model: {model!r:.100}, expected a model with encode, or airvec.search.BM25. Open the folder first: "
            "SentenceTransformer(folder)."
        )
    return model


@contextmanager
def processes(model: Any, wanted: bool | Sequence[str]) -> Iterator[Any]:
    """The model's processes while they are needed; None where they are not wanted.

    Raises:
        ArgumentError: a model that has none.
    """
    if not wanted:
        yield None
        return
    if not hasattr(model, "start_multi_process_pool"):
        raise ArgumentError(
            f"use_multi_process: {wanted!r}, but {type(model).__name__} has no start_multi_process_pool. Leave it out, "
            "or mine with the exported folder, opened by airvec."
        )
    pool = model.start_multi_process_pool(None if isinstance(wanted, bool) else list(wanted))
    try:
        yield pool
    finally:
        model.stop_multi_process_pool(pool)


def _arguments(model: Any, role: str, settings: MiningSettings, pool: Any) -> dict[str, Any]:
    if isinstance(model, BM25):
        return {}
    given = {
        "prompt_name": getattr(settings, f"{role}_prompt_name"),
        "prompt": getattr(settings, f"{role}_prompt"),
        "batch_size": settings.batch_size,
        "show_progress_bar": settings.show_progress_bar,
    }
    given |= {"save_to_cpu": True} if is_sparse(model) else {"normalize_embeddings": True, "convert_to_numpy": True}
    return given if pool is None else given | {"pool": pool}
