"""Texts → embeddings: the way a text travels, in one place.

    texts → tokenizer → batches → backend (graph or table) → modules → rows in input order

`open_pipeline` puts a model's parts together and checks that they fit; `Pipeline.embed` runs them.
Knows nothing of prompts by name, precisions and result shapes: those are `sentence_transformer.py`'s.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from airvec.arrays import Features, Floats, Integers
from airvec.backends import Backend, BackendOptions, open_backend
from airvec.batching import Tokens, plan
from airvec.errors import AirvecWarning, ArgumentError, ModelFolderError, TruncationError
from airvec.folder import ModelFolder, TokenizerSpec
from airvec.modules import Module, check_dimensions, open_modules
from airvec.modules.dropout import Dropout
from airvec.modules.normalize import Normalize, unit
from airvec.modules.pooling import Pooling
from airvec.tokenizer import Tokenizer, open_tokenizer

ON_TRUNCATE = ("ignore", "warn", "error", "chunk")
# A call with fewer batches runs them one after the other on all threads: see backends/onnx.py.
BULK_BATCHES = 16

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Pipeline:
    """A model's parts, opened. `output_dim` is the width of its embeddings."""

    tokenizer: Tokenizer
    backend: Backend
    modules: tuple[Module, ...]
    output_dim: int
    threads: int

    def tokens(self, texts: Sequence[str], prompt: str) -> Tokens:
        """Token ids of all texts, cut at the length limit."""
        return self.tokenizer.truncate(self.tokenizer.encode(texts, prompt))

    def tell_long(self, texts: Sequence[str], prompt: str, on_truncate: str, first: int = 0) -> None:
        """Under "warn" and "error", look for texts over the limit before any is run; `first` is their first number.

        Raises:
            TruncationError: there is one, and `on_truncate` is "error".
        """
        limit = self.tokenizer.max_length
        if on_truncate in ("warn", "error") and limit is not None:
            _tell_long(self.tokenizer.encode(texts, prompt).lengths, limit, on_truncate, first)

    def embed(
        self, texts: Sequence[str], prompt: str, batch_size: int | None, on_truncate: str, progress: Progress
    ) -> Floats:
        """Embeddings of all texts, float32 (n, dim), in input order.

        Args:
            texts: n texts.
            prompt: in front of each.
            batch_size: most texts in a batch; None = as many as the token budget allows.
            on_truncate: "chunk" averages the embeddings of all windows of a long text, and then scales every
                embedding of the call to length 1; the others cut it.
            progress: called with the number of texts that have been finished, in steps.
        """
        length = self.tokenizer.prompt_length(prompt)
        if on_truncate != "chunk":
            return self._embed(self.tokens(texts, prompt), length, batch_size, progress)
        windows, owners = self.tokenizer.windows(self.tokenizer.encode(texts, prompt), length)
        embeddings = self._embed(windows, length, batch_size, lambda _: None)
        progress(len(texts))
        return _average(embeddings, owners, len(texts))

    def features(self, texts: Sequence[str], prompt: str, batch_size: int | None) -> Iterator[tuple[int, Features]]:
        """Index and features of each text, without padding and not in input order: all arrays that modules made."""
        tokens, length = self.tokens(texts, prompt), self.tokenizer.prompt_length(prompt)
        for rows in plan(tokens.lengths, self.backend.token_budget, batch_size):
            features = self._forward(tokens.take(rows), length, bulk=False)
            for place, row in enumerate(rows):
                yield int(row), _one(features, place)

    def _embed(self, tokens: Tokens, prompt_length: int, batch_size: int | None, progress: Progress) -> Floats:
        result = np.empty((len(tokens), self.output_dim), np.float32)
        batches = plan(tokens.lengths, self.backend.token_budget, batch_size)
        bulk = self.threads > 1 and len(batches) >= BULK_BATCHES

        def run(rows: Integers) -> None:
            batch = tokens if len(tokens) == 1 else tokens.take(rows)
            features = self._forward(batch, prompt_length, bulk)
            result[rows] = self._checked(features["sentence_embedding"])
            progress(len(rows))

        if bulk:
            # Halving the last batches lets all threads end at about the same time.
            last = [half for rows in batches[-self.threads :] for half in np.array_split(rows, 2) if len(half)]
            _run_beside(run, batches[: -self.threads] + last, self.threads)
        else:
            for rows in batches:
                run(rows)
        return result

    def _forward(self, tokens: Tokens, prompt_length: int, bulk: bool) -> Features:
        features = self.backend.run(tokens, bulk)
        if prompt_length:
            features["prompt_length"] = np.array([prompt_length])
        for module in self.modules:
            features = module(features)
        return features

    def _checked(self, embeddings: Floats) -> Floats:
        if embeddings.ndim != 2 or embeddings.shape[1] != self.output_dim:
            raise ModelFolderError(
                f"embeddings of shape {list(embeddings.shape)}, expected [texts, {self.output_dim}]. "
                "Graph and modules are of different models: re-export the checkpoint."
            )
        return embeddings


def open_pipeline(folder: ModelFolder, tokenizer: TokenizerSpec, options: BackendOptions) -> Pipeline:
    """Open tokenizer, graph and modules of a model folder.

    Raises:
        ModelFolderError: a file is damaged, or the parts are not of one model.
        ModelNotFoundError: a file is missing.
    """
    static = folder.modules[0].type == "StaticEmbedding"
    opened = open_tokenizer(tokenizer, add_special_tokens=not static)
    modules = open_modules(folder)
    backend = open_backend(folder, options, opened.pad_id)
    modules = _after_pooling(folder, modules) if backend.pools else modules
    width = check_dimensions(modules, backend.output_dim)
    if width is None:
        raise ModelFolderError(
            f"{folder.name}: neither its graph nor its modules state the embedding dimension. "
            "Re-export the checkpoint with airvec export."
        )
    return Pipeline(opened, backend, modules, width, options.threads)


def _after_pooling(folder: ModelFolder, modules: tuple[Module, ...]) -> tuple[Module, ...]:
    """What is left to do behind a graph that gives `sentence_embedding`.

    It holds the pooling, and perhaps the normalisation, which can be done twice; a layer cannot be.
    """
    for spec, module in zip(folder.modules[1:], modules, strict=True):
        if (isinstance(module, Pooling) and module.include_prompt) or isinstance(module, (Normalize, Dropout)):
            continue
        raise ModelFolderError(
            f"{folder.name}: its graph gives sentence_embedding, which may or may not include module {spec.type!r} "
            f"(in {spec.path.name}), expected a graph with last_hidden_state. Export it again with airvec export."
        )
    return tuple(module for module in modules if isinstance(module, Normalize))


def check_on_truncate(value: str) -> str:
    """The value itself, if it is one of the four.

    Raises:
        ArgumentError: it is not.
    """
    if value not in ON_TRUNCATE:
        raise ArgumentError(f"on_truncate: {value!r}, expected one of {', '.join(ON_TRUNCATE)}. Correct it.")
    return value


def _tell_long(lengths: Integers, limit: int, on_truncate: str, first: int) -> None:
    long = np.flatnonzero(lengths > limit)
    if not len(long):
        return
    worst = int(long[lengths[long].argmax()])
    found = (
        f"text {first + worst}: {lengths[worst]} tokens, the model reads {limit} "
        f"({len(long)} of {len(lengths)} texts are over). "
        'Cut the texts with airvec.chunk, or pass on_truncate="chunk" or "ignore".'
    )
    if on_truncate == "error":
        raise TruncationError(found)
    warnings.warn(found, AirvecWarning, stacklevel=4)


def _average(embeddings: Floats, owners: Integers, count: int) -> Floats:
    """Mean of the windows of each text, scaled to length 1: (m, dim), (m,) -> (count, dim)."""
    if not count:
        return embeddings
    firsts = np.searchsorted(owners, np.arange(count))
    return unit(np.add.reduceat(embeddings, firsts, axis=0))


def _one(features: Features, place: int) -> Features:
    """One text's features, its padding removed; what belongs to the batch as a whole is left out."""
    if "attention_mask" not in features:  # a static model: ids of all texts lie one after another
        return {"sentence_embedding": features["sentence_embedding"][place]}
    mask = features["attention_mask"]
    real = mask[place] > 0
    found: Features = {}
    for name, array in features.items():
        if name == "prompt_length":
            continue
        per_token = array.ndim >= 2 and array.shape[:2] == mask.shape and name != "sentence_embedding"
        found[name] = array[place][real] if per_token else array[place]
    return found


def _run_beside(run: Callable[[Integers], None], batches: Sequence[Integers], threads: int) -> None:
    """Run all batches on several threads; the first error stops those not yet started."""
    with ThreadPoolExecutor(threads, thread_name_prefix="airvec") as pool:
        futures: list[Future[None]] = [pool.submit(run, rows) for rows in batches]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
