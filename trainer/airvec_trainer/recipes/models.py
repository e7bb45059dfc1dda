"""`[model]` → the torch model that is trained.

Knows nothing of data and of training.
"""

from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError, require
from airvec_trainer.recipes.checking import check_values
from airvec_trainer.recipes.layers import check_layers, with_layers
from airvec_trainer.recipes.making import card_class, class_of, model_class
from airvec_trainer.recipes.sections import ModelSection, Table

__all__ = ["check_model", "make_model"]

TASKS = {"dense": "feature-extraction", "sparse": "fill-mask", "rerank": "sequence-classification"}
PLACE = "[model]"
ROOM = "airvec_trainer.modules"


def check_model(section: ModelSection, card: Table) -> None:
    """Refuse what can be told of a model without loading it.

    Raises:
        ArgumentError: a folder that is not there; a module, an adapter's setting or a card's field that is not known.
        MissingPackageError: a LoRA adapter is wanted, and peft is not installed.
    """
    if Path(section.name).is_absolute() and not Path(section.name).is_dir():
        raise ArgumentError(
            f"{PLACE}.name: {section.name}: no such folder, expected a model in it. Check the path, or make it first, "
            "as the top of the recipe may say."
        )
    check_layers(section)
    _check_kind(section)
    for number, table in enumerate(section.modules or []):
        _module(table, number, None)
    if section.lora is not None:
        _lora(section.lora)
    _card(section.kind, card)


def make_model(section: ModelSection, card: Table) -> Any:
    """Load or compose the model, with its adapter and what its card is to say.

    Raises:
        ArgumentError: a module or a setting that is not known, or does not belong to this kind.
        MissingPackageError: a LoRA adapter is wanted, and peft is not installed.
    """
    about = _card(section.kind, card)
    _check_kind(section)
    model = _reranker(section, about) if section.kind == "rerank" else _encoder(section, about)
    if section.max_seq_length is not None:
        model.max_seq_length = section.max_seq_length
    if section.layers is not None:
        model = with_layers(model, section.layers)
    if section.lora is not None:
        model.add_adapter(_lora(section.lora))
    return model


def _check_kind(section: ModelSection) -> None:
    """Refuse what belongs to another kind of model."""
    if section.kind != "rerank" and section.num_labels is not None:
        raise ArgumentError(f"{PLACE}.num_labels: {section.num_labels} for a {section.kind} model. Leave it out.")
    if section.kind == "rerank" and not (section.modules is None and section.similarity_fn_name is None):
        raise ArgumentError(f"{PLACE}: modules or similarity_fn_name for {section.kind!r}, which has neither. Drop it.")


def _encoder(section: ModelSection, about: Any) -> Any:
    found = model_class(section.kind)
    settings = {
        "prompts": section.prompts,
        "similarity_fn_name": section.similarity_fn_name,
        "model_card_data": about,
    }
    if section.modules is None:
        return found(section.name, revision=section.revision, **settings)
    return found(modules=_modules(section), **settings)


def _reranker(section: ModelSection, about: Any) -> Any:
    return model_class("rerank")(
        section.name,
        num_labels=section.num_labels,
        prompts=section.prompts,
        revision=section.revision,
        model_card_data=about,
    )


def _modules(section: ModelSection) -> list[Any]:
    """The transformer of a fresh base, and the modules behind it, each told the width that comes to it."""
    first = class_of(ROOM, "Transformer", PLACE)(section.name, transformer_task=TASKS[section.kind])
    modules = [first]
    for number, table in enumerate(section.modules or []):
        found, given = _module(table, number, first.get_embedding_dimension())
        modules.append(found(**given))
    return modules


def _module(table: Table, number: int, width: int | None) -> tuple[Any, Table]:
    """The class of a module and its arguments.

    Args:
        table: of the recipe.
        number: of the module.
        width: of the transformer's vectors; None = not known yet.
    """
    place = f"{PLACE}.modules[{number}]"
    found = class_of(ROOM, table.get("type"), f"{place}.type")
    given = {key: value for key, value in table.items() if key != "type"}
    if found.__name__ == "Pooling" and "embedding_dimension" not in given:
        given["embedding_dimension"] = width or 1
    check_values(found, given, place)
    return found, given


def _lora(table: Table) -> Any:
    require("peft", extra="peft", purpose="[model.lora]")
    from peft import LoraConfig

    check_values(LoraConfig, table, f"{PLACE}.lora")
    return LoraConfig(**table)


def _card(kind: str, table: Table) -> Any:
    found = card_class(kind)
    check_values(found, table, "[card]")
    return found(**table)
