"""Vectors of queries and documents, from the cache folder where they are there and still right, else by the model.

The name of a file depends on the texts, the prompts, and all that decides the model's numbers: weights, tokenizer,
limits. Of an object of your own that has no folder and cannot be saved, only what it calls itself is known: there some
texts are encoded anew and must give the vectors of the file. The reference goes by the name of the base model
alone, so that a model gets the vectors that it gave before it was trained.
Knows nothing of search.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from airvec.array_file import UNREADABLE, said_of, write_array
from airvec.arrays import Array
from airvec.errors import ArgumentError, ModelFolderError
from airvec.search.bm25 import BM25
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.errors import tell
from airvec_trainer.evaluation.embedding import Embeddings
from airvec_trainer.identity import can_be_told, model_digest
from airvec_trainer.mining.pairs import Pairs
from airvec_trainer.mining.settings import MiningSettings
from airvec_trainer.mining.vectors import encode, is_sparse, processes

__all__ = ["embedded"]

SPREAD, LONGEST = 16, 4  # texts that are encoded anew: evenly through all, and those a limit on length would cut
# How far float32 numbers of one model may lie apart, as other neighbours in a batch round otherwise. Half precision
# differs by more, and is encoded anew: slower, and never wrong.
NEAR = 1e-5


def embedded(model: Any, pairs: Pairs, settings: MiningSettings) -> tuple[Embeddings, Embeddings, list[str]]:
    """Vectors of the queries (n, dim) and the documents (m, dim), and a line for each file that was read or written.

    Raises:
        ArgumentError: `cache_folder` is a file, or there are no processes for this model.
        InputError: the model gives no vectors that can be compared.
    """
    texts = {"corpus": pairs.documents, "query": pairs.queries}
    files = _files(model, texts, settings)
    found, notes = {}, []
    for role, file in files.items():
        vectors = _read(file, model, texts[role], role, settings)
        if vectors is not None:
            found[role] = vectors
            notes.append(f"Read vectors of {len(vectors)} texts from {file}.")
    missing = [role for role in texts if role not in found]
    with processes(model, settings.use_multi_process if missing else False) as pool:
        for role in missing:
            found[role] = encode(model, texts[role], role, settings, pool)
            notes += _written(files[role], found[role]) if files else []
    return found["query"], found["corpus"], notes


def _files(model: Any, texts: dict[str, list[str]], settings: MiningSettings) -> dict[str, Path]:
    """Where the vectors of each role lie, or will; empty without a cache. BM25 counts faster than a disk reads."""
    if settings.cache_folder is None or isinstance(model, BM25):
        return {}
    folder = Path(settings.cache_folder)
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"cache_folder: {str(folder)!r} is a file, expected a folder. Name another.")
    name, ending = _identity(model), "npz" if is_sparse(model) else "npy"
    keys = {
        role: (name, getattr(settings, f"{role}_prompt"), getattr(settings, f"{role}_prompt_name"), some)
        for role, some in texts.items()
    }
    return {
        role: folder / f"{role}_embeddings_{hashlib.sha256(repr(key).encode()).hexdigest()}.{ending}"
        for role, key in keys.items()
    }


def _identity(model: Any) -> str:
    """The model's digest; of an object that cannot be told, its own words."""
    if can_be_told(model):
        return model_digest(model)
    plain = type(model).__repr__ is object.__repr__  # names an address, which is another in every process
    return type(model).__name__ if plain else repr(model)


def _read(file: Path, model: Any, texts: Sequence[str], role: str, settings: MiningSettings) -> "Embeddings | None":
    """The vectors of the file, if there are some, and the model still gives them, as far as can be known."""
    if not file.is_file():
        return None
    try:
        found = SparseVectors.load(file) if file.suffix == ".npz" else _array(file)
    except (*UNREADABLE, OSError, ModelFolderError) as error:
        told = said_of(error).rstrip(".")
        tell(f"cache_folder: {file} cannot be read: {told}. Its texts are encoded anew. Look after the disk.")
        return None
    fits = len(found.shape) == 2 and len(found) == len(texts)
    if fits and (can_be_told(model) or _still_given(found, model, texts, role, settings)):
        return found
    tell(f"cache_folder: {file} holds other vectors than the model gives now. Its texts are encoded anew.")
    return None


def _array(file: Path) -> Array:
    with file.open("rb") as opened:  # NumPy leaves a damaged file open
        found = np.load(opened, allow_pickle=False)
        if not isinstance(found, np.ndarray):
            raise ModelFolderError(f"{file.name}: {type(found).__name__}, expected one array. Write it again.")
        return found


def _still_given(found: Embeddings, model: Any, texts: Sequence[str], role: str, settings: MiningSettings) -> bool:
    longest = sorted(range(len(texts)), key=lambda row: -len(texts[row]))[:LONGEST]
    rows = np.unique([*np.linspace(0, len(texts) - 1, SPREAD).astype(int), *longest])
    quiet = replace(settings, show_progress_bar=False)
    fresh = np.asarray(encode(model, [texts[row] for row in rows], role, quiet))
    return fresh.shape[1] == found.shape[1] and bool(np.allclose(fresh, np.asarray(found[rows]), rtol=NEAR, atol=NEAR))


def _written(file: Path, vectors: Embeddings) -> list[str]:
    """What was written; a disk that refuses costs the cache, and not the vectors."""
    try:
        if isinstance(vectors, SparseVectors):
            vectors.save(file)
        else:
            write_array(file, vectors)
    except OSError as error:
        tell(f"cache_folder: {file} cannot be written: {error}. Mining goes on without it. Make room, or name another.")
        return []
    return [f"Wrote vectors of {len(vectors)} texts to {file}."]
