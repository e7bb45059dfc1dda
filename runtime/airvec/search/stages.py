"""A stage of retrieval: a model and an index of what it made of the corpus; texts in, ranking out.

A stage remembers how its model encodes one fixed text, so that another model is noticed when the index is opened.
Knows nothing of other stages, of fusion and of documents' ids.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from airvec.array_file import read_array
from airvec.arrays import Floats
from airvec.errors import AirvecWarning, ArgumentError, ModelFolderError
from airvec.json_file import JsonObject
from airvec.modules.normalize import unit
from airvec.search.dense_index import DenseIndex
from airvec.search.ranking import Ranking
from airvec.similarity import as_rows
from airvec.sparse_vectors import SparseVectors

PROBE = "Which of these documents answers the question?"
# Largest |difference| of a probe's two vectors, as a share of the longer. Cosines of 0.96, which an int8 graph with
# default settings has to its model's fp32 graph, are 0.28; unrelated unit vectors 1.4.
NEAR = 0.35
SIMILARITIES = ("cosine", "dot")
# Stage -> a model for it, what that gives, and the stage for the other kind.
KINDS = {
    "sparse": ("SparseEncoder(…)", "SparseVectors", "dense"),
    "dense": ("SentenceTransformer(…)", "an array [n, dim]", "sparse"),
}


class RetrievalModel(Protocol):
    """What a stage needs of a model: `SentenceTransformer` and `SparseEncoder` have it."""

    def encode_query(self, inputs: Sequence[str], /) -> Any:
        """Vectors of n queries: an array (n, dim), or sparse vectors."""
        ...

    def encode_document(self, inputs: Sequence[str], /, *, show_progress_bar: bool | None = None) -> Any:
        """Vectors of n documents."""
        ...


class Stage(Protocol):
    """What finds candidates."""

    name: ClassVar[str]

    @property
    def nbytes(self) -> int:
        """Bytes of its index."""
        ...

    def __len__(self) -> int:
        """Documents in its index."""
        ...

    def search(self, queries: Sequence[str], top_k: int, rescore_multiplier: int) -> Ranking:
        """The best `top_k` documents of each query."""
        ...

    def save(self, folder: Path) -> None:
        """Write the index into a folder that is there."""
        ...

    def settings(self) -> dict[str, Any]:
        """What `load` needs beside the folder, as JSON."""
        ...


@dataclass(frozen=True)
class DenseStage:
    """Embeddings of documents, compared with a query's by cosine or dot product."""

    model: RetrievalModel
    index: DenseIndex
    similarity: str
    probe: Floats
    name: ClassVar[str] = "dense"

    @classmethod
    def build(
        cls, model: RetrievalModel, texts: Sequence[str], precision: str, keep_float: bool, show_progress: bool | None
    ) -> Self:
        """Encode the texts and index them.

        Raises:
            ArgumentError: the model gives no arrays, or compares neither by cosine nor by dot product; or an unknown
                precision.
        """
        similarity = getattr(model, "similarity_fn_name", "cosine")
        if similarity not in SIMILARITIES:
            raise ArgumentError(
                f"dense: the model compares by {similarity!r}, expected one of {', '.join(SIMILARITIES)}. "
                "Use semantic_search for others."
            )
        probe = probe_of("dense", model)
        vectors = _vectors(model.encode_document(texts, show_progress_bar=show_progress), similarity)
        return cls(model, DenseIndex.build(vectors, precision, keep_float=keep_float), similarity, probe)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def nbytes(self) -> int:
        """Bytes of its index."""
        return self.index.nbytes

    def search(self, queries: Sequence[str], top_k: int, rescore_multiplier: int) -> Ranking:
        """The best `top_k` documents of each query."""
        vectors = _vectors(self.model.encode_query(queries), self.similarity)
        return self.index.search(vectors, top_k, rescore_multiplier)

    def save(self, folder: Path) -> None:
        """Write index and probe into a folder that is there."""
        self.index.save(folder)
        np.save(folder / "probe.npy", self.probe, allow_pickle=False)

    def settings(self) -> dict[str, Any]:
        """The similarity, and the model's name for messages."""
        return {"similarity": self.similarity, "model": model_name(self.model)}

    @classmethod
    def load(cls, folder: Path, settings: JsonObject, model: RetrievalModel) -> Self:
        """Open what `save` wrote, with what `settings` gave.

        Raises:
            ModelNotFoundError: a file is missing.
            ModelFolderError: a file is damaged.
            ArgumentError: the model's embeddings have another width.
        """
        similarity = settings.text("similarity", "")
        if similarity not in SIMILARITIES:
            raise ModelFolderError(
                f"{settings.file}: 'similarity' is {similarity!r}, expected one of {', '.join(SIMILARITIES)}. "
                "Write the index again."
            )
        index, probe = DenseIndex.load(folder), read_array(folder / "probe.npy", np.float32)
        check_same_model("dense", model, probe, settings.text("model"))
        return cls(model, index, similarity, probe)


def check_model(argument: str, model: object, methods: Sequence[str], example: str) -> None:
    """Refuse what is no model of its kind, by its methods.

    Raises:
        ArgumentError: a method is missing, or it is a class.
    """
    if isinstance(model, type) or not all(callable(getattr(model, name, None)) for name in methods):
        raise ArgumentError(
            f"{argument}: {model_name(model)}, expected a model with the method{'s' * (len(methods) > 1)} "
            f"{' and '.join(methods)}. Pass {example}, or leave it out."
        )


def probe_of(stage: str, model: RetrievalModel) -> Floats:
    """How a model encodes one fixed document: float32 (dim,).

    Args:
        stage: "sparse", whose models give sparse vectors, or "dense", whose models give arrays.
        model: what the caller gave for it.

    Raises:
        ArgumentError: no model, or one for the other stage.
    """
    example, expected, other = KINDS[stage]
    check_model(stage, model, ("encode_query", "encode_document"), example)
    found: Any = model.encode_document([PROBE], show_progress_bar=False)
    if isinstance(found, SparseVectors) != (stage == "sparse"):
        raise ArgumentError(
            f"{stage}: {model_name(model)} gives {type(found).__name__}, expected {expected}. "
            f"Pass {example}, or this model as {other}=…."
        )
    rows = as_rows(found.to_dense() if isinstance(found, SparseVectors) else found)
    if len(rows) != 1:
        raise ArgumentError(
            f"{stage}: {model_name(model)} gives shape {list(rows.shape)} for one text, expected [1, dim]. "
            f"Pass {example}."
        )
    return np.array(rows[0], np.float32)


def check_same_model(stage: str, model: RetrievalModel, expected: Floats, made_with: str | None) -> None:
    """Warn if a model encodes the fixed document otherwise than the one that an index was made with.

    Raises:
        ArgumentError: its vectors are of another kind or width.
    """
    found = probe_of(stage, model)
    if found.shape != expected.shape:
        raise ArgumentError(
            f"{stage}: {model_name(model)} gives {len(found)} dimensions, the index has {len(expected)}. "
            f"Pass the model that it was made with: {made_with}."
        )
    longest = max(np.linalg.norm(found), np.linalg.norm(expected))
    if np.linalg.norm(found - expected) > NEAR * longest:
        warnings.warn(
            f"{stage}: {model_name(model)} encodes otherwise than {made_with}, which made the index. "
            "Its results will be poor: pass that model, or index again.",
            AirvecWarning,
            stacklevel=4,
        )


def model_name(model: object) -> str:
    """A model as messages show it."""
    shown = repr(model)
    return shown if len(shown) <= 200 else f"{shown[:199]}…"


def _vectors(embeddings: Any, similarity: str) -> Floats:
    """float32 (n, dim), of length 1 for cosines."""
    vectors = np.asarray(embeddings, np.float32)
    return unit(vectors) if similarity == "cosine" else vectors
