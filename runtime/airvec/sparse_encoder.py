"""`SparseEncoder`: texts → sparse embeddings, one weight a word, with sentence-transformers' names and arguments.

Arguments, prompts and the shape of results; the way of a text itself is in `pipeline.py`.
Knows nothing of graphs, modules and token ids.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from airvec.arguments import (
    check_similarity_name,
    check_texts,
    checked_parts,
    keyed_texts,
    pick_inputs,
    want_progress,
)
from airvec.arrays import Array, Floats
from airvec.batching import check_batch_size
from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec.folder import SPARSE
from airvec.model import TEXTS_AT_ONCE, Model, ModelArguments
from airvec.modules.sparse_auto_encoder import DEFAULT_K
from airvec.pipeline import Pipeline, Progress
from airvec.progress import progress_bar
from airvec.prompts import document_name, query_name, resolve_prompt
from airvec.similarity import SIMILARITIES
from airvec.sparse_vectors import SparseVector, SparseVectors, intersection
from airvec.tokenizer import open_tokenizer

if TYPE_CHECKING:
    from airvec.processes import Pool

AUTO_ENCODER = "SparseAutoEncoder"
# What `decode` and the like take: one vector or rows, sparse or dense.
Sparse = SparseVector | SparseVectors | Sequence[SparseVector] | Array


class SparseEncoder(Model):
    """A model that turns texts into sparse embeddings: SPLADE, inference-free models, sparse autoencoders.

    Args:
        model_name_or_path: a model folder, or a name on the Hub (`ORG/MODEL`; a bare name is one of `sparse-encoder`).
        backend: `"onnx"`; `"openvino"` where that package is installed, as does any variant `"openvino-NAME"`.
        variant: `"auto"` = fp32, with the pooling inside the graph where the folder has such a one; NAME = the graph
            `onnx/model_NAME.onnx`; `"fastest"` = that of `backend`'s graphs which was measured to be.
        prompts: texts to put in front of inputs, by name; over those saved with the model.
        default_prompt_name: the prompt that `encode` uses where a call names none.
        similarity_fn_name: `"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`; None = as saved, else dot.
        max_active_dims: weights to keep of an embedding, the largest; None = as saved, else all, or the k of a sparse
            autoencoder.
        max_seq_length: most tokens of a text, special tokens included; None = as the folder states.
        cache_folder: where models from the Hub are kept; None = AIRVEC_CACHE, SENTENCE_TRANSFORMERS_HOME or
            the Hub client's own.
        revision: branch, tag or commit on the Hub.
        local_files_only: use what has been fetched before, without network.
        token: for private models on the Hub.
        threads: CPUs to use; None = AIRVEC_THREADS, else what affinity and cgroup grant.
        device: None or `"cpu"`; `"cuda"` where onnxruntime-gpu is installed.
        trust_remote_code: accepted and without effect: airvec never runs code from model folders.
        model_kwargs: `file_name`, `provider`, `provider_options`, `session_options`.
        tokenizer_kwargs: old name of `processor_kwargs`.
        processor_kwargs: `model_max_length`, `padding_side`.

    Raises:
        ModelNotFoundError: no such folder or name.
        ModelFolderError: the folder is damaged, incomplete, or no sparse model's.
        ArgumentError: an argument that cannot be served.
    """

    kind = SPARSE
    organisation = "sparse-encoder"
    # Of code written for the reference, which needs it to save memory: here memory is bounded without it.
    splade_pooling_chunk_size: int | None = None

    def __init__(
        self,
        model_name_or_path: str | PathLike[str],
        *,
        backend: str = "onnx",
        variant: str = "auto",
        prompts: Mapping[str, str | None] | None = None,
        default_prompt_name: str | None = None,
        similarity_fn_name: str | None = None,
        max_active_dims: int | None = None,
        max_seq_length: int | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        token: bool | str | None = None,
        threads: int | None = None,
        device: str | None = None,
        trust_remote_code: bool = False,
        model_kwargs: Mapping[str, Any] | None = None,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
        processor_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            ModelArguments(
                model_name_or_path, backend, variant, prompts, default_prompt_name, max_seq_length, cache_folder,
                revision, local_files_only, token, threads, device, model_kwargs, tokenizer_kwargs, processor_kwargs,
            )
        )  # fmt: skip
        self.similarity_fn_name = similarity_fn_name or self._folder.similarity_fn_name or "dot"
        self.max_active_dims = self._saved_active_dims() if max_active_dims is None else max_active_dims

    def __repr__(self) -> str:
        dim, limit = self.get_embedding_dimension(), self.max_seq_length
        return f"SparseEncoder({str(self._folder.path)!r}, dim={dim}, max_seq_length={limit})"

    def encode(
        self,
        inputs: str | Sequence[str] | Array | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        convert_to_tensor: bool = True,
        convert_to_sparse_tensor: bool = True,
        save_to_cpu: bool = False,
        device: str | list[str] | None = None,
        max_active_dims: int | None = None,
        pool: "Pool | None" = None,
        chunk_size: int | None = None,
        *,
        task: str | None = None,
        sentences: str | Sequence[str] | None = None,
    ) -> Any:
        """Sparse embeddings of texts.

        Args:
            inputs: a text, or a list, tuple or array of texts.
            prompt_name: which of `prompts` to put in front of each text.
            prompt: the text to put in front, instead.
            batch_size: most texts in a batch; None = by a budget of tokens, which is fastest. Results do not
                depend on it.
            show_progress_bar: None = if the logger `airvec` shows INFO.
            convert_to_tensor: False gives a list of vectors.
            convert_to_sparse_tensor: False gives dense arrays.
            save_to_cpu: accepted and without effect: results are in memory.
            device: may repeat the model's own, or list the devices of processes to start for this call.
            max_active_dims: weights to keep of each embedding in this call, the largest by absolute value.
            pool: processes of `start_multi_process_pool`, to share the work.
            chunk_size: texts that a process gets at once; None = by their number.
            task: which route of a Router the texts take, such as `"query"`.
            sentences: old name of `inputs`.

        Returns:
            `SparseVectors` (n, dim) in input order; a `SparseVector` for a single text. With
            `convert_to_sparse_tensor=False` float32 (n, dim), or (dim,).

        Raises:
            InputError: an input that is not a text, or not valid Unicode.
            ArgumentError: an argument that cannot be.
        """
        given, task = keyed_texts(pick_inputs(inputs, sentences), task)
        texts, single = check_texts(given)
        where = self._pool_options(pool, device, chunk_size)
        check_batch_size(batch_size)
        most = self._active_dims(max_active_dims)
        text = resolve_prompt(self.prompts, self.default_prompt_name, prompt_name, prompt)
        with progress_bar(want_progress(show_progress_bar), len(texts), "Encoding") as advance:
            found = self._in_parts(self._sparse, texts, (text, task, batch_size, most), where, advance)
        vectors = SparseVectors.concatenate(found or [self._sparse([], text, task, batch_size, most)])
        result = vectors if convert_to_sparse_tensor else vectors.to_dense()
        if single:
            return result[0]
        return result if convert_to_tensor else list(result)

    def encode_query(
        self,
        inputs: str | Sequence[str] | Array | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        convert_to_tensor: bool = True,
        convert_to_sparse_tensor: bool = True,
        save_to_cpu: bool = False,
        device: str | list[str] | None = None,
        max_active_dims: int | None = None,
        pool: "Pool | None" = None,
        chunk_size: int | None = None,
        *,
        task: str | None = None,
        sentences: str | Sequence[str] | None = None,
    ) -> Any:
        """As `encode`, by the route and with the prompt `"query"` where the call names none."""
        if prompt_name is None and prompt is None:
            prompt_name = query_name(self.prompts)
        return self.encode(
            inputs, prompt_name, prompt, batch_size, show_progress_bar, convert_to_tensor, convert_to_sparse_tensor,
            save_to_cpu, device, max_active_dims, pool, chunk_size, task=task or "query", sentences=sentences,
        )  # fmt: skip

    def encode_document(
        self,
        inputs: str | Sequence[str] | Array | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        convert_to_tensor: bool = True,
        convert_to_sparse_tensor: bool = True,
        save_to_cpu: bool = False,
        device: str | list[str] | None = None,
        max_active_dims: int | None = None,
        pool: "Pool | None" = None,
        chunk_size: int | None = None,
        *,
        task: str | None = None,
        sentences: str | Sequence[str] | None = None,
    ) -> Any:
        """As `encode`, by the route `"document"`, with the prompt of that name, else `"passage"`, else `"corpus"`."""
        if prompt_name is None and prompt is None:
            prompt_name = document_name(self.prompts)
        return self.encode(
            inputs, prompt_name, prompt, batch_size, show_progress_bar, convert_to_tensor, convert_to_sparse_tensor,
            save_to_cpu, device, max_active_dims, pool, chunk_size, task=task or "document", sentences=sentences,
        )  # fmt: skip

    def encode_stream(
        self,
        inputs: Iterable[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        max_active_dims: int | None = None,
        *,
        chunk_size: int = TEXTS_AT_ONCE,
        task: str | None = None,
    ) -> Iterator[SparseVectors]:
        """Sparse embeddings of any iterable of texts, as it is read: for corpora that do not fit in memory.

        A generator or an open file is read only as far as its embeddings are asked for. The arguments are those of
        `encode`; besides, `chunk_size` is the number of texts a part, of which the last may have fewer.

        Yields:
            `SparseVectors` (chunk_size, dim), in input order.

        Raises:
            InputError: an item that is not a text, when it is reached; the parts before it have been given.
        """
        if isinstance(inputs, (str, bytes)) or not isinstance(inputs, Iterable):
            inputs, _ = check_texts(inputs)
        whole_number("chunk_size", chunk_size)
        check_batch_size(batch_size)
        most = self._active_dims(max_active_dims)
        text = resolve_prompt(self.prompts, self.default_prompt_name, prompt_name, prompt)
        parts = checked_parts(iter(inputs), chunk_size)
        show = want_progress(show_progress_bar)

        def stream() -> Iterator[SparseVectors]:
            with progress_bar(show, None, "Encoding") as advance:
                for _, part in parts:
                    yield self._sparse(part, text, task, batch_size, most, advance)

        return stream()

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Floats:
        """Similarity of every row of one (n, dim) with every row of the other (m, dim): float32 (n, m)."""
        return SIMILARITIES[self.similarity_fn_name][0](embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Floats:
        """Similarity of row i of one with row i of the other, both (n, dim): float32 (n,)."""
        return SIMILARITIES[self.similarity_fn_name][1](embeddings1, embeddings2)

    @property
    def similarity_fn_name(self) -> str:
        """`"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`."""
        return self._similarity

    @similarity_fn_name.setter
    def similarity_fn_name(self, name: str) -> None:
        self._similarity = check_similarity_name(name)

    @property
    def max_active_dims(self) -> int | None:
        """Weights that `encode` keeps of an embedding where a call names no number; None = all."""
        return self._max_active_dims

    @max_active_dims.setter
    def max_active_dims(self, count: int | None) -> None:
        self._max_active_dims = None if count is None else whole_number("max_active_dims", count)

    @cached_property
    def vocabulary(self) -> list[str]:
        """The word of each dimension, as the tokenizer writes it (with `##` or `Ġ`); opens no graph.

        A dimension that is no token, as models are padded up with, is `"[dimension 30522]"`.

        Raises:
            ArgumentError: the dimensions are those of a sparse autoencoder, which are no words.
        """
        if any(module.type == AUTO_ENCODER for module in self._folder.modules):
            raise ArgumentError(
                f"vocabulary: the dimensions of {self._folder.name} are a {AUTO_ENCODER}'s and stand for no words. "
                "Use the indices themselves."
            )
        body = self._folder.bodies()[0]
        backend = open_tokenizer(self._tokenizers[body.home]).backend
        tokens = {number: token for token, number in backend.get_vocab().items()}
        size = max(len(tokens), 1 + max(tokens, default=-1), body.config.integer("vocab_size") or 0)
        return [tokens.get(number, f"[dimension {number}]") for number in range(size)]

    def decode(self, embeddings: Sparse, top_k: int | None = None) -> Any:
        """The words of embeddings with their weights, largest first.

        Args:
            embeddings: one embedding or rows, sparse or dense (dim,) or (n, dim).
            top_k: most words of each; None = all.

        Returns:
            `[(word, weight), …]` for one embedding, a list of such lists for rows.

        Raises:
            ArgumentError: `top_k` is below 1, the embeddings are of other dimensions than the model's, or these
                stand for no words.
        """
        words, vectors = self.vocabulary, _as_sparse(embeddings)
        if vectors.dim != len(words) and vectors.dim != (dim := self.get_embedding_dimension()):
            raise ArgumentError(
                f"embeddings: {vectors.dim} dimensions, but the model has {dim}. Decode them with the model that made "
                "them."
            )
        return vectors.to_tokens(words, top_k)

    @staticmethod
    def sparsity(embeddings: Sparse) -> dict[str, float]:
        """`active_dims`, the mean number of weights that are not 0, and `sparsity_ratio`, the share that is."""
        return _as_sparse(embeddings).sparsity()

    @staticmethod
    def intersection(embeddings_1: Sparse, embeddings_2: Sparse) -> SparseVector | SparseVectors:
        """What each word adds to the dot product of one embedding with others: the products above 0.

        Args:
            embeddings_1: one embedding (dim,).
            embeddings_2: one, or rows (n, dim).

        Returns:
            A `SparseVector`, or `SparseVectors` (n, dim), as `embeddings_2` is one or rows.

        Raises:
            ArgumentError: `embeddings_1` is several, or the dimensions differ.
        """
        return intersection(cast("SparseVector", _as_sparse(embeddings_1)), _as_sparse(embeddings_2))

    def get_embedding_dimension(self) -> int:
        """Width of the embeddings: the size of the vocabulary, or of a sparse autoencoder."""
        return self._cheapest_pipeline().output_dim

    def get_sentence_embedding_dimension(self) -> int:
        """Old name of `get_embedding_dimension`."""
        return self.get_embedding_dimension()

    def _sparse(
        self, texts: Sequence[str], prompt: str, task: str | None, batch_size: int | None, max_active_dims: int | None,
        advance: Progress = lambda _: None,
    ) -> SparseVectors:  # fmt: skip
        """One part of a call's texts; the processes of a pool call it by name."""
        return self._pipeline(task).sparse(texts, prompt, batch_size, max_active_dims, advance)

    def _active_dims(self, given: int | None) -> int | None:
        return self.max_active_dims if given is None else whole_number("max_active_dims", given)

    def _saved_active_dims(self) -> int | None:
        """What was saved with the model, else the k of its sparse autoencoder."""
        encoders = [module for module in self._folder.modules if module.type == AUTO_ENCODER]
        k = encoders[0].config.integer("k", DEFAULT_K) if encoders else None
        return self._folder.max_active_dims or k

    def _cheapest_pipeline(self) -> Pipeline:
        """One of a Router's routes, all of the same width: best one whose body is a table."""
        routers = [module.router for module in self._folder.modules if module.router]
        tasks = list(routers[0].routes) if routers else [None]
        return self._pipeline(min(tasks, key=lambda task: self._folder.chain(task)[0].type == "Transformer"))


def _as_sparse(embeddings: object) -> SparseVector | SparseVectors:
    """One embedding or rows, as they were given."""
    if isinstance(embeddings, SparseVector | SparseVectors):
        return embeddings
    if isinstance(embeddings, list | tuple):
        listed = cast("Sequence[object]", embeddings)
        vectors = [one for one in listed if isinstance(one, SparseVector)]
        if vectors and len(vectors) == len(listed):
            return SparseVectors.from_rows(vectors)
    array: Array = np.asarray(embeddings)
    return SparseVectors.from_dense(array[None])[0] if array.ndim == 1 else SparseVectors.from_dense(array)
