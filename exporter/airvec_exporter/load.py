"""Checkpoint folder → torch: the bodies that read texts, and the modules behind them.

What the folder says comes from `airvec.folder`, as in the runtime; which class of models it is made for, too, unless
the caller says it.
Knows nothing of graphs and of what is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.folder import CLASSIFY, DENSE, RERANKER, SPARSE, ModelFolder, ModuleSpec, check_kind, read_folder
from airvec.json_file import read_object_if_there
from airvec_exporter.body import Body, load_body
from airvec_exporter.modules import build
from airvec_exporter.settings import AS_SAVED, LoadSettings

# What a caller says → the class of models.
KINDS = {"dense": DENSE, "sparse": SPARSE, "rerank": RERANKER}
# Ends of transformers' class names whose heads give nothing that airvec could serve.
OTHER_HEADS = ("ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice", "ForNextSentencePrediction")


@dataclass(frozen=True)
class Route:
    """The way of a text through a checkpoint: a body, then modules; `task` chooses it, None where there is one way."""

    task: str | None
    body: Body
    modules: nn.Sequential


@dataclass(frozen=True)
class Checkpoint:
    """A model in torch: bodies by folder, modules by folder and type, as `folder` chains them."""

    folder: ModelFolder
    bodies: Mapping[Path, Body]
    modules: Mapping[Path, nn.Module]

    @property
    def kind(self) -> str:
        """`"SentenceTransformer"`, `"SparseEncoder"` or `"CrossEncoder"`."""
        return self.folder.model_type

    @property
    def body(self) -> Body:
        """The body of texts without a task: the only one in a model without routes."""
        return self.route().body

    def route(self, task: str | None = None) -> Route:
        """The way of texts of a task.

        Raises:
            ArgumentError: there is none.
        """
        first, *others = self.folder.chain(task)
        return Route(task, self.bodies[first.path], nn.Sequential(*(self.modules[key(spec)] for spec in others)))

    def routes(self) -> tuple[Route, ...]:
        """All different ways of texts, each under the first task that takes it."""
        if not self.folder.has_routes:
            return (self.route(),)
        found: dict[tuple[Path, ...], Route] = {}
        for task in ("query", "document", *_route_names(self.folder)):
            try:
                found.setdefault(tuple(map(key, self.folder.chain(task))), self.route(task))
            except ArgumentError:  # names of routes that no text's task leads to
                continue
        return tuple(found.values())


def load(path: Path, kind: str | None = None, *, settings: LoadSettings = AS_SAVED) -> Checkpoint:
    """Load a sentence-transformers, plain transformers or model2vec folder.

    Args:
        path: the folder; one with an adapter is merged with its model before: `adapter.whole_checkpoint`.
        kind: `"dense"`, `"sparse"` or `"rerank"`; None = as the folder says, and where it says nothing: reranker for an
            architecture ending in ForSequenceClassification, else dense.
        settings: the precision of the weights and the length limit, where they are not to be the folder's.

    Raises:
        ArgumentError: `settings` that this model cannot keep.
        ModelNotFoundError: no such folder, or files missing.
        ModelFolderError: a file is damaged, or a module of a kind that is not exported, or the folder is another
            class's.
        ExportError: transformers cannot load a body or a tokenizer.
    """
    if not path.is_dir():
        raise ModelNotFoundError(
            f"{path}: no such folder, expected a checkpoint. Fetch one with: hf download NAME --local-dir FOLDER"
        )
    if kind is None:
        _check_head(path)
    folder = read_folder(path, KINDS[kind] if kind else None)
    _check_kind(folder, kind)
    behind = {key(spec): spec for spec in _all_modules(folder) if spec.tokenizer is None}
    modules = build(tuple(behind.values()), folder.name)
    bodies = {spec.path: load_body(spec, folder.name, settings) for spec in folder.bodies()}
    _check_settings(settings, bodies, folder.name)
    return Checkpoint(folder, bodies, dict(zip(behind, modules, strict=True)))


def key(spec: ModuleSpec) -> Path:
    """What tells the modules of a folder apart: several may lie in the root."""
    return spec.path / spec.type


def _check_settings(settings: LoadSettings, bodies: Mapping[Path, Body], name: str) -> None:
    """Refuse settings that no body takes."""
    kinds = ", ".join(body.spec.type for body in bodies.values())
    if settings.dtype and all(body.is_table for body in bodies.values()):
        raise ArgumentError(
            f"dtype: {settings.dtype!r}, but {name} has no Transformer whose weights it would round, only {kinds}. "
            "Leave it out."
        )
    if settings.max_seq_length and all(body.spec.type == "StaticEmbedding" for body in bodies.values()):
        raise ArgumentError(
            f"max_seq_length: {settings.max_seq_length}, but {name} has {kinds} alone, which reads whole texts. "
            "Leave it out."
        )


def _check_head(path: Path) -> None:
    """Refuse a plain transformers checkpoint that was trained for something else, unless the caller says what it is."""
    config = read_object_if_there(path / "config.json")
    architecture = next((str(name) for name in config.items("architectures")), "")
    if architecture.endswith(OTHER_HEADS) and not (path / "modules.json").is_file():
        raise ModelFolderError(
            f"{config.file}: architecture {architecture!r}, expected a model of embeddings, for masked words or for "
            "classes of texts. Pass --as dense for the mean of its token embeddings."
        )


def _check_kind(folder: ModelFolder, kind: str | None) -> None:
    if folder.model_type not in KINDS.values():
        raise ModelFolderError(
            f"{folder.name}: model type {folder.model_type!r}, expected one of {', '.join(KINDS.values())}. "
            "airvec has no such models."
        )
    if kind:
        check_kind(folder, KINDS[kind])
    first = folder.modules[0]
    if folder.model_type == RERANKER and len(folder.modules) == 1 and first.task != CLASSIFY:
        raise ModelFolderError(
            f"{folder.name}/modules.json: one module of task {first.task!r}, expected {CLASSIFY!r} or a head behind "
            "it. Fetch the checkpoint again."
        )


def _all_modules(folder: ModelFolder) -> list[ModuleSpec]:
    """The modules of all routes, each as often as it is named, without the Routers themselves."""
    found: list[ModuleSpec] = []
    for module in folder.modules:
        found += [spec for route in module.router.routes.values() for spec in route] if module.router else [module]
    return found


def _route_names(folder: ModelFolder) -> list[Any]:
    return [name for module in folder.modules if module.router for name in (*module.router.routes, None)]
