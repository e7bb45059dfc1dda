"""`CachedModel`: a model that computes no answer twice.

Knows nothing of how stores keep rows and of how models compute.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from airvec.activations import given_activation
from airvec.activations import identity as no_activation
from airvec.arguments import check_texts, keyed_texts, pick_inputs, want_progress
from airvec.arrays import Array, Floats
from airvec.caching.asking import (
    expect_taken,
    given,
    is_uncached,
    shaped_dense,
    shaped_scores,
    shaped_sparse,
    sorted_out,
)
from airvec.caching.keeper import Asked, CacheInfo, Keeper
from airvec.caching.lru import LRUStore
from airvec.caching.rows import DENSE, SPARSE
from airvec.caching.sqlite import SQLiteStore
from airvec.caching.store import Store
from airvec.cross_encoder import CrossEncoder, activated, check_ranking, ranked
from airvec.destination import Out
from airvec.errors import ArgumentError
from airvec.model import Model
from airvec.pairs import check_pairs
from airvec.precision import check_precision
from airvec.progress import progress_bar
from airvec.sentence_transformer import SentenceTransformer
from airvec.sparse_encoder import SparseEncoder

__all__ = ["CacheInfo", "CachedModel"]

ON_ERROR = ("raise", "warn")
KINDS = (SentenceTransformer, SparseEncoder, CrossEncoder)


class CachedModel:
    """A model whose answers are kept, text by text.

    `encode`, `encode_query` and `encode_document` of dense and sparse encoders, and `predict` and `rank` of rerankers,
    ask the store first, compute what is not there (each text once, however often it is given), and give what the model
    would. What is not cached is the model's own, under its name: `encode_stream`, `similarity` …, other outputs than
    sentence embeddings, and calls with processes or `out=`. Attributes are the model's, too: `cached.truncate_dim = 16`
    sets its.

    An answer is found again by the same model alone: the key holds the SHA-256 of its folder, the graph that was
    opened, its prompts and limits of the moment, how it was asked, and the text. int8 and binary embeddings are made
    from the kept float32 ones.

    Args:
        model: a `SentenceTransformer`, `SparseEncoder` or `CrossEncoder`; or a model of another library whose `encode`
            gives an array of a row a text.
        store: what keeps the rows; None = `LRUStore()`.
        identity: for models that are not airvec's, a text that changes whenever the model does.
        on_error: `"raise"`, or `"warn"`: where the store fails, say so and go on with the model alone.

    Raises:
        ArgumentError: a model that cannot be told from another or is none of these, a store inside the model's folder,
            or another `on_error`.
        ModelFolderError: the model's folder changed since it was opened.
    """

    def __init__(
        self, model: Any, store: Store | None = None, *, identity: str | None = None, on_error: str = "raise"
    ) -> None:
        if on_error not in ON_ERROR:
            raise ArgumentError(f"on_error: {on_error!r}, expected one of {', '.join(ON_ERROR)}. Choose one of these.")
        kept = LRUStore() if store is None else store
        _expect_kind(model)
        _expect_outside(model, kept)
        self._keeper = Keeper(model, kept, identity, raises=on_error == "raise")

    def __repr__(self) -> str:
        return f"CachedModel({self.model!r}, {self.store!r})"

    def __getattr__(self, name: str) -> Any:
        """What is not cached is the model's own."""
        if name == "_keeper" or name.startswith("__"):  # copies are made without __init__
            raise AttributeError(name)
        return getattr(self._keeper.model, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Settings are the model's own."""
        if name == "_keeper" or hasattr(type(self), name):
            object.__setattr__(self, name, value)
        else:
            setattr(self._keeper.model, name, value)

    @property
    def model(self) -> Any:
        """The model whose answers are kept."""
        return self._keeper.model

    @property
    def store(self) -> Store:
        """What keeps them."""
        return self._keeper.store

    @property
    def info(self) -> CacheInfo:
        """Answers found and computed since this object was made."""
        return self._keeper.info

    def encode(
        self,
        inputs: str | Sequence[str] | Array | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str | None = "float32",
        convert_to_numpy: bool | None = None,
        convert_to_tensor: bool | None = None,
        device: str | list[str] | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: Any = None,
        chunk_size: int | None = None,
        *,
        task: str | None = None,
        on_truncate: str = "ignore",
        sentences: str | Sequence[str] | None = None,
        out: Out | None = None,
        max_active_dims: int | None = None,
        convert_to_sparse_tensor: bool | None = None,
        save_to_cpu: bool | None = None,
    ) -> Any:
        """Embeddings of texts, as the model's `encode` gives them.

        The order of the arguments is that of `SentenceTransformer.encode`; name those behind the fifth for others.

        Args:
            inputs: a text, or a list, tuple or array of texts.
            prompt_name: as the model's, like the other arguments; one that the model does not take is refused.
            prompt: the text to put in front, instead.
            batch_size: most texts in a batch.
            show_progress_bar: over the texts that are computed.
            output_value: another than `"sentence_embedding"` is not cached.
            precision: of dense embeddings.
            convert_to_numpy: False gives a list of dense embeddings.
            convert_to_tensor: gives an array for dense embeddings; False gives a list of sparse ones.
            device: may repeat the model's own; a list of devices is not cached.
            normalize_embeddings: scale dense embeddings to length 1.
            truncate_dim: dimensions of dense embeddings to keep.
            pool: processes; not cached.
            chunk_size: texts that a process gets at once.
            task: which route the texts take.
            on_truncate: for texts over the limit: `"ignore"`, `"warn"` (when a text is computed), `"error"` or
                `"chunk"`.
            sentences: old name of `inputs`.
            out: an array or a `.npy` file for the model itself to write; such calls are not cached.
            max_active_dims: weights of sparse embeddings to keep.
            convert_to_sparse_tensor: False gives sparse embeddings as dense arrays.
            save_to_cpu: without effect.

        Returns:
            float32 (n, dim), or what `precision` says; `SparseVectors` of a sparse model; without the first dimension
            for a single text.

        Raises:
            InputError: an input that is not a text.
            ArgumentError: an argument that cannot be, or that the model does not take.
            StoreError: the store fails, under `on_error="raise"`.
        """
        return self._encoded("encode", given(locals()))

    def encode_query(
        self,
        inputs: str | Sequence[str] | Array | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str | None = "float32",
        convert_to_numpy: bool | None = None,
        convert_to_tensor: bool | None = None,
        device: str | list[str] | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: Any = None,
        chunk_size: int | None = None,
        *,
        task: str | None = None,
        on_truncate: str = "ignore",
        sentences: str | Sequence[str] | None = None,
        out: Out | None = None,
        max_active_dims: int | None = None,
        convert_to_sparse_tensor: bool | None = None,
        save_to_cpu: bool | None = None,
    ) -> Any:
        """As `encode`, by the model's `encode_query`."""
        return self._encoded("encode_query", given(locals()))

    def encode_document(
        self,
        inputs: str | Sequence[str] | Array | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str | None = "float32",
        convert_to_numpy: bool | None = None,
        convert_to_tensor: bool | None = None,
        device: str | list[str] | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: Any = None,
        chunk_size: int | None = None,
        *,
        task: str | None = None,
        on_truncate: str = "ignore",
        sentences: str | Sequence[str] | None = None,
        out: Out | None = None,
        max_active_dims: int | None = None,
        convert_to_sparse_tensor: bool | None = None,
        save_to_cpu: bool | None = None,
    ) -> Any:
        """As `encode`, by the model's `encode_document`."""
        return self._encoded("encode_document", given(locals()))

    def predict(
        self,
        inputs: Sequence[Sequence[str]] | Sequence[str] | Array | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        activation_fn: Any = None,
        apply_softmax: bool | None = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | list[str] | None = None,
        pool: Any = None,
        chunk_size: int | None = None,
        *,
        sentences: Sequence[Sequence[str]] | Sequence[str] | Array | None = None,
        activation_fct: Any = None,
        num_workers: int | None = None,
    ) -> Any:
        """Scores of pairs of texts, as the model's `predict` gives them; what is kept are the logits.

        Args:
            inputs: two texts, or a list, tuple or array of pairs of texts.
            prompt_name: as the model's, like the other arguments.
            prompt: the text to put in front of the first text of each pair, instead.
            batch_size: most pairs in a batch.
            show_progress_bar: over all pairs.
            activation_fn: for this call.
            apply_softmax: make each pair's scores add up to 1.
            convert_to_numpy: False gives a list of scores.
            convert_to_tensor: gives the same NumPy array, and warns once.
            device: may repeat the model's own; a list of devices is not cached.
            pool: processes; not cached.
            chunk_size: pairs that a process gets at once.
            sentences: old name of `inputs`.
            activation_fct: old name of `activation_fn`.
            num_workers: without effect.

        Returns:
            float32 (n,), or (n, labels); a scalar, or (labels,), for a single pair.

        Raises:
            InputError: an input that is not a pair of texts.
            ArgumentError: an argument that cannot be.
            StoreError: the store fails, under `on_error="raise"`.
        """
        return self._scored(self._reranker("predict"), given(locals()))

    def rank(
        self,
        query: str,
        documents: Sequence[str] | Array,
        top_k: int | None = None,
        return_documents: bool = False,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        activation_fn: Any = None,
        device: str | list[str] | None = None,
        pool: Any = None,
        chunk_size: int | None = None,
        *,
        activation_fct: Any = None,
        num_workers: int | None = None,
        apply_softmax: bool | None = None,
        convert_to_numpy: bool | None = None,
        convert_to_tensor: bool | None = None,
    ) -> list[dict[str, Any]]:
        """Documents in the order of their score with a query, as the model's `rank` gives them.

        Raises:
            InputError: the query is not a text, or the documents not a list of texts.
            ArgumentError: the model has several labels, or an argument that cannot be.
            StoreError: the store fails, under `on_error="raise"`.
        """
        wanted, texts = check_ranking(self._reranker("rank").num_labels, query, documents, top_k)
        scores = self.predict(
            [(query, text) for text in texts], prompt_name, prompt, batch_size, show_progress_bar, activation_fn,
            device=device, pool=pool, chunk_size=chunk_size, activation_fct=activation_fct,
        )  # fmt: skip
        return ranked(scores, texts, wanted, return_documents)

    def _scored(self, model: CrossEncoder, arguments: dict[str, Any]) -> Any:
        inputs: Any = pick_inputs(arguments.pop("inputs", None), arguments.pop("sentences", None))
        if is_uncached(model, arguments):
            return model.predict(inputs, **arguments)
        pairs, single = check_pairs(inputs)
        settings, running = sorted_out(arguments)[:2]
        chosen = settings.pop("activation_fn", settings.pop("activation_fct", None))
        activation = model.activation_fn if chosen is None else given_activation(chosen)
        apply_softmax = bool(settings.pop("apply_softmax", False))
        show = want_progress(running.pop("show_progress_bar", None))

        def logits(missing: list[Any]) -> Floats:
            found = model.predict(missing, **settings, **running, show_progress_bar=False, activation_fn=no_activation)
            return np.reshape(found, (len(missing), model.num_labels))

        with progress_bar(show, len(pairs), "Scoring", "pair") as advance:
            asked = Asked("predict", pairs, settings, logits, DENSE, advance)
            rows = self._keeper.answer(asked) if pairs else logits([])
        scores = activated(rows, activation, apply_softmax)
        return shaped_scores(scores, single, arguments)

    def _encoded(self, method: str, arguments: dict[str, Any]) -> Any:
        """What the method of that name gives, from the store as far as it goes."""
        inputs = pick_inputs(arguments.pop("inputs", None), arguments.pop("sentences", None))
        encode = expect_taken(self.model, method, arguments)
        if is_uncached(self.model, arguments):
            return encode(inputs, **arguments)
        listed, task = keyed_texts(inputs, arguments.pop("task", None))
        arguments |= {} if task is None else {"task": task}
        texts, single = check_texts(listed)
        check_precision(arguments.get("precision"))
        return self._kept(method, encode, texts, arguments, single) if texts else encode(texts, **arguments)

    def _kept(self, method: str, encode: Any, texts: list[str], arguments: Mapping[str, Any], single: bool) -> Any:
        settings, running, shaping = sorted_out(arguments)
        is_sparse = hasattr(self.model, "sparsity")
        show = want_progress(running.pop("show_progress_bar", None))
        running |= {"show_progress_bar": False} if isinstance(self.model, Model) else {}  # a bar for each part
        with progress_bar(show, len(texts), "Encoding") as advance:
            form = SPARSE if is_sparse else DENSE
            asked = Asked(method, texts, settings, partial(encode, **settings, **running), form, advance)
            rows = self._keeper.answer(asked)
        return (shaped_sparse if is_sparse else shaped_dense)(rows, single, shaping)

    def _reranker(self, method: str) -> CrossEncoder:
        if not isinstance(self.model, CrossEncoder):
            raise ArgumentError(
                f"CachedModel.{method}: model is of the class {type(self.model).__name__}, expected a CrossEncoder of "
                "airvec. Open one."
            )
        return self.model


def _expect_kind(model: Any) -> None:
    """Refuse what has other methods than those that are cached."""
    dense = callable(getattr(model, "encode", None)) and not hasattr(model, "sparsity")
    if isinstance(model, KINDS) or (dense and not isinstance(model, Model)):
        return
    raise ArgumentError(
        f"CachedModel: model is of the class {type(model).__name__}, expected one of airvec's SentenceTransformer, "
        "SparseEncoder and CrossEncoder, or a dense model of another library. Give one of these."
    )


def _expect_outside(model: Any, store: Store) -> None:
    """A file in the model's folder would be part of the model."""
    if not (isinstance(model, Model) and isinstance(store, SQLiteStore)):
        return
    if store.path.resolve().is_relative_to(model.folder.resolve()):
        raise ArgumentError(
            f"store: {store.path} lies in the model's folder {model.folder}, whose files tell models apart, expected a "
            "file elsewhere. Name one."
        )
