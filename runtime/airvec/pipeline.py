"""Texts → embeddings: the way a text travels, in one place.

    texts → tokenizer → batches → backend (graph or table) → modules → rows in input order
    pairs → tokenizer → batches → backend → modules → scores in input order

`open_pipeline` puts a model's parts together and checks that they fit; `Pipeline.embed`, `sparse` and `scores` run
them.
Knows nothing of prompts by name, precisions and result shapes: those are the three model classes'.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from airvec.arrays import Features, Floats, Integers
from airvec.backends import Backend, BackendOptions, open_backend
from airvec.batching import Tokens, plan
from airvec.errors import AirvecWarning, ArgumentError, ModelFolderError, TruncationError
from airvec.folder import FILL_MASK, ModelFolder, ModuleSpec, TokenizerSpec
from airvec.modules import Module, check_dimensions, open_modules
from airvec.modules.normalize import Normalize, unit
from airvec.side_by_side import ahead, run_beside
from airvec.tokenizer import Tokenizer, open_tokenizer, parts_of
from airvec.weights import need_feature

if TYPE_CHECKING:
    from airvec.sparse_vectors import SparseVectors

ON_TRUNCATE = ("ignore", "warn", "error", "chunk")
# A call with fewer batches runs them one after the other on all threads: see backends/onnx.py.
BULK_BATCHES = 16
TABLES = ("StaticEmbedding", "SparseStaticEmbedding")
# Of the texts that are tokenised, sorted and run together: about 250,000 tokens, 500 batches.
WINDOW_CHARACTERS = 1_000_000

Progress = Callable[[int], None]
Take = Callable[[Integers, Features], None]


class Pipeline(NamedTuple):
    """A model's parts, opened. `output_dim` is the width of what `output`, the last feature, holds."""

    tokenizer: Tokenizer
    backend: Backend
    modules: tuple[Module, ...]
    output_dim: int
    threads: int
    output: str = "sentence_embedding"

    def tokens(self, texts: Sequence[str], prompt: str) -> Tokens:
        """Token ids of all texts, cut at the length limit."""
        return self.tokenizer.encode_cut(texts, prompt)

    def tell_long(self, texts: Sequence[str], prompt: str, on_truncate: str, first: int = 0) -> None:
        """Under "warn" and "error", look for texts over the limit before any is run; `first` is their first number.

        Raises:
            TruncationError: there is one, and `on_truncate` is "error".
        """
        limit = self.tokenizer.max_length
        if on_truncate in ("warn", "error") and limit is not None:
            _tell_long(self.tokenizer.lengths(texts, prompt), limit, on_truncate, first)

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
        if len(texts) == 1 and on_truncate != "chunk":
            return self._rows(self.tokens(texts, prompt), self._prompt_feature(prompt), batch_size, progress)
        result = np.empty((len(texts), self.output_dim), np.float32)
        settings, done = self._prompt_feature(prompt), 0
        windows = parts_of(texts, self.backend.window, WINDOW_CHARACTERS)
        if on_truncate == "chunk":
            for part in windows:
                self._fill_averages(result[done : done + len(part)], part, prompt, batch_size)
                done += len(part)
                progress(len(part))
            return result

        def work(part: Sequence[str]) -> Tokens:
            return self.tokens(part, prompt)

        for tokens in ahead(work, windows) if self.threads > 1 else map(work, windows):
            self._fill(result[done : done + len(tokens)], tokens, settings, batch_size, progress)
            done += len(tokens)
        return result

    def features(self, texts: Sequence[str], prompt: str, batch_size: int | None) -> Iterator[tuple[int, Features]]:
        """Index and features of each text, without padding and not in input order: all arrays that modules made."""
        tokens, settings = self.tokens(texts, prompt), self._prompt_feature(prompt)
        for rows in self._batches(tokens, batch_size):
            features = self._forward(tokens.take(rows), settings, bulk=False)
            for place, row in enumerate(rows):
                yield int(row), _one(features, place)

    def sparse(
        self, texts: Sequence[str], prompt: str, batch_size: int | None, max_active_dims: int | None, progress: Progress
    ) -> "SparseVectors":
        """Sparse embeddings of all texts, (n, dim) in input order.

        Args:
            texts: n texts.
            prompt: in front of each.
            batch_size: most texts in a batch; None = as many as the token budget allows.
            max_active_dims: weights to keep of each text, the largest by absolute value; None = all.
            progress: called with the number of texts that have been finished, in steps.
        """
        from airvec.sparse_vectors import SparseVectors

        tokens, found = self.tokens(texts, prompt), list[tuple[Integers, SparseVectors]]()
        settings: Features = {} if max_active_dims is None else {"max_active_dims": np.array([max_active_dims])}

        def take(rows: Integers, features: Features) -> None:
            vectors = self._sparse_rows(features)
            found.append((rows, vectors if max_active_dims is None else vectors.top(max_active_dims)))

        self._run(tokens, settings | self._prompt_feature(prompt), batch_size, take, progress)
        if not found:
            return SparseVectors.from_rows([], self.output_dim)
        order = np.argsort(np.concatenate([rows for rows, _ in found]))
        return SparseVectors.concatenate([vectors for _, vectors in found])[order]

    def scores(self, tokens: Tokens, prompt: str, batch_size: int | None, progress: Progress) -> Floats:
        """What a reranker's head gives for pairs that have been tokenised: float32 (n, labels), in input order.

        Args:
            tokens: n pairs, with the prompt in front of each.
            prompt: the same prompt, whose tokens a head may have to leave out.
            batch_size: most pairs in a batch; None = as many as the token budget allows.
            progress: called with the number of pairs that have been finished, in steps.
        """
        return self._rows(tokens, self._prompt_feature(prompt), batch_size, progress)

    def run(self, texts: Sequence[str], prompt: str, batch_size: int | None, take: Take, progress: Progress) -> None:
        """Run all texts for a caller that needs more than one feature of each.

        Args:
            texts: n texts.
            prompt: in front of each.
            batch_size: most texts in a batch; None = as many as the token budget allows.
            take: called with the row numbers and the features of each batch, from several threads in bulk.
            progress: called with the number of texts that have been finished, in steps.
        """
        self._run(self.tokens(texts, prompt), self._prompt_feature(prompt), batch_size, take, progress)

    def _prompt_feature(self, prompt: str) -> Features:
        length = self.tokenizer.prompt_length(prompt)
        return {"prompt_length": np.array([length])} if length else {}

    def _rows(self, tokens: Tokens, settings: Features, batch_size: int | None, progress: Progress) -> Floats:
        result = np.empty((len(tokens), self.output_dim), np.float32)
        self._fill(result, tokens, settings, batch_size, progress)
        return result

    def _fill(
        self, result: Floats, tokens: Tokens, settings: Features, batch_size: int | None, progress: Progress
    ) -> None:
        """Write the embeddings of n tokenised texts into `result` (n, dim)."""

        def take(rows: Integers, features: Features) -> None:
            result[rows] = self._checked(features)

        self._run(tokens, settings, batch_size, take, progress)

    def _fill_averages(self, result: Floats, texts: Sequence[str], prompt: str, batch_size: int | None) -> None:
        """Write the mean of each text's windows into `result` (n, dim)."""
        length = self.tokenizer.prompt_length(prompt)
        windows, owners = self.tokenizer.windows(self.tokenizer.encode(texts, prompt), length)
        embeddings = self._rows(windows, self._prompt_feature(prompt), batch_size, lambda _: None)
        result[:] = _average(embeddings, owners, len(texts))

    def _run(self, tokens: Tokens, settings: Features, batch_size: int | None, take: Take, progress: Progress) -> None:
        """Run all batches; `take` gets each one's rows and features, from several threads in bulk."""
        batches = self._batches(tokens, batch_size)
        bulk = self.threads > 1 and len(batches) >= BULK_BATCHES and self.backend.beside

        def run(rows: Integers) -> None:
            batch = tokens if len(tokens) == 1 else tokens.take(rows)
            take(rows, self._forward(batch, settings, bulk))
            progress(len(rows))

        if bulk:
            # Halving the last batches lets all threads end at about the same time.
            last = [half for rows in batches[-self.threads :] for half in np.array_split(rows, 2) if len(half)]
            run_beside(run, batches[: -self.threads] + last, self.threads)
        else:
            for rows in batches:
                run(rows)

    def _batches(self, tokens: Tokens, batch_size: int | None) -> list[Integers]:
        return plan(tokens.lengths, self.backend.token_budget, batch_size, self.backend.batch_cost)

    def _forward(self, tokens: Tokens, settings: Features, bulk: bool) -> Features:
        with self.backend.turn or nullcontext():
            features = self.backend.run(tokens, bulk) | settings
            for module in self.modules:
                features = module(features)
            return features

    def _sparse_rows(self, features: Features) -> "SparseVectors":
        """The embeddings of a batch without their zeros: they come dense, or as the three arrays of a table's rows."""
        from airvec.sparse_vectors import SparseVectors

        if "sparse_indptr" in features:
            indices, values, indptr = (features[f"sparse_{name}"] for name in ("indices", "values", "indptr"))
            return SparseVectors(indices, values, indptr, self.output_dim)
        return SparseVectors.from_dense(self._checked(features))

    def _checked(self, features: Features) -> Floats:
        embeddings = need_feature(features, self.output, "modules.json")
        if embeddings.ndim != 2 or embeddings.shape[1] != self.output_dim:
            raise ModelFolderError(
                f"{self.output} of shape {list(embeddings.shape)}, expected [texts, {self.output_dim}]. "
                "Graph and modules are of different models: re-export the checkpoint."
            )
        return embeddings


class Body(NamedTuple):
    """A module that reads texts, opened: chains of several tasks may share it."""

    tokenizer: Tokenizer
    backend: Backend


def open_body(folder: ModelFolder, body: ModuleSpec, tokenizer: TokenizerSpec, options: BackendOptions) -> Body:
    """Open the tokenizer and the graph or table of a chain's first module.

    Raises:
        ModelFolderError: a file is damaged.
        ModelNotFoundError: a file is missing.
    """
    opened = open_tokenizer(tokenizer, add_special_tokens=body.type not in TABLES)
    return Body(opened, open_backend(folder, body, options, opened.pad_id, opened.backend.get_vocab))


def open_pipeline(
    folder: ModelFolder, chain: Sequence[ModuleSpec], body: Body, threads: int, output: str = "sentence_embedding"
) -> Pipeline:
    """Open the modules of a chain behind its body, and check that they fit.

    Raises:
        ModelFolderError: a file is damaged, or the parts are not of one model.
    """
    modules = open_modules(folder, chain)
    modules = _after_pooling(folder, chain, modules, body.backend.modules) if body.backend.pools else modules
    width = check_dimensions(modules, body.backend.output_dim)
    if width is None:
        raise ModelFolderError(
            f"{folder.name}: neither its graph nor its modules state the embedding dimension. "
            "Re-export the checkpoint with airvec export."
        )
    return Pipeline(body.tokenizer, body.backend, modules, width, threads, output)


def _after_pooling(
    folder: ModelFolder, chain: Sequence[ModuleSpec], modules: tuple[Module, ...], stated: tuple[str, ...]
) -> tuple[Module, ...]:
    """What is left to do behind a graph that gives `sentence_embedding` or `sparse_embedding`.

    airvec.json states the modules inside. Where it says nothing, the graph holds the pooling, and perhaps the
    normalisation, which can be done twice; a layer cannot be.
    """
    if stated:
        return _after_stated(folder, chain, modules, stated)
    if chain[0].task == FILL_MASK:
        return _after_splade(folder, modules)
    from airvec.modules.dropout import Dropout
    from airvec.modules.pooling import Pooling

    for spec, module in zip(chain[1:], modules, strict=True):
        if (isinstance(module, Pooling) and module.include_prompt) or isinstance(module, (Normalize, Dropout)):
            continue
        raise ModelFolderError(
            f"{folder.name}: its graph gives sentence_embedding, which may or may not include module {spec.type!r} "
            f"(in {spec.path.name}), expected a graph with last_hidden_state. Export it again with airvec export."
        )
    return tuple(module for module in modules if isinstance(module, Normalize))


def _after_stated(
    folder: ModelFolder, chain: Sequence[ModuleSpec], modules: tuple[Module, ...], stated: tuple[str, ...]
) -> tuple[Module, ...]:
    """The modules behind those in the graph, which must be the first of the chain."""
    found = tuple(spec.type for spec in chain[1:])
    if found[: len(stated)] != stated:
        raise ModelFolderError(
            f"{folder.name}: airvec.json says that the graph holds {', '.join(stated)}, but the modules behind its "
            f"body are {', '.join(found) or 'none'}. Export it again with airvec export."
        )
    return modules[len(stated) :]


def _after_splade(folder: ModelFolder, modules: tuple[Module, ...]) -> tuple[Module, ...]:
    """Nothing: what a graph with `sparse_embedding` holds is the SPLADE pooling, and no other module."""
    from airvec.modules.splade_pooling import SpladePooling

    found = [type(module).__name__ for module in modules]
    if len(modules) == 1 and isinstance(modules[0], SpladePooling):
        return ()
    raise ModelFolderError(
        f"{folder.name}: its graph gives sparse_embedding, with SpladePooling inside, but the modules after it are "
        f'{", ".join(found) or "none"}. Use the graph that gives logits, with variant="fp32".'
    )


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
