"""A folder of transformers → its model in torch, with the head of a task.

The model is in float32, in evaluation mode, without remote code and without the network; of T5-like models without a
head only the encoder is loaded. What is missing is an error: transformers would make it up.
Knows nothing of tokenizers and of the modules behind it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pickle import UnpicklingError
from typing import Any

import torch
import transformers
from torch import nn
from transformers.utils import logging

from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder import CLASSIFY, FEATURES, FILL_MASK, ModuleSpec
from airvec_exporter.errors import ExportError
from airvec_exporter.fetch import ADAPTER
from airvec_exporter.weights import check_whole

LOADERS = {
    FEATURES: "AutoModel", FILL_MASK: "AutoModelForMaskedLM", CLASSIFY: "AutoModelForSequenceClassification",
}  # fmt: skip
# AutoModel would load the decoder as well.
ENCODERS = {"t5": "T5EncoderModel", "mt5": "MT5EncoderModel", "umt5": "UMT5EncoderModel"}


@dataclass(frozen=True)
class TransformerOptions:
    """How to load a model that is to be trained, where the defaults of an export are not meant.

    Attributes:
        config: values of its config, such as `num_labels` or `hidden_dropout_prob`.
        model: arguments of transformers' `from_pretrained`, such as `dtype` and `attn_implementation`.
        new_head: whether a head that the checkpoint has not is made anew, by chance; its body must be there.

    Raises:
        ArgumentError: remote code is asked for, or a device map.
    """

    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    model: Mapping[str, Any] = field(default_factory=dict[str, Any])
    new_head: bool = False

    def __post_init__(self) -> None:
        refuse_remote_code("config_kwargs", self.config)
        refuse_remote_code("model_kwargs", self.model)
        if self.model.get("device_map") is not None:
            raise ArgumentError(
                f"model_kwargs: device_map {self.model['device_map']!r}, expected none: a model is trained on one "
                "device a process. Pass device=…."
            )

    @property
    def arguments(self) -> dict[str, Any]:
        """`model` with the dtype under its new name, float32 where none is given."""
        given = {key: value for key, value in self.model.items() if key not in ("trust_remote_code", "device_map")}
        old = given.pop("torch_dtype", torch.float32)
        return {"dtype": old, **given}


def refuse_remote_code(where: str, given: Mapping[str, Any]) -> None:
    """Refuse arguments that would have transformers run code from a model's folder.

    Raises:
        ArgumentError: they would.
    """
    if given.get("trust_remote_code"):
        raise ArgumentError(
            f"{where}: trust_remote_code {given['trust_remote_code']!r}, expected False: airvec runs no code from "
            "model folders. Use a checkpoint in transformers' own form."
        )


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Without transformers' progress bars and loading reports: a missing weight is our error to raise."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def load_transformer(
    spec: ModuleSpec, name: str, *, labels: int | None = None, brought: Collection[str] = (),
    options: TransformerOptions | None = None,
) -> nn.Module:  # fmt: skip
    """Load transformers' model of a folder with the head of its task.

    Args:
        spec: the module.
        name: the checkpoint's, for messages.
        labels: how many scores a classifier gives; None = as config.json says.
        brought: names of weights that may be missing in the folder, since they come from elsewhere.
        options: for training; None = as an export needs it.

    Raises:
        ArgumentError: `options` that transformers refuses.
        ModelFolderError: a file is damaged, or weights are missing.
        ExportError: transformers cannot load it, or it needs code of its own.
    """
    if (spec.path / ADAPTER).is_file():
        raise ModelFolderError(
            f"{name}/{ADAPTER}: the settings of an adapter, expected a whole model. Open it with whole_checkpoint."
        )
    check_whole(spec.path)
    try:
        model, report = _from_pretrained(spec, labels, options)
    except ArgumentError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, EOFError, UnpicklingError) as error:
        _refuse_own_code(spec, name)
        raise ExportError(
            f"{name}: transformers cannot load the model: {first_line(error)} "
            "Check that the folder is complete; models with code of their own are not exported."
        ) from error
    except TypeError as error:
        if options is None:
            raise
        raise ArgumentError(
            f"model_kwargs: {dict(options.model)!r}, which transformers refuses for {name}: {first_line(error)} "
            "Leave out what it does not know."
        ) from error
    stated = spec.config.section("auto_map").text(LOADERS[spec.task])
    if stated and stated.rpartition(".")[2] != type(model).__name__:
        _refuse_own_code(spec, name)
    unread = () if spec.task == CLASSIFY else tuple(key for key in report["missing_keys"] if "pooler." in key)
    missing = sorted(set(report["missing_keys"]) - {*unread, *brought})
    if options and options.new_head and spec.task != FEATURES:
        missing = [key for key in missing if _of_body(model, key)]
    if missing:
        _refuse_own_code(spec, name)
        raise ModelFolderError(_missing(model, missing, spec.task, name))
    return model.eval()


def _from_pretrained(spec: ModuleSpec, labels: int | None, options: TransformerOptions | None) -> tuple[Any, Any]:
    """The model and transformers' report of what it found.

    Raises:
        ArgumentError: a value for the config that it does not have.
    """
    settings = {key: value for key, value in (options.config if options else {}).items() if key != "trust_remote_code"}
    config, unknown = transformers.AutoConfig.from_pretrained(
        spec.path, local_files_only=True, trust_remote_code=False, return_unused_kwargs=True, **settings
    )
    for key in set(unknown) & set(settings):
        raise ArgumentError(
            f"config_kwargs: {key!r}, which {type(config).__name__} does not have, so that it would be without effect. "
            "Correct the name; other architectures have others."
        )
    if labels is not None:
        config.num_labels = labels
    config.use_cache = False
    t5 = config.model_type in ENCODERS
    loader = ENCODERS[config.model_type] if t5 and spec.task == FEATURES else LOADERS[spec.task]
    chosen: dict[str, Any] = {} if t5 else {"trust_remote_code": False}
    if options is not None:
        chosen |= options.arguments
    else:
        # The relative positions of T5 do not trace with SDPA.
        chosen |= {"dtype": torch.float32} | ({"attn_implementation": "eager"} if t5 else {})
    return getattr(transformers, loader).from_pretrained(
        spec.path, config=config, local_files_only=True, output_loading_info=True, **chosen
    )


def _of_body(model: Any, key: str) -> bool:
    """Whether a weight is the body's, which only a pooler's is not: heads come with one of their own."""
    return key.startswith(f"{model.base_model_prefix}.") and "pooler." not in key


def _missing(model: nn.Module, missing: Sequence[str], task: str, name: str) -> str:
    """transformers would make up what is missing; only a classifier reads a pooler's weights."""
    advice = "Fetch the checkpoint again."
    if task != FEATURES:
        advice = "Fetch the checkpoint again, or, if it was never trained with this head, export it with --as dense."
    return (
        f"{name}: {len(missing)} weights are missing, the first {missing[0]!r}, expected all of a "
        f"{type(model).__name__}. {advice}"
    )


def _refuse_own_code(spec: ModuleSpec, name: str) -> None:
    """Say so where a model that cannot be loaded right comes with code of its own.

    Raises:
        ExportError: it does.
    """
    code = spec.config.section("auto_map")
    named = code.text(LOADERS[spec.task]) or code.text("AutoModel") or next(iter(code.values.values()), None)
    if named:
        raise ExportError(
            f"{name}/config.json: auto_map names code of its own ({named!r}), which airvec does not run, with "
            "trust_remote_code or without. Use a checkpoint in transformers' own form."
        )


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its name where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
