"""A model's modules → a folder that every generation of sentence-transformers reads, airvec's exporter too.

Oldest type names, old Pooling keys, the length limit in `sentence_bert_config.json`, safetensors only. A folder is
written beside its place and then renamed, so that it is there whole or not at all.
Knows nothing of how modules compute and of graphs.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import disk_usage, rmtree
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from airvec.errors import ArgumentError
from airvec.folder import CLASSIFY, FILL_MASK, RERANKER
from airvec.json_file import read_object
from airvec_exporter.body_folder import write_json
from airvec_exporter.folder import SPARSE_TYPE, SPARSE_TYPES, TYPE
from airvec_exporter.placing import put, temporary_beside
from airvec_trainer.adapters import has_adapters
from airvec_trainer.modules.router import Router
from airvec_trainer.modules.transformer import Transformer
from airvec_trainer.saved_before import entries_of_model

SETTINGS = "config_sentence_transformers.json"


def save(
    modules: Sequence[nn.Module], settings: Mapping[str, Any], path: Path, card: Callable[[Path], None] | None = None
) -> None:
    """Write a model's folder; what else was in it stays, but for files of the model that it held before.

    Args:
        modules: in order; the first reads texts.
        settings: what `config_sentence_transformers.json` says besides versions; `model_type` among them.
        path: the folder.
        card: writes the README into a folder; None = none.

    Raises:
        ArgumentError: the path is a file's.
        OSError: the disk refuses; a folder that was there is as it was.
    """
    path = path.resolve()
    if path.is_file():
        raise ArgumentError(f"path: {str(path)!r} is a file, expected a folder. Choose another.")
    try:
        _save(modules, settings, path, card)
    except (OSError, SafetensorError) as error:  # safetensors says so of a full disk, too
        free = disk_usage(next(place for place in path.parents if place.is_dir())).free
        raise OSError(
            f"{path}: the model could not be written ({error}), {free / 1e6:,.0f} MB are free there. Nothing of it was "
            "kept, and a model that was there is as it was. Make room, or choose another folder."
        ) from error


def _save(
    modules: Sequence[nn.Module], settings: Mapping[str, Any], path: Path, card: Callable[[Path], None] | None
) -> None:
    mounted = path.is_mount()  # a volume cannot be renamed, so its entries are
    with temporary_beside(path / "model" if mounted else path) as folder:
        write(modules, settings, folder)
        if card is not None:
            card(folder)
        old = entries_of_model(path)
        if not mounted:
            put(folder, path, lambda name: name not in old)
            return
        new = list(folder.iterdir())
        for entry in new:
            put(entry, path / entry.name)
        for name in old - {entry.name for entry in new}:
            if (path / name).is_dir():
                rmtree(path / name)
            else:
                (path / name).unlink()


def write(modules: Sequence[nn.Module], settings: Mapping[str, Any], folder: Path) -> None:
    """Write a model's files into an empty folder; the arguments are those of `save`."""
    first = modules[0]
    alone = len(modules) == 1 and isinstance(first, Transformer) and first.task == CLASSIFY
    # An adapter's own files do not say what it is for.
    plain = alone and not any(settings["prompts"].values()) and not has_adapters(first)
    homes = ["" if index == 0 else f"{index}_{_name(module)}" for index, module in enumerate(modules)]
    for module, home in zip(modules, homes, strict=True):
        _write_module(module, folder / home, limits=not plain)
    if not plain:
        types = map(type_name, modules)
        entries = [
            {"idx": index, "name": str(index), "path": home, "type": kind}
            for index, (home, kind) in enumerate(zip(homes, types, strict=True))
        ]
        write_json(folder / "modules.json", entries)
    if settings["model_type"] == RERANKER:
        _write_activation(settings.get("activation_fn"), folder)
    versions = {"transformers": transformers.__version__, "pytorch": str(torch.__version__)}
    write_json(folder / SETTINGS, {"__version__": versions, **settings})


def type_name(module: nn.Module) -> str:
    """What a module is called in modules.json: the oldest name, which every reader knows."""
    name = _name(module)
    if isinstance(module, Transformer) and module.task == FILL_MASK:
        name = "MLMTransformer"
    return (SPARSE_TYPE if name in SPARSE_TYPES else TYPE).format(name)


def _name(module: nn.Module) -> str:
    return type(module).__name__


def _write_module(module: Any, home: Path, *, limits: bool = True) -> None:
    home.mkdir(parents=True, exist_ok=True)
    if isinstance(module, Router):
        _write_router(module, home)
        return
    if hasattr(module, "save"):
        module.save(home)
        if limits and isinstance(module, Transformer):
            write_json(home / "sentence_bert_config.json", module.limits())
        return
    config = module.config()
    if config is not None:
        write_json(home / "config.json", config)
    if state := {name: tensor.contiguous() for name, tensor in module.state_dict().items()}:
        save_file(state, home / "model.safetensors")


def _write_router(router: Router, home: Path) -> None:
    """`router_config.json`, and each module of the routes once, in a folder named after its first place."""
    names: dict[int, str] = {}
    types: dict[str, str] = {}
    structure: dict[str, list[str]] = {}
    for route, chain in router.routes().items():
        for place, module in enumerate(chain):
            if id(module) not in names:
                names[id(module)] = f"{route}_{place}_{_name(module)}"
                types[names[id(module)]] = type_name(module)
                _write_module(module, home / names[id(module)])
        structure[route] = [names[id(module)] for module in chain]
    parameters = {
        "default_route": router.default_route,
        "allow_empty_key": router.allow_empty_key,
        "route_mappings": {str(key): route for key, route in router.route_mappings.items()},
    }
    settings = {"types": types, "structure": structure, "parameters": parameters}
    write_json(home / "router_config.json", settings, sort_keys=False)  # the order of routes is that of the weights


def _write_activation(activation: str | None, folder: Path) -> None:
    """A reranker's activation where sentence-transformers 4.0 to 5.3 look for it: in config.json."""
    if activation is None or not (folder / "config.json").is_file():
        return
    config = read_object(folder / "config.json").values
    write_json(folder / "config.json", {**config, "sentence_transformers": {"activation_fn": activation}})
