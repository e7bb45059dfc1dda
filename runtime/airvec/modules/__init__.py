"""What happens between a graph's output and the embedding: one file a type in `modules.json`.

A module is a frozen record with `from_spec(ModuleSpec)`, `output_dim(input_dim)` and `__call__(features)`, which
returns the features with one array added or replaced. It reads its own weights and nothing else.
Knows nothing of texts and graphs.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol

from airvec.arrays import Features
from airvec.errors import ModelFolderError
from airvec.folder import ModelFolder, ModuleSpec

__all__ = ["MODULES", "Module", "check_dimensions", "open_module", "open_modules"]


class Module(Protocol):
    """A step after the graph."""

    def output_dim(self, input_dim: int | None) -> int | None:
        """Width of the embedding after this module, given the width before it; None = not known.

        Raises:
            ModelFolderError: the module cannot take that width.
        """
        ...

    def __call__(self, features: Features) -> Features:
        """The features with this module's output added or replaced."""
        ...


# Keyed by the last part of the type in modules.json, so that all generations of its package paths are read.
# The file of each is imported when a folder names it: all seven would take 4 ms of a start that takes 100.
MODULES = {
    "Dense": "airvec.modules.dense",
    "Dropout": "airvec.modules.dropout",
    "LayerNorm": "airvec.modules.layer_norm",
    "Normalize": "airvec.modules.normalize",
    "Pooling": "airvec.modules.pooling",
    "SparseAutoEncoder": "airvec.modules.sparse_auto_encoder",
    "SpladePooling": "airvec.modules.splade_pooling",
}


def open_module(spec: ModuleSpec) -> Module:
    """The module that a spec names, one of `MODULES`, with its weights.

    Raises:
        ModelFolderError: its weights or settings are damaged.
    """
    return getattr(import_module(MODULES[spec.type]), spec.type).from_spec(spec)


def open_modules(folder: ModelFolder, chain: Sequence[ModuleSpec]) -> tuple[Module, ...]:
    """The modules of a chain after the first one, which is the backend's.

    Raises:
        ModelFolderError: a module of a type that airvec does not have, or with damaged weights.
    """
    return tuple(_open(folder, index, spec) for index, spec in enumerate(chain) if index > 0)


def check_dimensions(modules: Sequence[Module], input_dim: int | None) -> int | None:
    """Pass a width through all modules: the width of the embedding, None where no module knows it.

    Raises:
        ModelFolderError: one module's output does not fit the next one's input.
    """
    for module in modules:
        input_dim = module.output_dim(input_dim)
    return input_dim


def _open(folder: ModelFolder, index: int, spec: ModuleSpec) -> Module:
    if spec.type not in MODULES:
        raise ModelFolderError(
            f"{folder.name}/modules.json: module {index} has type {spec.type!r}, expected one of "
            f"{', '.join(sorted(MODULES))}. This version of airvec has no such module."
        )
    return open_module(spec)
