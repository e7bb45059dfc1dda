"""`MultiEncoder`: texts → dense, lexical and multi-vector embeddings by one pass through one graph, as BGE-M3 has them.

Arguments, prompts and the shape of results; the two heads are in `token_heads.py`, what they give is scored in
`multi_embeddings.py`.
Knows nothing of graphs and of how embeddings are compared.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from airvec import multi_embeddings
from airvec.arguments import check_texts, checked_parts, want_progress
from airvec.arrays import Array, Features, Floats, Integers
from airvec.batching import check_batch_size
from airvec.checks import whole_number
from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder import DENSE
from airvec.folder.settings import COLBERT_HEAD, SPARSE_HEAD
from airvec.model import TEXTS_AT_ONCE, Model, ModelArguments
from airvec.multi_embeddings import MultiEmbedding, MultiEmbeddings
from airvec.pipeline import Pipeline, Progress
from airvec.progress import progress_bar
from airvec.prompts import document_name, query_name, resolve_prompt
from airvec.sparse_vectors import SparseVectors
from airvec.token_heads import TokenHeads
from airvec.weights import need_feature

if TYPE_CHECKING:
    from airvec.processes import Pool

STATES = "token_embeddings"


@dataclass(frozen=True)
class Wanted:
    """Which embeddings a call is to give."""

    dense: bool
    sparse: bool
    multi_vector: bool


class MultiEncoder(Model):
    """A model such as BGE-M3 that gives dense embeddings, lexical weights and a vector for each token at once.

    Args:
        model_name_or_path: a model folder, or a name on the Hub (`ORG/MODEL`; a bare name is one of `BAAI`), with the
            heads `sparse_linear.safetensors` and `colbert_linear.safetensors`, as `airvec export` writes them.
        backend: `"onnx"`, or another that `SentenceTransformer` takes.
        variant: `"auto"` = fp32; NAME = another graph that gives token states.
        prompts: texts to put in front of inputs, by name; over those saved with the model.
        default_prompt_name: the prompt that `encode` uses where a call names none.
        max_seq_length: most tokens of a text, special tokens included; None = as the folder states.
        cache_folder: where models from the Hub are kept; None = AIRVEC_CACHE, SENTENCE_TRANSFORMERS_HOME or
            the Hub client's own.
        revision: branch, tag or commit on the Hub.
        local_files_only: use what has been fetched before, without network.
        token: for private models on the Hub.
        threads: CPUs to use; None = AIRVEC_THREADS, else what affinity and cgroup grant.
        device: None or `"cpu"`; `"cuda"` where onnxruntime-gpu is installed.
        model_kwargs: `file_name`, `provider`, `provider_options`, `session_options`.
        processor_kwargs: `model_max_length`, `padding_side`.

    Raises:
        ModelNotFoundError: no such folder or name, or one without the heads.
        ModelFolderError: the folder is damaged or incomplete, or its graph gives no token states.
        ArgumentError: an argument that cannot be served.
    """

    kind = DENSE
    organisation = "BAAI"
    beside = (SPARSE_HEAD, COLBERT_HEAD)

    def __init__(
        self,
        model_name_or_path: str | PathLike[str],
        *,
        backend: str = "onnx",
        variant: str = "auto",
        prompts: Mapping[str, str | None] | None = None,
        default_prompt_name: str | None = None,
        max_seq_length: int | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        token: bool | str | None = None,
        threads: int | None = None,
        device: str | None = None,
        model_kwargs: Mapping[str, Any] | None = None,
        processor_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            ModelArguments(
                model_name_or_path, backend, variant, prompts, default_prompt_name, max_seq_length, cache_folder,
                revision, local_files_only, token, threads, device, model_kwargs, None, processor_kwargs,
            )
        )  # fmt: skip
        self._heads = self._open_heads()

    def __repr__(self) -> str:
        pipeline, heads = self._pipeline(), self._heads
        return (
            f"MultiEncoder({str(self._folder.path)!r}, dim={pipeline.output_dim}, "
            f"vocabulary={heads.lexical.vocabulary_size}, multi_vector_dim={len(heads.multi_vector.bias)}, "
            f"max_seq_length={self.max_seq_length})"
        )

    def encode(
        self,
        inputs: str | Sequence[str] | Array,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        *,
        dense: bool = True,
        sparse: bool = True,
        multi_vector: bool = False,
        pool: "Pool | None" = None,
        chunk_size: int | None = None,
    ) -> Any:
        """Embeddings of texts, of all kinds that are asked for by one pass through the graph.

        Args:
            inputs: a text, or a list, tuple or array of texts.
            prompt_name: which of `prompts` to put in front of each text.
            prompt: the text to put in front, instead.
            batch_size: most texts in a batch; None = by a budget of tokens, which is fastest. Results do not
                depend on it.
            show_progress_bar: None = if the logger `airvec` shows INFO.
            dense: whether to give the embedding that `SentenceTransformer` gives.
            sparse: whether to give lexical weights, one a word of the text.
            multi_vector: whether to give a vector for each token but the first: 4 x width bytes a token.
            pool: processes of `start_multi_process_pool`, to share the work.
            chunk_size: texts that a process gets at once; None = by their number.

        Returns:
            `MultiEmbeddings` in input order; a `MultiEmbedding` for a single text.

        Raises:
            InputError: an input that is not a text, or not valid Unicode.
            ArgumentError: an argument that cannot be.
        """
        texts, single = check_texts(inputs)
        where = self._pool_options(pool, None, chunk_size)
        check_batch_size(batch_size)
        wanted = _wanted(dense, sparse, multi_vector)
        text = resolve_prompt(self.prompts, self.default_prompt_name, prompt_name, prompt)
        with progress_bar(want_progress(show_progress_bar), len(texts), "Encoding") as advance:
            found = self._in_parts(self._multi, texts, (text, batch_size, wanted), where, advance)
        embeddings = MultiEmbeddings.concatenate(found or [self._multi([], text, batch_size, wanted)])
        return embeddings[0] if single else embeddings

    def encode_query(
        self,
        inputs: str | Sequence[str] | Array,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        *,
        dense: bool = True,
        sparse: bool = True,
        multi_vector: bool = False,
        pool: "Pool | None" = None,
        chunk_size: int | None = None,
    ) -> Any:
        """As `encode`, with the prompt `"query"` where the call names none."""
        if prompt_name is None and prompt is None:
            prompt_name = query_name(self.prompts)
        return self.encode(
            inputs, prompt_name, prompt, batch_size, show_progress_bar, dense=dense, sparse=sparse,
            multi_vector=multi_vector, pool=pool, chunk_size=chunk_size,
        )  # fmt: skip

    def encode_document(
        self,
        inputs: str | Sequence[str] | Array,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        *,
        dense: bool = True,
        sparse: bool = True,
        multi_vector: bool = False,
        pool: "Pool | None" = None,
        chunk_size: int | None = None,
    ) -> Any:
        """As `encode`, with the prompt `"document"`, else `"passage"`, else `"corpus"` where the call names none."""
        if prompt_name is None and prompt is None:
            prompt_name = document_name(self.prompts)
        return self.encode(
            inputs, prompt_name, prompt, batch_size, show_progress_bar, dense=dense, sparse=sparse,
            multi_vector=multi_vector, pool=pool, chunk_size=chunk_size,
        )  # fmt: skip

    def encode_stream(
        self,
        inputs: Iterable[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        *,
        dense: bool = True,
        sparse: bool = True,
        multi_vector: bool = False,
        chunk_size: int = TEXTS_AT_ONCE,
    ) -> Iterator[MultiEmbeddings]:
        """Embeddings of any iterable of texts, as it is read: for corpora whose results do not fit in memory.

        A generator or an open file is read only as far as its embeddings are asked for. The arguments are those of
        `encode`; besides, `chunk_size` is the number of texts a part, of which the last may have fewer. Each part is
        whole in memory: with multi-vectors, take few texts.

        Yields:
            `MultiEmbeddings` of `chunk_size` texts, in input order.

        Raises:
            InputError: an item that is not a text, when it is reached; the parts before it have been given.
        """
        if isinstance(inputs, (str, bytes)) or not isinstance(inputs, Iterable):
            inputs, _ = check_texts(inputs)
        whole_number("chunk_size", chunk_size)
        check_batch_size(batch_size)
        wanted = _wanted(dense, sparse, multi_vector)
        text = resolve_prompt(self.prompts, self.default_prompt_name, prompt_name, prompt)
        parts = checked_parts(iter(inputs), chunk_size)
        show = want_progress(show_progress_bar)

        def stream() -> Iterator[MultiEmbeddings]:
            with progress_bar(show, None, "Encoding") as advance:
                for _, part in parts:
                    yield self._multi(part, text, batch_size, wanted, advance)

        return stream()

    @staticmethod
    def score(
        queries: MultiEmbeddings | MultiEmbedding,
        documents: MultiEmbeddings | MultiEmbedding,
        weights: Sequence[float] | None = None,
    ) -> Floats:
        """Weighted mean of the similarities of every query with every document: float32 (n, m).

        Dense and sparse embeddings are compared by their dot products, multi-vectors by MaxSim over the number of the
        query's tokens.

        Args:
            queries: n texts.
            documents: m texts.
            weights: of dense, sparse and multi_vector, not negative; a part of weight 0 is not needed. None = equal
                weights of the parts that both sides have.

        Raises:
            ArgumentError: a part of a weight above 0 that one side does not have, or weights that are none.
        """
        return multi_embeddings.score(queries, documents, weights)

    @staticmethod
    def score_pairwise(
        queries: MultiEmbeddings | MultiEmbedding,
        documents: MultiEmbeddings | MultiEmbedding,
        weights: Sequence[float] | None = None,
    ) -> Floats:
        """As `score`, of query i with document i: float32 (n,)."""
        return multi_embeddings.score_pairwise(queries, documents, weights)

    @cached_property
    def vocabulary(self) -> list[str]:
        """The token of each dimension of sparse embeddings, as the tokenizer writes it (with `▁` or `##`)."""
        tokens = {number: token for token, number in self.tokenizer.get_vocab().items()}
        size = self._heads.lexical.vocabulary_size
        return [tokens.get(number, f"[dimension {number}]") for number in range(size)]

    def get_embedding_dimension(self) -> int:
        """Width of the dense embeddings."""
        return self._pipeline().output_dim

    def _multi(
        self, texts: Sequence[str], prompt: str, batch_size: int | None, wanted: Wanted,
        advance: Progress = lambda _: None,
    ) -> MultiEmbeddings:  # fmt: skip
        """One part of a call's texts; the processes of a pool call it by name."""
        pipeline, heads = self._pipeline(), self._heads
        dense = np.empty((len(texts), pipeline.output_dim), np.float32) if wanted.dense else None
        multi: list[Any] | None = [None] * len(texts) if wanted.multi_vector else None
        sparse: list[tuple[Integers, SparseVectors]] = []

        def take(rows: Integers, features: Features) -> None:
            states, mask = need_feature(features, STATES, "modules.json"), features["attention_mask"]
            if dense is not None:
                dense[rows] = need_feature(features, pipeline.output, "modules.json")
            if wanted.sparse:
                sparse.append((rows, heads.lexical.rows(states, features["input_ids"], mask)))
            if multi is not None:
                for row, vectors in zip(rows, heads.multi_vector.vectors(states, mask), strict=True):
                    multi[row] = vectors

        pipeline.run(texts, prompt, batch_size, take, advance)
        lexical = _in_order(sparse, heads.lexical.vocabulary_size) if wanted.sparse else None
        return MultiEmbeddings(dense, lexical, multi)

    def _open_heads(self) -> TokenHeads:
        if self._folder.has_routes:
            raise ModelFolderError(
                f"{self._folder.name}: {len(self._folder.bodies())} routes, expected one body with two heads. Open it "
                "with airvec.SentenceTransformer."
            )
        pipeline = self._pipeline()
        hidden = _states_width(self._folder.name, pipeline)
        changed = [spec.type for spec in self._folder.modules[1:] if STATES in spec.config.values.values()]
        if changed:
            raise ModelFolderError(
                f"{self._folder.name}: module {changed[0]!r} changes the token states, which the heads read as the "
                "body gives them. Open it with airvec.SentenceTransformer."
            )
        return TokenHeads.open(self._folder, pipeline.tokenizer, hidden)


def _states_width(name: str, pipeline: Pipeline) -> int:
    width = pipeline.backend.output_dim
    if pipeline.backend.pools or width is None:
        found = pipeline.output if pipeline.backend.pools else "states of a width that it does not state"
        raise ModelFolderError(
            f"{name}: its graph gives {found}, expected last_hidden_state, which the heads read. "
            'Use the graph that gives it, with variant="fp32", or export the model again with airvec export.'
        )
    return width


def _wanted(dense: bool, sparse: bool, multi_vector: bool) -> Wanted:
    wanted = Wanted(bool(dense), bool(sparse), bool(multi_vector))
    if not any(vars(wanted).values()):
        raise ArgumentError(f"{', '.join(vars(wanted))}: all {dense!r}, expected one or more. Set one to True.")
    return wanted


def _in_order(found: Sequence[tuple[Integers, SparseVectors]], dim: int) -> SparseVectors:
    """The rows of all batches in input order."""
    if not found:
        return SparseVectors.from_rows([], dim)
    order = np.argsort(np.concatenate([rows for rows, _ in found]))
    return SparseVectors.concatenate([vectors for _, vectors in found])[order]
