"""A checkpoint with adapters → a whole one in a temporary folder, as if it had been trained whole.

Everything but the adapters is copied, config.json and a missing tokenizer come from the base model, and the merged
weights are written as model.safetensors.
Knows nothing of peft, of graphs and of what is written of a model.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airvec.cache_names import repository_of
from airvec.errors import ModelNotFoundError, require
from airvec.folder import CLASSIFY, ModuleSpec, read_folder
from airvec.hub.files import BODIES, read_modules
from airvec.json_file import read_object
from airvec_exporter.adapter import Adapter, find_adapter, merged
from airvec_exporter.body import VOCABULARIES
from airvec_exporter.body_folder import DTYPE_KEYS, TOKENIZER_FILES, copy, write_json
from airvec_exporter.fetch import ADAPTER, CheckpointFiles
from airvec_exporter.folder import CARD
from airvec_exporter.load import KINDS
from airvec_exporter.transformer import quiet_transformers

KIND_OF_TASK = {"SEQ_CLS": "rerank", "FEATURE_EXTRACTION": "dense"}
TENSORS = (".safetensors", ".bin")


@contextmanager
def whole_checkpoint(source: Path, kind: str | None = None, base: str | Path | None = None) -> Iterator[Path]:
    """The folder itself, or, where it holds adapters, a temporary one in which they are merged.

    Args:
        source: a checkpoint's folder.
        kind: `"dense"`, `"sparse"` or `"rerank"`; None = as the folder says, or the adapter's task.
        base: the model that the adapters change, a folder or a name on the Hub; None = as they say.

    Raises:
        MissingPackageError: there is an adapter, and peft is not installed.
        ModelNotFoundError: no base model, or no weights of the adapter.
        DownloadError: the base model cannot be fetched.
        ModelFolderError: a file is damaged, or the adapter was made for another model.
        ExportError: an adapter that cannot be merged.
    """
    homes = adapter_homes(source)
    if not homes:
        yield source
        return
    name = repository_of(source.resolve()) or source.resolve().name
    require("peft", "peft", f"{name} ({ADAPTER})")
    with tempfile.TemporaryDirectory(prefix="airvec-") as scratch:
        adapters = [find_adapter(home, name, Path(scratch) / str(index), base) for index, home in enumerate(homes)]
        folder = Path(scratch) / "whole" / name.rpartition("/")[2]
        _copy_all(source, folder)
        places = [folder / adapter.home.relative_to(source) for adapter in adapters]
        for adapter, place in zip(adapters, places, strict=True):
            _complete(adapter, place)
        found = read_folder(folder, KINDS.get(kind or _kind(source, adapters[0]) or ""))
        for adapter, place in zip(adapters, places, strict=True):
            _merge_into(place, adapter, next(spec for spec in found.bodies() if spec.path == place))
        yield folder


def adapter_homes(source: Path) -> list[Path]:
    """The folders of a checkpoint's bodies that hold an adapter; a trainer's steps beside them do not count."""
    if not source.is_dir():
        return []
    homes = [source / module.home for module in read_modules(source, _names(source)) if module.type in BODIES]
    return [home for home in dict.fromkeys(homes) if (home / ADAPTER).is_file()]


def _names(source: Path) -> list[str]:
    return [path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()]


def _copy_all(source: Path, folder: Path) -> None:
    """All that an export reads but adapters and the models that they change."""
    names = _names(source)
    homes = {home.relative_to(source).as_posix() for home in adapter_homes(source)}
    wanted = {*CheckpointFiles().needed(source, names), *CARD}.intersection(names)
    for path in sorted(map(Path, wanted)):
        if path.parent.as_posix() in homes and (path.name == ADAPTER or path.suffix in TENSORS):
            continue
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, folder / path)


def _complete(adapter: Adapter, place: Path) -> None:
    """Add what an adapter's folder leaves to its base model: config.json, and the tokenizer where it has none."""
    place.mkdir(parents=True, exist_ok=True)
    if not (adapter.base / "config.json").is_file():
        raise ModelNotFoundError(
            f"{adapter.name}: no config.json in its base model {adapter.base}, expected a model of transformers. "
            f"Correct base_model_name_or_path in {adapter.config.file}."
        )
    copy(adapter.base, place, ("config.json",))
    if not any((place / file).is_file() for file in VOCABULARIES):
        copy(adapter.base, place, ("tokenizer.json", "tokenizer_config.json", *TOKENIZER_FILES))


def _kind(source: Path, adapter: Adapter) -> str | None:
    """What a plain adapter is for, by its task; where modules.json says more, that does."""
    return None if (source / "modules.json").is_file() else KIND_OF_TASK.get(adapter.config.text("task_type") or "")


def _merge_into(place: Path, adapter: Adapter, spec: ModuleSpec) -> None:
    """Write the merged weights, and config.json in the base model's own form."""
    config = read_object(place / "config.json").values
    with quiet_transformers():
        model = merged(adapter, spec)
        model.save_pretrained(place)
    written = read_object(place / "config.json").values
    heads = ("id2label", "label2id") if spec.task == CLASSIFY else ()
    changed = {key: written[key] for key in ("architectures", *heads) if key in written}
    changed |= dict.fromkeys(DTYPE_KEYS & config.keys(), "float32")
    write_json(place / "config.json", {**config, **changed})
