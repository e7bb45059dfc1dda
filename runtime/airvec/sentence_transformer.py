"""`SentenceTransformer`: texts → dense embeddings, with sentence-transformers' names and arguments.

Arguments, prompts and the shape of results; the way of a text itself is in `pipeline.py`.
Knows nothing of graphs, modules and token ids.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any

from airvec.arguments import (
    check_dim,
    check_output_value,
    check_similarity_name,
    check_texts,
    checked_parts,
    keyed_texts,
    pick_inputs,
    want_progress,
    warn_once,
)
from airvec.arrays import Array, Features, Floats, Vectors
from airvec.batching import check_batch_size
from airvec.checks import whole_number
from airvec.destination import Add, Out, check_out, filled
from airvec.errors import ArgumentError
from airvec.folder import DEFAULT_MODEL, DENSE
from airvec.model import TEXTS_AT_ONCE, Model, ModelArguments
from airvec.modules.normalize import unit
from airvec.pipeline import Progress, check_on_truncate
from airvec.precision import check_precision
from airvec.progress import progress_bar
from airvec.prompts import document_name, query_name, resolve_prompt

if TYPE_CHECKING:
    from airvec.processes import Pool


class SentenceTransformer(Model):
    """A model that turns texts into dense embeddings.

    Args:
        model_name_or_path: a model folder, or a name on the Hub (`ORG/MODEL`; a bare name is one of
            `sentence-transformers`); None = the small English model inside airvec, which needs no download.
        backend: `"onnx"`; `"openvino"` where that package is installed, as does any variant `"openvino-NAME"`.
        variant: `"auto"` = fp32; NAME = the graph `onnx/model_NAME.onnx`; `"fastest"` = that of the folder's
            graphs for `backend` which was measured to be.
        prompts: texts to put in front of inputs, by name; over those saved with the model.
        default_prompt_name: the prompt that `encode` uses where a call names none.
        similarity_fn_name: `"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`; None = as saved, else cosine.
        truncate_dim: dimensions to keep; None = as saved, else all.
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
        ModelFolderError: the folder is damaged, incomplete, or needs code from outside sentence-transformers.
        ArgumentError: an argument that cannot be served.
    """

    kind = DENSE
    organisation = "sentence-transformers"

    def __init__(
        self,
        model_name_or_path: str | PathLike[str] | None = None,
        *,
        backend: str = "onnx",
        variant: str = "auto",
        prompts: Mapping[str, str | None] | None = None,
        default_prompt_name: str | None = None,
        similarity_fn_name: str | None = None,
        truncate_dim: int | None = None,
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
        name = DEFAULT_MODEL if model_name_or_path is None else model_name_or_path
        super().__init__(
            ModelArguments(
                name, backend, variant, prompts, default_prompt_name, max_seq_length, cache_folder, revision,
                local_files_only, token, threads, device, model_kwargs, tokenizer_kwargs, processor_kwargs,
            )
        )  # fmt: skip
        self.similarity_fn_name = similarity_fn_name or self._folder.similarity_fn_name or "cosine"
        self.truncate_dim = self._folder.truncate_dim if truncate_dim is None else truncate_dim

    def __repr__(self) -> str:
        dim, limit = self.get_embedding_dimension(), self.max_seq_length
        return f"SentenceTransformer({str(self._folder.path)!r}, dim={dim}, max_seq_length={limit})"

    def encode(
        self,
        inputs: str | Sequence[str] | Array | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str | None = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | list[str] | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: "Pool | None" = None,
        chunk_size: int | None = None,
        *,
        task: str | None = None,
        on_truncate: str = "ignore",
        sentences: str | Sequence[str] | None = None,
        out: Out | None = None,
    ) -> Any:
        """Embeddings of texts.

        Args:
            inputs: a text, or a list, tuple or array of texts.
            prompt_name: which of `prompts` to put in front of each text.
            prompt: the text to put in front, instead.
            batch_size: most texts in a batch; None = by a budget of tokens, which is fastest. Results do not
                depend on it.
            show_progress_bar: None = if the logger `airvec` shows INFO.
            output_value: `"sentence_embedding"`; `"token_embeddings"` for a list of (tokens, dim) arrays; None for
                a list of dicts of all features.
            precision: `"float32"`, `"int8"`, `"uint8"`, `"binary"` or `"ubinary"`: see `util.quantize_embeddings`.
            convert_to_numpy: False gives a list of vectors.
            convert_to_tensor: gives the same NumPy array, and warns once.
            device: may repeat the model's own, or list the devices of processes to start for this call.
            normalize_embeddings: scale each embedding to length 1, after `truncate_dim`.
            truncate_dim: dimensions to keep in this call.
            pool: processes of `start_multi_process_pool`, to share the work.
            chunk_size: texts that a process gets at once; None = by their number.
            task: which route of a Router the texts take, such as `"query"`.
            on_truncate: for texts over `max_seq_length`: `"ignore"` and `"warn"` cut them, `"error"` refuses them,
                `"chunk"` averages the embeddings of all their windows (every embedding then has length 1).
            sentences: old name of `inputs`.
            out: for results larger than memory: an array (n, dim) to write to and return, such as a memory-mapped one,
                or the path of a `.npy` file to write, whole or not at all, and to return mapped and read-only.

        Returns:
            float32 (n, dim) in input order; (dim,) for a single text; (0, dim) for an empty list. int8 or uint8 where
            `precision` asks for it. `out`, where it is an array.

        Raises:
            InputError: an input that is not a text, or not valid Unicode.
            TruncationError: a text over the limit under `on_truncate="error"`.
            ArgumentError: an argument that cannot be.
        """
        given, task = keyed_texts(pick_inputs(inputs, sentences), task)
        texts, single = check_texts(given)
        where = self._pool_options(pool, device, chunk_size)
        check_batch_size(batch_size)
        check_precision(precision)
        check_dim("truncate_dim", truncate_dim)
        check_output_value(output_value, check_on_truncate(on_truncate))
        check_out(out, single=single, output_value=output_value, as_numpy=convert_to_numpy, as_tensor=convert_to_tensor)
        text = resolve_prompt(self.prompts, self.default_prompt_name, prompt_name, prompt)
        self._pipeline(task).tell_long(texts, text, on_truncate)
        with progress_bar(want_progress(show_progress_bar), len(texts), "Encoding") as advance:
            if output_value != "sentence_embedding":
                parts = self._in_parts(self._features, texts, (text, task, batch_size, output_value), where, advance)
                return parts[0][0] if single else [features for part in parts for features in part]
            dim, settings = self._dim(truncate_dim, task), (text, task, batch_size, on_truncate)

            def fill(add: Add) -> None:
                def take(part: Floats) -> None:
                    add(self._finish(part, normalize_embeddings, dim, on_truncate))

                # Rows that are the result as they come are all written where they stay; others wait in parts.
                stay = out is None and check_precision(precision) == "float32" and not normalize_embeddings
                stay = stay and dim == self._pipeline(task).output_dim
                self._in_parts(self._embed, texts, settings, where, advance, take, len(texts) if stay else None)

            result = filled(out, len(texts), dim, precision, fill)
        return _shaped(result, single, convert_to_numpy, convert_to_tensor)

    def encode_query(
        self,
        inputs: str | Sequence[str] | Array | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str | None = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | list[str] | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: "Pool | None" = None,
        chunk_size: int | None = None,
        *,
        task: str | None = None,
        on_truncate: str = "ignore",
        sentences: str | Sequence[str] | None = None,
        out: Out | None = None,
    ) -> Any:
        """As `encode`, with the prompt `"query"` where the call names none."""
        if prompt_name is None and prompt is None:
            prompt_name = query_name(self.prompts)
        return self.encode(
            inputs, prompt_name, prompt, batch_size, show_progress_bar, output_value, precision, convert_to_numpy,
            convert_to_tensor, device, normalize_embeddings, truncate_dim, pool, chunk_size, task=task or "query",
            on_truncate=on_truncate, sentences=sentences, out=out,
        )  # fmt: skip

    def encode_document(
        self,
        inputs: str | Sequence[str] | Array | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str | None = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | list[str] | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: "Pool | None" = None,
        chunk_size: int | None = None,
        *,
        task: str | None = None,
        on_truncate: str = "ignore",
        sentences: str | Sequence[str] | None = None,
        out: Out | None = None,
    ) -> Any:
        """As `encode`, with the prompt `"document"`, else `"passage"`, else `"corpus"` where the call names none."""
        if prompt_name is None and prompt is None:
            prompt_name = document_name(self.prompts)
        return self.encode(
            inputs, prompt_name, prompt, batch_size, show_progress_bar, output_value, precision, convert_to_numpy,
            convert_to_tensor, device, normalize_embeddings, truncate_dim, pool, chunk_size, task=task or "document",
            on_truncate=on_truncate, sentences=sentences, out=out,
        )  # fmt: skip

    def encode_stream(
        self,
        inputs: Iterable[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        *,
        chunk_size: int = TEXTS_AT_ONCE,
        task: str | None = None,
        on_truncate: str = "ignore",
    ) -> Iterator[Floats]:
        """Embeddings of any iterable of texts, in arrays, as it is read: for corpora that do not fit in memory.

        A generator or an open file is read only as far as its embeddings are asked for. The arguments are those of
        `encode`; besides, `chunk_size` is the number of texts an array, of which the last may have fewer.

        Yields:
            float32 (chunk_size, dim), in input order.

        Raises:
            InputError: an item that is not a text, when it is reached; the arrays before it have been given.
        """
        if isinstance(inputs, (str, bytes)) or not isinstance(inputs, Iterable):
            inputs, _ = check_texts(inputs)
        whole_number("chunk_size", chunk_size)
        check_batch_size(batch_size)
        check_on_truncate(on_truncate)
        check_dim("truncate_dim", truncate_dim)
        text = resolve_prompt(self.prompts, self.default_prompt_name, prompt_name, prompt)
        parts = checked_parts(iter(inputs), chunk_size)
        show = want_progress(show_progress_bar)

        def stream() -> Iterator[Floats]:
            with progress_bar(show, None, "Encoding") as advance:
                for first, part in parts:
                    self._pipeline(task).tell_long(part, text, on_truncate, first)
                    found = self._embed(part, text, task, batch_size, on_truncate, advance)
                    yield self._finish(found, normalize_embeddings, self._dim(truncate_dim, task), on_truncate)

        return stream()

    def similarity(self, embeddings1: Vectors, embeddings2: Vectors) -> Floats:
        """Similarity of every row of one (n, dim) with every row of the other (m, dim): float32 (n, m)."""
        from airvec.similarity import SIMILARITIES

        return SIMILARITIES[self.similarity_fn_name][0](embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Vectors, embeddings2: Vectors) -> Floats:
        """Similarity of row i of one with row i of the other, both (n, dim): float32 (n,)."""
        from airvec.similarity import SIMILARITIES

        return SIMILARITIES[self.similarity_fn_name][1](embeddings1, embeddings2)

    @property
    def similarity_fn_name(self) -> str:
        """`"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`."""
        return self._similarity

    @similarity_fn_name.setter
    def similarity_fn_name(self, name: str) -> None:
        self._similarity = check_similarity_name(name)

    @property
    def truncate_dim(self) -> int | None:
        """Dimensions that `encode` keeps where a call names none; None = all."""
        return self._truncate_dim

    @truncate_dim.setter
    def truncate_dim(self, dim: int | None) -> None:
        self._truncate_dim = check_dim("truncate_dim", dim)

    def get_embedding_dimension(self) -> int:
        """Width of the embeddings, `truncate_dim` counted."""
        width = self._pipeline().output_dim
        return min(width, self.truncate_dim or width)

    def get_sentence_embedding_dimension(self) -> int:
        """Old name of `get_embedding_dimension`."""
        return self.get_embedding_dimension()

    @contextmanager
    def truncate_embeddings(self, truncate_dim: int | None) -> Generator[None]:
        """Inside `with`, encode to the first `truncate_dim` dimensions."""
        before, self.truncate_dim = self.truncate_dim, truncate_dim
        try:
            yield
        finally:
            self.truncate_dim = before

    def _embed(
        self, texts: Sequence[str], prompt: str, task: str | None, batch_size: int | None, on_truncate: str,
        advance: Progress,
    ) -> Floats:  # fmt: skip
        """One part of a call's texts; the processes of a pool call it by name."""
        return self._pipeline(task).embed(texts, prompt, batch_size, on_truncate, advance)

    def _features(
        self, texts: list[str], prompt: str, task: str | None, batch_size: int | None, output: str | None,
        advance: Progress,
    ) -> list[Any]:  # fmt: skip
        """As `_embed`, for `output_value="token_embeddings"` and None."""
        found: list[Features] = [{} for _ in texts]
        for row, features in self._pipeline(task).features(texts, prompt, batch_size):
            found[row] = features
            advance(1)
        if output is None:
            return found
        if found and output not in found[0]:
            raise ArgumentError(
                f"output_value: {output!r}, but this model has {', '.join(found[0])}. Use one of these."
            )
        return [features[output] for features in found]

    def _dim(self, truncate_dim: int | None, task: str | None) -> int:
        """Width of what a call gives."""
        width = self._pipeline(task).output_dim
        return min(width, check_dim("truncate_dim", truncate_dim) or self.truncate_dim or width)

    def _finish(self, embeddings: Floats, normalize: bool, dim: int, on_truncate: str) -> Floats:
        """Shorten, and scale to length 1 where asked, in the reference's order."""
        shortened = dim < embeddings.shape[1]
        embeddings = embeddings[:, :dim] if shortened else embeddings
        return unit(embeddings) if normalize or (shortened and on_truncate == "chunk") else embeddings


def _shaped(result: Array, single: bool, convert_to_numpy: bool, convert_to_tensor: bool) -> Any:
    if convert_to_tensor:
        warn_once("convert_to_tensor", "convert_to_tensor: airvec has no tensors; the result is a NumPy array.")
    elif not convert_to_numpy and not single:
        return list(result)
    return result[0] if single else result
