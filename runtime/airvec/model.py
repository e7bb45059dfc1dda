"""What `SentenceTransformer`, `SparseEncoder` and `CrossEncoder` share: opening a folder, prompts, limits, saving.

A model's modules are opened once a route: a model whose queries pass a table opens no graph for them.
Records that a first vector needs are NamedTuples, here and elsewhere: each start makes the classes again, and Python
3.13 takes 0.08 ms to make one, but 0.25 to 0.9 ms for a frozen dataclass, of which there were 14 to 17.
Knows nothing of the three classes' results.
"""

import os
import threading
import warnings
from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, cast

from tokenizers import Tokenizer as TokenizerBackend

from airvec.arguments import (
    backend_options,
    check_device,
    check_limit,
    check_texts,
    default_cache_folder,
    tokenizer_spec,
)
from airvec.arrays import Integers
from airvec.backends import graph_of
from airvec.batching import WINDOW_TEXTS, pad
from airvec.checks import whole_number
from airvec.errors import AirvecWarning, ArgumentError
from airvec.folder import FASTEST, FUSED, ModelFolder, ModuleSpec, TokenizerSpec, check_kind, graph_names, read_folder
from airvec.forks import leave_at_exit, renew_in_children
from airvec.hub import HubOptions, find_model, locate
from airvec.identity import folder_files
from airvec.paths import StrPath, path_inside
from airvec.pipeline import Body, Pipeline, Progress, open_body, open_pipeline
from airvec.prompts import check_prompt_name, merged_prompts
from airvec.threads import limit_tokenizers

if TYPE_CHECKING:
    from pathlib import Path

    from airvec.processes import Pool

TEXTS_AT_ONCE = WINDOW_TEXTS  # in a part of a call


class ModelArguments(NamedTuple):
    """The arguments of the constructor that all three classes have; `SentenceTransformer` describes them."""

    model_name_or_path: StrPath
    backend: str = "onnx"
    variant: str = "auto"
    prompts: Mapping[str, str | None] | None = None
    default_prompt_name: str | None = None
    max_seq_length: int | None = None
    cache_folder: str | None = None
    revision: str | None = None
    local_files_only: bool = False
    token: bool | str | None = None
    threads: int | None = None
    device: str | None = None
    model_kwargs: Mapping[str, Any] | None = None
    tokenizer_kwargs: Mapping[str, Any] | None = None
    processor_kwargs: Mapping[str, Any] | None = None


class PoolOptions(NamedTuple):
    """A call's `pool`, `device` and `chunk_size`: processes are used where one of the first two asks for them."""

    pool: "Pool | None" = None
    devices: tuple[str, ...] | None = None
    chunk_size: int | None = None

    @property
    def wanted(self) -> bool:
        """Whether the call goes to other processes."""
        return self.pool is not None or self.devices is not None


class Model(ABC):
    """A model folder, opened; its three children turn texts into results."""

    kind: ClassVar[str]
    organisation: ClassVar[str]
    output: ClassVar[str] = "sentence_embedding"
    limit_name: ClassVar[str] = "max_seq_length"
    # Files beside config.json that the class needs besides those of its modules.
    beside: ClassVar[tuple[str, ...]] = ()

    def __init__(self, given: ModelArguments) -> None:
        self._options = backend_options(given.backend, given.variant, given.device, given.model_kwargs, given.threads)
        hub = HubOptions(
            given.cache_folder or default_cache_folder(), given.revision, given.local_files_only, given.token
        )
        graphs = self._graph_names(given.model_name_or_path)
        auto = self._options.variant == "auto" and not self._options.file_name
        fused = graph_names(FUSED, self._options.name) if auto else ()  # as find_graph prefers
        found = find_model(given.model_name_or_path, self.organisation, graphs, hub, self.beside, fused)
        self._files = folder_files(found)  # before anything is read of them
        self._folder = read_folder(found, self.kind)
        check_kind(self._folder, self.kind)
        self.prompts = merged_prompts(self._folder.prompts, given.prompts)
        default = given.default_prompt_name or self._folder.default_prompt_name
        self.default_prompt_name = default and check_prompt_name(self.prompts, default, "default_prompt_name")
        self._device = given.device or "cpu"
        self._tokenizers: dict[StrPath, TokenizerSpec] = {}
        for spec in self._folder.bodies():
            self._tokenizers[spec.home] = tokenizer_spec(
                self._folder.tokenizer_of(spec), given.max_seq_length, given.tokenizer_kwargs, given.processor_kwargs,
                self.limit_name,
            )  # fmt: skip
        self._open()
        if self._folder.modules[0].bare and not self._pipeline().backend.pools:
            _tell_assumed(self._folder)

    def _graph_names(self, name: StrPath) -> tuple[str, ...]:
        """Names that the graph may have, best first, for the Hub.

        Raises:
            ArgumentError: `"fastest"` of a model on the Hub.
        """
        if self._options.file_name:
            return (self._options.file_name,)
        if self._options.variant == FASTEST and isinstance(locate(name, self.organisation), str):
            raise ArgumentError(
                f"variant: {FASTEST!r}, but {str(name)!r} is a name on the Hub, from where one graph is fetched, and "
                f'not all to choose from. Name the variant, such as variant="fp32", or fetch the whole folder with '
                f"hf download {name} --local-dir FOLDER and open that."
            )
        return graph_names(self._options.variant, self._options.name)

    def _open(self) -> None:
        """Open what every call needs; with routes, what a task needs is opened by its first call."""
        self._opening = threading.RLock()
        renew_in_children(self, Model._renew)
        self._opened: dict[StrPath, Body] = {}
        leave_at_exit(self, Model._tokenizer_backends)
        self._pipelines: dict[tuple[tuple[StrPath, str], ...], Pipeline] = {}
        self._by_task: dict[str | None, Pipeline] = {}
        self._found_graphs: tuple[str, ...] | None = None
        if not self._folder.has_routes:
            self._pipeline()
            return
        for spec in self._folder.bodies():
            if spec.type == "Transformer":
                graph_of(self._folder, spec, self._options)

    def _tokenizer_backends(self) -> list[TokenizerBackend]:
        return [body.tokenizer.backend for body in self._opened.values()]

    def _renew(self) -> None:
        """In a forked child: nobody is left who could give the lock back."""
        self._opening = threading.RLock()

    def _pipeline(self, task: str | None = None) -> Pipeline:
        """The opened modules for texts of a task.

        Raises:
            ArgumentError: no route for that task.
        """
        found = self._by_task.get(task)  # a quarter of the time of a short text in a static model is spent below
        if found is not None:
            return found
        chain = self._folder.chain(task)
        key = tuple((spec.home, spec.type) for spec in chain)
        with self._opening:
            if key not in self._pipelines:
                body = self._body(chain[0])
                self._pipelines[key] = open_pipeline(self._folder, chain, body, self._options.threads, self.output)
            self._by_task[task] = self._pipelines[key]
            return self._pipelines[key]

    def _body(self, spec: ModuleSpec) -> Body:
        if spec.home not in self._opened:
            self._opened[spec.home] = open_body(self._folder, spec, self._tokenizers[spec.home], self._options)
        return self._opened[spec.home]

    def _in_parts(
        self,
        work: Callable[..., Any],
        items: Sequence[Any],
        settings: tuple[Any, ...],
        pool: PoolOptions,
        advance: Progress,
        take: Callable[[Any], object] | None = None,
        size: int | None = None,
    ) -> list[Any]:
        """Results of a method on parts of a call's items, in order: here, or in the processes of a pool.

        Args:
            work: the method; takes a part of the items, then `settings`, then `advance`.
            items: texts or pairs.
            settings: the same for all parts.
            pool: which processes; none for here.
            advance: called with the number of items that have been finished, in steps.
            take: called with each result, in order, as it is there; the list is then empty.
            size: items in a part that runs here; None = `TEXTS_AT_ONCE`.
        """
        if pool.wanted:
            with self._processes(pool) as processes:
                return processes.run(work.__name__, items, settings, pool.chunk_size, advance, take)
        results: list[Any] = []
        size = size or TEXTS_AT_ONCE
        for start in range(0, len(items), size):
            (take or results.append)(work(items[start : start + size], *settings, advance))
        return results

    def _pool_options(self, pool: "Pool | None", device: object, chunk_size: int | None) -> PoolOptions:
        """Where a call is to run, from its arguments: `device` repeats the model's own, or lists those of processes.

        Raises:
            ArgumentError: another device, or a chunk size that is no whole number above 0.
        """
        if chunk_size is not None:
            whole_number("chunk_size", chunk_size)
        if isinstance(device, list):
            return PoolOptions(pool, tuple(map(str, cast("list[object]", device))), chunk_size)
        check_device(device, self._device)
        return PoolOptions(pool, None, chunk_size)

    def _processes(self, pool: PoolOptions) -> AbstractContextManager["Pool"]:
        """The pool that a call names, or one for this call.

        Raises:
            ArgumentError: not a pool, or that of another model.
        """
        if pool.pool is None:
            return self.start_multi_process_pool(pool.devices)
        if _checked_pool(pool.pool).content != self._pool_content():
            raise ArgumentError(
                f"pool: its processes hold {pool.pool.content[0]}, this is {self._pool_content()[0]}. "
                "Start a pool of this model, as it is now."
            )
        return nullcontext(pool.pool)

    def start_multi_process_pool(self, target_devices: Sequence[str] | None = None) -> "Pool":
        """Start processes that each hold this model, for `pool=…` of later calls: see docs/processes.md.

        Args:
            target_devices: one process each, such as `["cpu"] * 4`; None = one for each of the CPUs that we may use.
                The processes share these CPUs.

        Raises:
            ArgumentError: no device, or one that is none; or the program's main module has no guard.
            ProcessError: a process ended before it was ready.
        """
        from airvec.processes import Pool

        devices = [self._device] * self._options.threads if target_devices is None else target_devices
        if isinstance(devices, str) or not devices:
            raise ArgumentError(f"target_devices: {devices!r}, expected a list such as ['cpu', 'cpu']. Correct it.")
        threads = max(1, self._options.threads // len(devices))
        states = [self._state_on(device, threads) for device in devices]
        return Pool([partial(_opened, type(self), state) for state in states], self._pool_content())

    @staticmethod
    def stop_multi_process_pool(pool: "Pool") -> None:
        """End the processes of a pool; a second time, nothing is left to do.

        Raises:
            ArgumentError: not a pool.
        """
        _checked_pool(pool).stop()

    def _state_on(self, device: str, threads: int) -> dict[str, Any]:
        """What a process of a pool needs to open the same model on a device."""
        options = self._options._replace(threads=threads)
        if device != self._device:
            placed = backend_options(options.name, options.variant, device, None, threads)
            options = options._replace(providers=placed.providers)
        return {**self.__getstate__(), "_options": options, "_device": device}

    def _pool_content(self) -> tuple[Any, ...]:
        """What decides a process's results: its name for messages, and the settings that it is opened with."""
        name = f"{type(self).__name__} {self._folder.name} with max_seq_length {self.max_seq_length}"
        return name, self._folder.path, self._options._replace(threads=1), tuple(self._tokenizers.items())

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to open the same model."""
        opened = ("_opening", "_opened", "_pipelines", "_by_task", "_found_graphs")
        return {name: value for name, value in self.__dict__.items() if name not in opened}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()

    @property
    def max_seq_length(self) -> int | None:
        """Most tokens of a text, special tokens included; None = no limit. With routes, the largest of them."""
        with self._opening:
            limits = [
                self._opened[path].tokenizer.max_length if path in self._opened else spec.max_length
                for path, spec in self._tokenizers.items()
            ]
        known = [limit for limit in limits if limit is not None]
        return max(known) if len(known) == len(limits) else None

    @max_seq_length.setter
    def max_seq_length(self, limit: int | None) -> None:
        with self._opening:
            changed = {
                path: spec._replace(max_length=None if limit is None else self._checked_limit(spec, limit))
                for path, spec in self._tokenizers.items()
            }
            bodies = {
                path: body._replace(tokenizer=body.tokenizer.with_max_length(limit))
                for path, body in self._opened.items()
            }
            self._tokenizers, self._opened = changed, bodies
            self._pipelines, self._by_task = {}, {}

    def _checked_limit(self, spec: TokenizerSpec, limit: int) -> int:
        return check_limit(spec, limit, self.limit_name)

    @property
    def tokenizer(self) -> TokenizerBackend:
        """The `tokenizers.Tokenizer`, without truncation and padding: both are airvec's own."""
        return self._pipeline().tokenizer.backend

    @property
    def device(self) -> str:
        """Where the model runs: `"cpu"`, or the device it was opened on."""
        return self._device

    @property
    def folder(self) -> "Path":
        """The model folder that was opened."""
        return self._folder.path

    @property
    def opened_as(self) -> tuple[Any, ...]:
        """What was chosen at opening or since and decides the numbers, besides prompts: options, graphs, limits.

        The same for any number of threads, and wherever the folder lies.
        """
        tokenizers = [spec._replace(file=os.path.basename(spec.file)) for spec in self._tokenizers.values()]
        return self._options._replace(threads=1), self._graphs(), *tokenizers

    def _graphs(self) -> tuple[str, ...]:
        """Paths in the folder of the graphs that are opened, which `"int8"` and `"fastest"` choose by CPU."""
        if self._found_graphs is None:
            bodies = [spec for spec in self._folder.bodies() if spec.type == "Transformer"]
            graphs = [graph_of(self._folder, spec, self._options) for spec in bodies]
            self._found_graphs = tuple(path_inside(self._folder.home, graph) for graph in graphs)
        return self._found_graphs

    @property
    def is_as_opened(self) -> bool:
        """Whether the folder's files have the sizes and times that they had when the model was opened."""
        return folder_files(self._folder.home) == self._files

    def tokenize(self, texts: Sequence[str]) -> dict[str, Integers]:
        """What the model reads: `input_ids`, `attention_mask`, `token_type_ids`, int64 (n, longest), cut and padded."""
        listed, _ = check_texts(texts)
        tokenizer = self._pipeline().tokenizer
        return pad(tokenizer.truncate(tokenizer.encode(listed)), tokenizer.pad_id, tokenizer.padding_side)._asdict()

    def save_pretrained(self, path: StrPath) -> None:
        """Copy the model folder as it was opened to `path`: whole or not at all. A model that lies there is replaced.

        Raises:
            ArgumentError: something other than a model folder lies there.
        """
        from pathlib import Path

        from airvec.copying import copy_folder

        copy_folder(self._folder.path, Path(path))


def _tell_assumed(folder: ModelFolder) -> None:
    mode = folder.modules[1].config.text("pooling_mode")
    warnings.warn(
        f"{folder.name}: no modules.json, so {mode} pooling is assumed, as sentence-transformers does. Look up the "
        "model's pooling on its card, and fetch its modules.json, or write one.",
        AirvecWarning,
        stacklevel=4,
    )


def _checked_pool(pool: object) -> "Pool":
    from airvec.processes import Pool

    if not isinstance(pool, Pool):
        raise ArgumentError(f"pool: {pool!r}, expected what start_multi_process_pool gave. Pass that.")
    return pool


def _opened(kind: type[Model], state: dict[str, Any]) -> Model:
    """A model from its state, in a process of a pool: tokenizers too is to use this process's share of the CPUs."""
    limit_tokenizers(state["_options"].threads)
    model = kind.__new__(kind)
    model.__setstate__(state)
    return model
