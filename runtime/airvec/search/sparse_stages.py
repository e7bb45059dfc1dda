"""Stages over an inverted index: the weights of a sparse model, and BM25's.

Knows nothing of other stages, of fusion and of documents' ids.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np

from airvec.array_file import read_array
from airvec.arrays import Floats
from airvec.json_file import JsonObject
from airvec.search.bm25 import BM25
from airvec.search.inverted_index import InvertedIndex
from airvec.search.ranking import Ranking
from airvec.search.stages import RetrievalModel, check_same_model, model_name, probe_of

BM25_FILE = "bm25.json"
Split: TypeAlias = Callable[[str], list[str]]


@dataclass(frozen=True)
class SparseStage:
    """Sparse vectors of documents, compared with a query's by dot product."""

    model: RetrievalModel
    index: InvertedIndex
    probe: Floats
    name: ClassVar[str] = "sparse"

    @classmethod
    def build(cls, model: RetrievalModel, texts: Sequence[str], show_progress: bool | None) -> Self:
        """Encode the texts and index them.

        Raises:
            ArgumentError: the model does not give sparse vectors.
        """
        probe = probe_of("sparse", model)
        vectors = model.encode_document(texts, show_progress_bar=show_progress)
        return cls(model, InvertedIndex.build(vectors), probe)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def nbytes(self) -> int:
        """Bytes of its index."""
        return self.index.nbytes

    def search(self, queries: Sequence[str], top_k: int, rescore_multiplier: int) -> Ranking:
        """The best `top_k` documents of each query, of those that share a term with it."""
        del rescore_multiplier  # for codes of embeddings
        return self.index.search(self.model.encode_query(queries), top_k)

    def save(self, folder: Path) -> None:
        """Write index and probe into a folder that is there."""
        self.index.save(folder)
        np.save(folder / "probe.npy", self.probe, allow_pickle=False)

    def settings(self) -> dict[str, Any]:
        """The model's name for messages."""
        return {"model": model_name(self.model)}

    @classmethod
    def load(cls, folder: Path, settings: JsonObject, model: RetrievalModel) -> Self:
        """Open what `save` wrote, with what `settings` gave.

        Raises:
            ModelNotFoundError: a file is missing.
            ModelFolderError: a file is damaged.
            ArgumentError: the model's vectors have another width.
        """
        index, probe = InvertedIndex.load(folder), read_array(folder / "probe.npy", np.float32)
        check_same_model("sparse", model, probe, settings.text("model"))
        return cls(model, index, probe)


@dataclass(frozen=True)
class Bm25Stage:
    """Words of documents, weighted by BM25; the statistics are saved with the index."""

    model: BM25
    index: InvertedIndex
    name: ClassVar[str] = "bm25"

    @classmethod
    def build(cls, model: BM25, texts: Sequence[str]) -> Self:
        """Count the words of the texts and index them."""
        fitted = model.fit(texts)
        return cls(fitted, InvertedIndex.build(fitted.encode_document(texts)))

    def __len__(self) -> int:
        return len(self.index)

    @property
    def nbytes(self) -> int:
        """Bytes of its index."""
        return self.index.nbytes

    def search(self, queries: Sequence[str], top_k: int, rescore_multiplier: int) -> Ranking:
        """The best `top_k` documents of each query, of those that share a word with it."""
        del rescore_multiplier  # for codes of embeddings
        return self.index.search(self.model.encode_query(queries), top_k)

    def save(self, folder: Path) -> None:
        """Write index and statistics into a folder that is there."""
        self.index.save(folder)
        self.model.save(folder / BM25_FILE)

    def settings(self) -> dict[str, Any]:
        """None: all is in the statistics' file."""
        return {}

    @classmethod
    def load(cls, folder: Path, split: Split | None = None) -> Self:
        """Open what `save` wrote; `split` is the BM25's own, if it had one.

        Raises:
            ModelNotFoundError: a file is missing.
            ModelFolderError: a file is damaged.
            ArgumentError: the BM25 had a `split` of its own, and none is given.
        """
        return cls(BM25.load(folder / BM25_FILE, split), InvertedIndex.load(folder))
