"""A folder, or a name on the Hub → the modules of a model, as torch modules to be trained.

What the folder says comes from `airvec.folder`, and the modules behind the body are the exporter's.
Knows nothing of what a model does with its modules.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.folder import ModelFolder, ModuleSpec, check_kind, read_folder
from airvec_exporter.fetch import find_checkpoint
from airvec_exporter.modules import TWINS
from airvec_exporter.transformer import TransformerOptions
from airvec_trainer.modules.router import Router
from airvec_trainer.modules.sparse_static_embedding import SparseStaticEmbedding
from airvec_trainer.modules.static_embedding import StaticEmbedding
from airvec_trainer.modules.transformer import Transformer

# Those that read texts themselves, besides Transformer.
TABLES: dict[str, Any] = {"StaticEmbedding": StaticEmbedding, "SparseStaticEmbedding": SparseStaticEmbedding}


@dataclass(frozen=True)
class LoadOptions:
    """What a caller changes about the modules when they are loaded.

    Attributes:
        transformer: of each Transformer: its config, its arguments, and whether a missing head is made anew.
        processor: arguments of its tokenizer.
    """

    transformer: TransformerOptions = field(default_factory=TransformerOptions)
    processor: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class HubArguments:
    """Where a name on the Hub is looked up, and how: the arguments of `airvec_exporter.fetch.find_checkpoint`."""

    revision: str | None = None
    cache_folder: str | None = None
    local_files_only: bool = False
    token: bool | str | None = None


def find(name_or_path: str | Path, organisation: str, hub: HubArguments) -> Path:
    """The folder of a model, from disk or else from the Hub.

    A bare name is one of the organisation's, or, where that has none such, nobody's, as `bert-base-uncased` is.

    Raises:
        ArgumentError, ModelNotFoundError, DownloadError, MissingPackageError: as `find_checkpoint` says.
    """
    try:
        return _find(name_or_path, organisation, hub)
    except ModelNotFoundError:
        if "/" in str(name_or_path) or Path(name_or_path).exists():
            raise
        try:
            return _find(name_or_path, None, hub)
        except ModelNotFoundError:
            pass
        raise


def _find(name_or_path: str | Path, organisation: str | None, hub: HubArguments) -> Path:
    return find_checkpoint(
        name_or_path, revision=hub.revision, cache_folder=hub.cache_folder, local_files_only=hub.local_files_only,
        token=hub.token, organisation=organisation,
    )  # fmt: skip


def load_folder(home: Path, kind: str) -> ModelFolder:
    """What the files of a model's folder say.

    Args:
        home: the folder.
        kind: `"SentenceTransformer"`, `"SparseEncoder"` or `"CrossEncoder"`, which it must be.

    Raises:
        ModelNotFoundError: files are missing.
        ModelFolderError: a file is damaged, or the folder is another class's.
    """
    folder = read_folder(home, kind)
    check_kind(folder, kind)
    return folder


def load_modules(folder: ModelFolder, options: LoadOptions) -> OrderedDict[str, nn.Module]:
    """The modules of a folder by their numbers, `"0"` …, in evaluation mode.

    Args:
        folder: what its files say.
        options: what the caller changes; `options.transformer.new_head` allows a body without the head of its task,
            as a reranker's is before its first training.

    Raises:
        ModelNotFoundError: files are missing.
        ModelFolderError: a file is damaged, weights are missing, or a module is of an unknown type.
        ExportError: transformers cannot load a body or a tokenizer.
        ArgumentError: `options` that transformers refuses.
    """
    made = {str(index): _module(spec, folder.name, options) for index, spec in enumerate(folder.modules)}
    return OrderedDict((name, module.eval()) for name, module in made.items())


def _module(spec: ModuleSpec, name: str, options: LoadOptions) -> nn.Module:
    if spec.router is not None:
        return _router(spec, name, options)
    if spec.type == "Transformer":
        return Transformer.from_spec(spec, name, options.transformer, options.processor)
    if spec.type in TABLES:
        return TABLES[spec.type].from_spec(spec, name)
    if spec.type in TWINS:
        return TWINS[spec.type].from_spec(spec)
    known = ", ".join(sorted(["Transformer", "Router", *TABLES, *TWINS]))
    raise ModelFolderError(
        f"{name}/modules.json: module type {spec.type!r}, expected one of {known}. This version of airvec trains "
        "models of these modules only."
    )


def _router(spec: ModuleSpec, name: str, options: LoadOptions) -> Router:
    """All routes; a module that two of them name is one module."""
    routes = spec.router
    if routes is None:
        raise ArgumentError(f"{name}: module {spec.type!r}, expected a Router. Open the folder again.")
    made: dict[Path, nn.Module] = {}
    for one in (one for route in routes.routes.values() for one in route):
        if one.path not in made:
            made[one.path] = _module(one, name, options)
    chains = {route: [made[one.path] for one in modules] for route, modules in routes.routes.items()}
    empty = routes.default_route is not None
    return Router(chains, routes.default_route, allow_empty_key=empty, route_mappings=dict(routes.mappings))
