"""An adapter of peft (LoRA and its like) and its base model → one model in torch, merged in float32.

The base model is the caller's, or lies in the adapter's folder, or is fetched from the Hub by the name that the adapter
states, as peft does; that is logged. A path out of the folder is no name: nobody asked to read there.
peft is imported only here, inside functions.
Knows nothing of the checkpoint around the adapter.
"""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from safetensors import SafetensorError
from torch import Tensor, nn

from airvec.errors import AirvecError, ModelFolderError, ModelNotFoundError
from airvec.folder import CLASSIFY, ModuleSpec
from airvec.json_file import JsonObject, read_object
from airvec_exporter.body_folder import WEIGHTS, copy
from airvec_exporter.errors import ExportError
from airvec_exporter.fetch import ADAPTER, ADAPTER_WEIGHTS, find_checkpoint
from airvec_exporter.transformer import first_line, load_transformer

LOG = logging.getLogger("airvec")
PREFIX = "base_model.model."  # of the names of weights in an adapter's file
# The weights that give a classifier's scores, one row a label.
SCORES = ("classifier.weight", "score.weight", "classifier.out_proj.weight", "classification_head.out_proj.weight")
OWN = (*WEIGHTS, "pytorch_model.bin", "pytorch_model.bin.index.json")


@dataclass(frozen=True)
class Adapter:
    """An adapter's folder, its settings, its model's folder, and what to call the checkpoint in messages."""

    home: Path
    config: JsonObject
    base: Path
    name: str


def find_adapter(home: Path, name: str, scratch: Path, given: str | Path | None = None) -> Adapter:
    """An adapter and its base model: fetched if it is a name on the Hub, copied if it lies beside it.

    Args:
        home: the folder of the adapter.
        name: the checkpoint's, for messages.
        scratch: a folder to make for the copy.
        given: the base model in place of the one that the adapter names; a folder, or a name on the Hub.

    Raises:
        ModelNotFoundError: no weights, or no base model.
        DownloadError: the base model cannot be fetched.
        ModelFolderError: a damaged file, a base model outside the folder that nobody gave, or one that is an adapter.
    """
    config = read_object(home / ADAPTER)
    if not any((home / file).is_file() for file in ADAPTER_WEIGHTS):
        raise ModelNotFoundError(f"{name}: {ADAPTER}, but no {ADAPTER_WEIGHTS[0]} beside it. Fetch the adapter again.")
    if (home / "config.json").is_file() and any((home / file).is_file() for file in OWN):
        # transformers takes a whole model with an adapter for its own base, and loads both unless they lie apart.
        scratch.mkdir()
        shards = tuple(path.name for path in home.glob("*-of-*"))
        copy(home, scratch, ("config.json", *OWN, *shards))
        return Adapter(home, config, scratch, name)
    stated = config.text("base_model_name_or_path") or (str(given) if given is not None else None)
    if not stated:
        raise ModelFolderError(
            f"{config.file}: 'base_model_name_or_path' is {stated!r}, expected the model that the adapter was trained "
            "on. Write its name or path there."
        )
    try:
        base = _base(home, config, stated) if given is None else find_checkpoint(given, organisation=None)
    except ModelNotFoundError as error:
        if given is not None:
            raise
        raise ModelNotFoundError(
            f"{config.file}: 'base_model_name_or_path' is {stated!r}, which was not found ({error}) "
            "Write the model's name there, or give its folder: base=… (--base)."
        ) from error
    if (base / ADAPTER).is_file():
        raise ModelFolderError(
            f"{config.file}: its base model {stated!r} is an adapter itself, expected a whole model. Export that one, "
            "and write the path of what comes out there."
        )
    return Adapter(home, config, base, name)


def _base(home: Path, config: JsonObject, stated: str) -> Path:
    """The base model that an adapter states: a folder inside its own, or else a name on the Hub."""
    if (home / stated).is_dir() and (home / stated).resolve().is_relative_to(home.resolve()):
        return home / stated
    if stated.startswith((".", "~", "/", "\\")) or Path(stated).is_absolute() or Path(stated).exists():
        raise ModelFolderError(
            f"{config.file}: 'base_model_name_or_path' is {stated!r}, a path out of the adapter's folder, expected a "
            "name on the Hub or a folder inside. If it is the model to take, give it: base=… (--base)."
        )
    LOG.info("%s: its base model %s is taken from the Hub or its cache", config.file, stated)
    return find_checkpoint(stated, revision=config.text("revision"), organisation=None)


def merged(adapter: Adapter, spec: ModuleSpec) -> nn.Module:
    """transformers' model with the adapter in its weights.

    Args:
        adapter: the adapter and its base model.
        spec: the module, whose task says which head the model has.

    Raises:
        ModelFolderError: damaged weights, or an adapter of another model.
        ExportError: an adapter that cannot be merged.
    """
    from peft import PeftConfig, get_peft_model

    base = ModuleSpec(spec.type, adapter.base, read_object(adapter.base / "config.json"), spec.task)
    weights = read_adapter(adapter)
    labels = labels_of(weights) if spec.task == CLASSIFY else None
    model = load_transformer(base, adapter.name, labels=labels, brought=[key.removeprefix(PREFIX) for key in weights])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what peft warns of is an error here
            settings = PeftConfig.from_pretrained(str(adapter.home))
            settings.inference_mode = True
            _check_mergeable(settings, adapter)
            changed = get_peft_model(model, settings)
            found = changed.load_adapter(str(adapter.home), "default", torch_device="cpu")
            _check_fit(found, adapter, type(model).__name__)
            return changed.merge_and_unload(safe_merge=True).eval()
    except (ValueError, RuntimeError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
        if isinstance(error, AirvecError):
            raise
        raise ExportError(
            f"{adapter.config.file}: peft cannot merge the adapter into {adapter.base.name}: {first_line(error)} "
            "Check that it was trained on this model; or merge it where it was trained, and export what comes out."
        ) from error


def read_adapter(adapter: Adapter) -> dict[str, Tensor]:
    """The weights of an adapter by name, on the CPU.

    Raises:
        ModelFolderError: a damaged file.
    """
    from peft.utils import load_peft_weights

    try:
        return load_peft_weights(str(adapter.home), device="cpu")
    except (SafetensorError, UnpicklingError, EOFError, RuntimeError) as error:
        raise ModelFolderError(
            f"{adapter.name}: the adapter's weights are not a file of tensors ({first_line(error)}). Fetch it again."
        ) from error


def labels_of(weights: dict[str, Tensor]) -> int | None:
    """How many scores the head gives that the adapter brings; None = it brings none."""
    found = [weights[PREFIX + name] for name in SCORES if PREFIX + name in weights]
    return found[0].shape[0] if found else None


def _check_mergeable(settings: Any, adapter: Adapter) -> None:
    kind = str(getattr(settings.peft_type, "value", settings.peft_type))
    if settings.is_prompt_learning or getattr(settings, "alora_invocation_tokens", None):
        raise ExportError(
            f"{adapter.config.file}: peft_type is {kind!r}, which changes what the model reads, not its weights; "
            "expected one like 'LORA', which can be merged into them. Train with another adapter."
        )


def _check_fit(found: Any, adapter: Adapter, model: str) -> None:
    """Refuse an adapter some of whose weights have no place in the model, or that leaves places empty."""
    for keys, what in ((found.unexpected_keys, "holds {} weights that {} has no place for"),
                       (found.missing_keys, "lacks {} weights that its settings say it has for {}")):  # fmt: skip
        if keys:
            raise ModelFolderError(
                f"{adapter.name}: the adapter {what.format(len(keys), model)}, the first {keys[0]!r}. "
                "Check that it was trained on this base model, for this task."
            )
