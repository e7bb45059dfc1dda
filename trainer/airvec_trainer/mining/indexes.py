"""Exact search by FAISS or usearch, packages that airvec does not bring: one dict of functions that open an index.

Knows nothing of blocks, texts and positives.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np

from airvec.arrays import Floats, Integers
from airvec.errors import ArgumentError, MissingPackageError
from airvec.modules.normalize import unit
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.evaluation.embedding import Embeddings

__all__ = ["OPENERS", "most_results", "open_index"]

Finder: TypeAlias = "Callable[[Any, int], tuple[Integers, Floats]]"
PACKAGES = {"faiss": "faiss-cpu", "usearch": "usearch"}  # import name: what pip calls it
MOST_ON_GPU = 2048  # results a query of FAISS on a GPU


def open_index(name: str, documents: Embeddings, similarity: str) -> Finder:
    """An index of documents (m, dim): a function of queries (n, dim) and a count that gives rows and scores.

    Raises:
        MissingPackageError: the package is not installed.
        ArgumentError: sparse vectors, or a similarity that is no dot product.
    """
    check_package(name)
    if isinstance(documents, SparseVectors) or similarity not in ("cosine", "dot"):
        kind = "sparse" if isinstance(documents, SparseVectors) else "dense"
        raise ArgumentError(
            f"index: {name!r} for {kind} vectors compared by {similarity}, expected dense ones compared by cosine or "
            "dot. Leave index and use_faiss out."
        )
    return OPENERS[name](documents.astype(np.float32, copy=False), similarity == "cosine")


def check_package(name: str) -> None:
    """Raise unless the package of an index can be imported.

    Raises:
        MissingPackageError: it is not installed.
    """
    if name in PACKAGES and find_spec(name) is None:
        raise MissingPackageError(
            f"index: {name!r} needs the package {name}, which is not installed. Run: pip install {PACKAGES[name]}"
        )


def most_results(name: str) -> int | None:
    """How many documents a query an index can find; None = any number."""
    if name != "faiss":
        return None
    return MOST_ON_GPU if getattr(import_module("faiss"), "get_num_gpus", lambda: 0)() > 0 else None


def _faiss(documents: Floats, cosine: bool) -> Finder:
    faiss = import_module("faiss")
    index = faiss.IndexFlatIP(documents.shape[1])
    if most_results("faiss") is not None:
        options = faiss.GpuMultipleClonerOptions()
        options.shard, options.useFloat16 = True, True
        index = faiss.index_cpu_to_all_gpus(index, co=options)
    index.add(np.ascontiguousarray(_scaled(documents, cosine)))

    def find(queries: Floats, count: int) -> tuple[Integers, Floats]:
        scores, rows = index.search(np.ascontiguousarray(_scaled(queries, cosine)), k=count)
        return rows.astype(np.int64), scores

    return find


def _usearch(documents: Floats, cosine: bool) -> Finder:
    usearch = import_module("usearch.index")
    rows = np.ascontiguousarray(_scaled(documents, cosine))

    def find(queries: Floats, count: int) -> tuple[Integers, Floats]:
        block = np.ascontiguousarray(_scaled(queries, cosine))
        matches = usearch.search(rows, block, count, usearch.MetricKind.IP, exact=True)
        keys = np.asarray(matches.keys).reshape(len(block), -1).astype(np.int64)
        distances = np.asarray(matches.distances).reshape(len(block), -1)
        return keys, (1 - distances).astype(np.float32)  # usearch's distance of inner products

    return find


def _scaled(vectors: Floats, cosine: bool) -> Floats:
    return unit(vectors) if cosine else vectors


OPENERS: dict[str, Callable[[Floats, bool], Finder]] = {"faiss": _faiss, "usearch": _usearch}
