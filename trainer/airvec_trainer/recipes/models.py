"""`[model]` → the torch model that is trained.

Knows nothing of data and of training.
"""

from typing import Any

from airvec.errors import ArgumentError, require
from airvec_trainer.recipes.checking import check_values
from airvec_trainer.recipes.making import card_class, class_of, model_class
from airvec_trainer.recipes.sections import ModelSection, Table

__all__ = ["make_model"]

TASKS = {"dense": "feature-extraction", "sparse": "fill-mask", "rerank": "sequence-classification"}
PLACE = "[model]"


def make_model(section: ModelSection, card: Table) -> Any:
    """Load or compose the model, with its adapter and what its card is to say.

    Raises:
        ArgumentError: a module or a setting that is not known, or does not belong to this kind.
        MissingPackageError: a LoRA adapter is wanted, and peft is not installed.
    """
    about = _card(section.kind, card)
    model = _reranker(section, about) if section.kind == "rerank" else _encoder(section, about)
    if section.max_seq_length is not None:
        model.max_seq_length = section.max_seq_length
    if section.lora is not None:
        model.add_adapter(_lora(section.lora))
    return model


def _encoder(section: ModelSection, about: Any) -> Any:
    found = model_class(section.kind)
    if section.num_labels is not None:
        raise ArgumentError(f"{PLACE}.num_labels: {section.num_labels} for a {section.kind} model. Leave it out.")
    settings = {
        "prompts": section.prompts,
        "similarity_fn_name": section.similarity_fn_name,
        "model_card_data": about,
    }
    if section.modules is None:
        return found(section.name, revision=section.revision, **settings)
    return found(modules=_modules(section), **settings)


def _reranker(section: ModelSection, about: Any) -> Any:
    if section.modules is not None or section.similarity_fn_name is not None:
        raise ArgumentError(f"{PLACE}: modules or similarity_fn_name for {section.kind!r}, which has neither. Drop it.")
    return model_class("rerank")(
        section.name,
        num_labels=section.num_labels,
        prompts=section.prompts,
        revision=section.revision,
        model_card_data=about,
    )


def _modules(section: ModelSection) -> list[Any]:
    """The transformer of a fresh base, and the modules behind it, each told the width that comes to it."""
    room = "airvec_trainer.modules"
    first = class_of(room, "Transformer", PLACE)(section.name, transformer_task=TASKS[section.kind])
    modules = [first]
    for number, table in enumerate(section.modules or []):
        place = f"{PLACE}.modules[{number}]"
        found = class_of(room, table.get("type"), f"{place}.type")
        given = {key: value for key, value in table.items() if key != "type"}
        if found.__name__ == "Pooling" and "embedding_dimension" not in given:
            given["embedding_dimension"] = first.get_embedding_dimension()
        check_values(found, given, place)
        modules.append(found(**given))
    return modules


def _lora(table: Table) -> Any:
    require("peft", extra="peft", purpose="[model.lora]")
    from peft import LoraConfig

    check_values(LoraConfig, table, f"{PLACE}.lora")
    return LoraConfig(**table)


def _card(kind: str, table: Table) -> Any:
    found = card_class(kind)
    check_values(found, table, "[card]")
    return found(**table)
