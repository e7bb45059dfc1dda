"""What turns token ids into features: ONNX Runtime, OpenVINO, or NumPy for static models.

Which one a model folder needs is decided by its first module. Each is imported only when it is opened: a static
model never imports onnxruntime.
Knows nothing of texts, prompts and the modules after the first.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from airvec.arrays import Features
from airvec.batching import Tokens
from airvec.errors import ArgumentError, ModelFolderError, require
from airvec.folder import (
    FASTEST,
    FP32_VARIANTS,
    ONNX,
    OPENVINO,
    ModelFolder,
    ModuleSpec,
    fastest,
    find_graph,
)
from airvec.paths import path_inside

__all__ = ["BACKENDS", "Backend", "BackendOptions", "graph_of", "open_backend"]

BACKENDS = (ONNX, OPENVINO)


class BackendOptions(NamedTuple):
    """How to open a graph.

    `providers` None = the CPU's, `session_options` an `onnxruntime.SessionOptions`, `ov_config` OpenVINO's properties.
    """

    name: str = ONNX
    variant: str = "auto"
    file_name: str | None = None
    providers: tuple[Any, ...] | None = None
    session_options: Any = None
    threads: int = 1
    ov_config: Mapping[str, Any] | None = None


class Backend(Protocol):
    """An opened model body. `run` may be called from several threads at once."""

    @property
    def output_dim(self) -> int | None:
        """Width of what `run` gives, None where the graph does not state it."""
        ...

    @property
    def token_budget(self) -> int:
        """Tokens a batch should hold."""
        ...

    @property
    def window(self) -> int:
        """Texts to tokenise, sort by length and run together, where a call's results are dense."""
        ...

    @property
    def batch_cost(self) -> int | None:
        """What a batch costs besides its tokens, in tokens; None = only the budget is to end a batch."""
        ...

    @property
    def beside(self) -> bool:
        """Whether the batches of a long call are to run side by side, each on a thread; else each runs on all."""
        ...

    @property
    def pools(self) -> bool:
        """True where `run` gives `sentence_embedding` with the model's own pooling already applied."""
        ...

    @property
    def modules(self) -> tuple[str, ...]:
        """Types of the modules behind the body that the graph holds, as airvec.json says; () = it says none."""
        ...

    @property
    def turn(self) -> AbstractContextManager[object] | None:
        """A lock to hold while a batch's features are alive, where two batches would take too much memory; or None."""
        ...

    def run(self, tokens: Tokens, bulk: bool) -> Features:
        """Features of one batch of texts; `bulk` says that other batches run beside this one."""
        ...


def open_backend(
    folder: ModelFolder,
    body: ModuleSpec,
    options: BackendOptions,
    pad_id: int,
    vocabulary: Callable[[], Mapping[str, int]],
) -> Backend:
    """Open a module that reads tokens.

    Args:
        folder: the model.
        body: the first module of one of its chains.
        options: how to open a graph.
        pad_id: the token that fills batches up.
        vocabulary: gives the tokenizer's {token: id}, for a table by token.

    Raises:
        ArgumentError: no such backend, or options of another one.
        MissingPackageError: the backend is `"openvino"`, which is not installed.
        ModelFolderError: the module is of a type that airvec cannot run, or its files are damaged.
    """
    options = _settled(folder, body, options)
    if body.type == "StaticEmbedding":
        from airvec.backends.static import StaticTable

        _refuse_graph_options(folder, options)
        return StaticTable.open(body)
    if body.type == "SparseStaticEmbedding":
        from airvec.backends.sparse_static import SparseTable

        if not folder.has_routes:  # with routes, they are for the graph of another
            _refuse_graph_options(folder, options)
        return SparseTable.open(body, folder.path, vocabulary())
    if body.type == "Transformer" and options.name == OPENVINO:
        require(OPENVINO, OPENVINO, "backend='openvino'")
        from airvec.backends.openvino import OpenVinoGraph

        return OpenVinoGraph(folder, body, options, pad_id)
    if body.type == "Transformer":
        if options.ov_config is not None:
            raise ArgumentError(f"ov_config: {options.ov_config!r}, but backend is 'onnx'. Pass backend='openvino'.")
        from airvec.backends.onnx import OnnxGraph

        return OnnxGraph(folder, body, options, pad_id)
    raise ModelFolderError(
        f"{folder.name}/modules.json: module 0 has type {body.type!r}, expected Transformer, StaticEmbedding or "
        "SparseStaticEmbedding. "
        "This version of airvec cannot run it."
    )


def graph_of(folder: ModelFolder, body: ModuleSpec, options: BackendOptions) -> str:
    """The graph that `open_backend` opens for a transformer.

    Raises:
        ArgumentError: no such backend.
        ModelFolderError: no such graph.
    """
    settled = _settled(folder, body, options)
    return find_graph(folder, settled.variant, settled.file_name, body, settled.name)


def _settled(folder: ModelFolder, body: ModuleSpec, options: BackendOptions) -> BackendOptions:
    """The options with `"fastest"` replaced by the file that it is in this folder, of the same backend."""
    if options.name not in BACKENDS:
        raise ArgumentError(
            f"backend: {options.name!r}, expected {' or '.join(map(repr, BACKENDS))}; airvec runs without torch. "
            "Leave the argument out."
        )
    if options.variant != FASTEST or options.file_name or body.type != "Transformer":
        return options
    return options._replace(file_name=path_inside(body.home, fastest(folder, body, options.name)))


def _refuse_graph_options(folder: ModelFolder, options: BackendOptions) -> None:
    given = {"variant": options.variant, "file_name": options.file_name, "session_options": options.session_options,
             "ov_config": options.ov_config}  # fmt: skip
    for name, value in given.items():
        if value not in (None, *FP32_VARIANTS, FASTEST):
            raise ArgumentError(
                f"{name}: {value!r}, but {folder.name} is a static model and has no graph. Leave the argument out."
            )
