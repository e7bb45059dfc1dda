"""A folder with an adapter of peft → transformers' model with it, on top of the model that it was trained on.

The base model is the one that the adapter names: on the Hub, or inside the folder. A path out of the folder is not
followed, as nowhere in airvec: the caller gives that one.
Knows nothing of the modules behind the model.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from airvec.cache_names import repository_of
from airvec.errors import ModelFolderError, ModelNotFoundError, require
from airvec.folder import CLASSIFY, ModuleSpec
from airvec.json_file import read_object
from airvec_exporter.adapter import PREFIX, Adapter, find_adapter, labels_of, read_adapter
from airvec_exporter.body_folder import write_json
from airvec_exporter.errors import ExportError
from airvec_exporter.fetch import ADAPTER
from airvec_exporter.transformer import TransformerOptions, first_line, load_transformer
from airvec_trainer.adapters import check_fit

__all__ = ["BASE", "is_adapter", "name_base", "open_adapted"]

BASE = "base"  # among the arguments of a model: a folder or a name in place of the base that the adapter names


def is_adapter(home: Path) -> bool:
    """Whether a folder holds an adapter."""
    return (home / ADAPTER).is_file()


def open_adapted(spec: ModuleSpec, name: str, options: TransformerOptions) -> Any:
    """Load the base model with the head of the module's task, and the adapter, which can be trained on.

    Args:
        spec: the module in the adapter's folder.
        name: the checkpoint's, for messages.
        options: what the caller changes about the base model; `options.model["base"]` names another one.

    Raises:
        MissingPackageError: peft is not installed.
        ModelNotFoundError: no base model, or no weights of the adapter.
        ModelFolderError: a damaged file, an adapter of another model, or a base model outside the folder that nobody
            gave.
        ExportError: transformers or peft cannot load it.
    """
    require("peft", "peft", f"{name} ({ADAPTER})")
    given = dict(options.model)
    with tempfile.TemporaryDirectory(prefix="airvec-") as scratch:
        adapter = _found(spec.path, name, Path(scratch) / "base", given.pop(BASE, None))
        weights = read_adapter(adapter)
        base = spec._replace(home=adapter.base, config=read_object(adapter.base / "config.json"))
        labels = labels_of(weights) if spec.task == CLASSIFY else None
        brought = [key.removeprefix(PREFIX) for key in weights]
        chosen = replace(options, model=given, new_head=False)
        model: Any = load_transformer(base, name, labels=labels, brought=brought, options=chosen)
        try:
            found = model.load_adapter(str(adapter.home), is_trainable=True, adapter_kwargs={"local_files_only": True})
        except (ValueError, RuntimeError, KeyError, TypeError, AttributeError) as error:
            raise ExportError(
                f"{adapter.config.file}: peft cannot load the adapter on {adapter.base.name}: {first_line(error)} "
                "Check that it was trained on this model."
            ) from error
    check_fit(found, name, type(model).__name__)
    if not Path(model.name_or_path).is_dir():  # base and adapter lay in one folder, from which the base was copied
        model.name_or_path = str(spec.path)
    return model.eval()


def _found(home: Path, name: str, scratch: Path, base: Any) -> Adapter:
    """As `find_adapter`, whose messages speak of the exporter's argument."""
    try:
        return find_adapter(home, name, scratch, base)
    except (ModelFolderError, ModelNotFoundError) as error:
        raise type(error)(str(error).replace("base=… (--base)", 'model_kwargs={"base": …}')) from error


def name_base(home: Path) -> None:
    """Let a saved adapter name its base as the Hub does, with its revision, and not by where this machine's cache is.

    Args:
        home: the folder of the adapter.
    """
    config = read_object(home / ADAPTER)
    base = Path(config.text("base_model_name_or_path") or "")
    repository = repository_of(base)
    if repository is not None:
        named = {"base_model_name_or_path": repository, "revision": base.name}
        write_json(home / ADAPTER, {**config.values, **named})
