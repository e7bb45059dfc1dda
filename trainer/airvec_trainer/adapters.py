"""Adapters of peft (LoRA and its like) on a model: added, switched, read, taken off, and merged into its weights.

All but the merging is transformers' own work, on the first model of transformers that is found inside.
peft is imported only inside functions.
Knows nothing of how a model is loaded, saved and trained.
"""

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn

from airvec.errors import ArgumentError, ModelFolderError, require

__all__ = ["Adapters", "check_fit", "has_adapters", "with_adapters_merged"]

Model = TypeVar("Model", bound=nn.Module)
LOADED = "_hf_peft_config_loaded"  # what transformers remembers a model with adapters by


class Adapters:
    """The methods of a model for adapters; names and meaning are those of transformers' `PeftAdapterMixin`.

    Each raises `MissingPackageError` where peft is not installed, and `ArgumentError` for a model without a Transformer
    or, but for the first two, without an adapter.
    """

    transformers_model: Any

    def add_adapter(self, adapter_config: Any, adapter_name: str | None = None) -> None:
        """Add a fresh adapter, which is then active and the only part of that Transformer that trains.

        Args:
            adapter_config: peft's settings, such as `LoraConfig(r=8, target_modules=["query", "value"])`.
            adapter_name: what to call it; None = `"default"`.

        Raises:
            ArgumentError: peft refuses the settings for this model, or there is an adapter of that name.
        """
        model = _changeable(self.transformers_model, "add_adapter")
        try:
            with _several():
                model.add_adapter(adapter_config, adapter_name)
        except (ValueError, TypeError) as error:
            raise ArgumentError(
                f"add_adapter: {type(adapter_config).__name__} does not fit {type(model).__name__}: {_line(error)} "
                "Correct the settings."
            ) from error

    def load_adapter(
        self,
        peft_model_id: str | Path | None = None,
        adapter_name: str | None = None,
        *,
        peft_config: dict[str, Any] | None = None,
        adapter_state_dict: dict[str, Tensor] | None = None,
        is_trainable: bool = False,
        local_files_only: bool = False,
        adapter_kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Load an adapter that was saved before; it is active then.

        Args:
            peft_model_id: its folder, or its name on the Hub.
            adapter_name: what to call it; None = `"default"`.
            peft_config: its settings, where they are at hand and not in a file.
            adapter_state_dict: its weights, likewise.
            is_trainable: whether it is to be trained on.
            local_files_only: use what has been fetched before, without network.
            adapter_kwargs: the Hub's `revision`, `token` and the like.

        Raises:
            ArgumentError: no such adapter, one of another model, or there is one of that name.
        """
        model = _changeable(self.transformers_model, "load_adapter")
        # Not by its own name: transformers 5.23 hands that on to a class that has no such field.
        hub = {**(adapter_kwargs or {}), **({"local_files_only": True} if local_files_only else {})}
        try:
            with _several():
                found = model.load_adapter(
                    peft_model_id and str(peft_model_id), adapter_name, peft_config=peft_config,
                    adapter_state_dict=adapter_state_dict, is_trainable=is_trainable, adapter_kwargs=hub,
                )  # fmt: skip
        except (ValueError, OSError, RuntimeError) as error:
            raise ArgumentError(
                f"load_adapter: {str(peft_model_id)!r} cannot be loaded on {type(model).__name__}: {_line(error)} "
                "Check its name, and that it was trained on this model."
            ) from error
        check_fit(found, str(peft_model_id), type(model).__name__)

    def set_adapter(self, adapter_name: str | list[str]) -> None:
        """Make an adapter, or several, the active one; the others stay, and do nothing.

        Raises:
            ArgumentError: there is none of that name.
        """
        model = _changed(self.transformers_model, "set_adapter")
        wanted = [adapter_name] if isinstance(adapter_name, str) else adapter_name
        _check_names(model, wanted, "set_adapter")
        model.set_adapter(adapter_name)

    def enable_adapters(self) -> None:
        """Let the active adapters work again."""
        _changed(self.transformers_model, "enable_adapters").enable_adapters()

    def disable_adapters(self) -> None:
        """Run the model as it was before any adapter."""
        _changed(self.transformers_model, "disable_adapters").disable_adapters()

    def active_adapters(self) -> list[str]:
        """The names of the adapters that are active."""
        return list(_changed(self.transformers_model, "active_adapters").active_adapters())

    def active_adapter(self) -> str:
        """The name of the first of the active adapters."""
        return self.active_adapters()[0]

    def get_adapter_state_dict(self, adapter_name: str | None = None) -> dict[str, Tensor]:
        """The weights of one adapter by name; None = of the active one."""
        model = _changed(self.transformers_model, "get_adapter_state_dict")
        if adapter_name is not None:
            _check_names(model, [adapter_name], "get_adapter_state_dict")
        return dict(model.get_adapter_state_dict(adapter_name))

    def adapter_base(self) -> str:
        """The folder of the model that the adapters change."""
        return str(_changed(self.transformers_model, "adapter_base").name_or_path)

    def delete_adapter(self, adapter_names: str | list[str]) -> None:
        """Take an adapter, or several, off the model.

        Raises:
            ArgumentError: there is none of that name.
        """
        model = _changed(self.transformers_model, "delete_adapter")
        _check_names(model, [adapter_names] if isinstance(adapter_names, str) else adapter_names, "delete_adapter")
        model.delete_adapter(adapter_names)


def has_adapters(model: nn.Module) -> bool:
    """Whether a model of transformers inside has an adapter, active or not."""
    return any(getattr(part, LOADED, False) for part in model.modules())


def with_adapters_merged(model: Model) -> Model:
    """The model itself, or, where it has adapters, a copy of it with the active ones in its weights, as float32.

    Nothing of the model changes, so that training can go on. A copy shares everything but the modules with it.
    """
    if not has_adapters(model):
        return model
    twin = copy.copy(model)
    twin.__dict__["_modules"] = copy.deepcopy(model.__dict__["_modules"])
    twin.float()
    _merge(twin)
    for part in twin.modules():
        if getattr(part, LOADED, False):
            setattr(part, LOADED, False)
            del part.peft_config
    return twin


@contextmanager
def _several() -> Iterator[None]:
    """Without peft's warning that there are several adapters: the caller has just asked for one more."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Already found a `peft_config` attribute", UserWarning)
        yield


def _merge(model: nn.Module) -> None:
    """Put in place of each changed layer the plain one with the adapter in its weights."""
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils import ModulesToSaveWrapper

    for name, part in list(model.named_modules()):
        if isinstance(part, BaseTunerLayer):
            if not part.disable_adapters:
                part.merge(safe_merge=True)
            plain = part.get_base_layer()
        elif isinstance(part, ModulesToSaveWrapper):
            own = part.modules_to_save
            active = [] if part.disable_adapters else [name for name in part.active_adapters if name in own]
            plain = own[active[0]] if active else part.original_module
        else:
            continue
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, plain)


def check_fit(found: Any, name: str, model: str) -> None:
    """Refuse an adapter some of whose weights have no place in the model, or that leaves places empty.

    Args:
        found: what transformers reports of the weights that it loaded.
        name: the adapter's, for messages.
        model: the class of the model.

    Raises:
        ModelFolderError: it is one.
    """
    odd = sorted([*found.unexpected_keys, *found.missing_keys])
    if odd:
        raise ModelFolderError(
            f"{name}: {len(odd)} weights of the adapter do not fit {model}, the first {odd[0]!r}. Check that it was "
            "trained on this base model, for this task."
        )


def _changeable(model: Any, method: str) -> Any:
    """transformers' model, if it can have adapters."""
    require("peft", "peft", method)
    if model is None or not hasattr(model, "add_adapter"):
        raise ArgumentError(
            f"{method}: the model has {'no Transformer' if model is None else type(model).__name__}, expected one "
            "with a Transformer, whose weights an adapter changes."
        )
    return model


def _changed(model: Any, method: str) -> Any:
    """transformers' model, if it has adapters."""
    found = _changeable(model, method)
    if not getattr(found, LOADED, False):
        raise ArgumentError(f"{method}: {type(found).__name__} has no adapter. Add one first, with add_adapter.")
    return found


def _check_names(model: Any, names: list[str], method: str) -> None:
    known = list(model.peft_config)
    for name in names:
        if name not in known:
            raise ArgumentError(f"{method}: {name!r}, expected one of {', '.join(map(repr, known))}. Correct it.")


def _line(error: Exception) -> str:
    found = " ".join(str(error).split())
    return found if found.endswith(".") else f"{found}."
