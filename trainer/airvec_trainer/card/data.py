"""What a model card says, as plain data: what the user states, and what a training adds.

Knows nothing of Markdown, of trainers and of how models compute.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError
from airvec.folder import DENSE, RERANKER, SPARSE
from airvec_trainer.card.citations import citation_of

__all__ = [
    "CrossEncoderModelCardData", "Measured", "ModelCardData", "SentenceTransformerModelCardData",
    "SparseEncoderModelCardData", "begin_card",
]  # fmt: skip

TRAINED = "generated_from_trainer"
CACHED = re.compile(r"models--(?P<name>[^/\\]+)[/\\]snapshots[/\\](?P<revision>[0-9a-f]{7,40})")
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Measured:
    """What one evaluator found.

    Attributes:
        class_name: of the evaluator, with its module.
        description: what was measured, in words.
        name: of the data; may be empty.
        primary: the key of the primary metric, without the data's name in front.
        metrics: values by name, without the data's name in front.
        config: settings that are not at their defaults.
    """

    class_name: str
    description: str
    name: str
    primary: str
    metrics: Mapping[str, float]
    config: Mapping[str, Any]


@dataclass
class ModelCardData:
    """What a card says. The first ten fields are the user's; the others are filled in by a training.

    Args:
        language: of the texts, such as "en" or ["en", "de"].
        license: such as "apache-2.0".
        model_name: the card's title; None = made from the base model.
        model_id: `ORG/MODEL`, where the model will be on the Hub.
        train_datasets: for each data set a dict with "name", "id" (on the Hub) or both; None = found out.
        eval_datasets: likewise.
        task_name: what the model is for, in words.
        tags: of the front matter.
        local_files_only: kept for old code; a card never asks the Hub.
        generate_widget_examples: take examples from the data, and show what the model makes of them.

    Raises:
        ArgumentError: a `model_id` that is not `ORG/MODEL`.
    """

    language: Any = field(default_factory=list[str])
    license: str | None = None
    model_name: str | None = None
    model_id: str | None = None
    train_datasets: Rows = field(default_factory=list[dict[str, Any]])
    eval_datasets: Rows = field(default_factory=list[dict[str, Any]])
    task_name: str | None = None
    tags: list[str] = field(default_factory=list[str])
    local_files_only: bool = False
    generate_widget_examples: bool = True
    base_model: str | None = field(default=None, init=False)
    base_model_revision: str | None = field(default=None, init=False)
    base_folder: str | None = field(default=None, init=False)
    all_hyperparameters: dict[str, Any] = field(default_factory=dict[str, Any], init=False)
    non_default_hyperparameters: dict[str, Any] = field(default_factory=dict[str, Any], init=False)
    measured: dict[tuple[str, str, int], Measured] = field(
        default_factory=dict[tuple[str, str, int], Measured], init=False, repr=False
    )
    training_logs: Rows = field(default_factory=list[dict[str, Any]], init=False, repr=False)
    widget: Rows = field(default_factory=list[dict[str, Any]], init=False, repr=False)
    usage_examples: list[Any] = field(default_factory=list[Any], init=False, repr=False)
    citations: dict[str, str] = field(default_factory=dict[str, str], init=False, repr=False)
    emissions: dict[str, Any] = field(default_factory=dict[str, Any], init=False)
    best_model_step: int | None = field(default=None, init=False)
    training_seconds: float | None = field(default=None, init=False)
    evaluation_seconds: float = field(default=0.0, init=False)
    ir_model: bool | None = field(default=None, init=False)
    text: str | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.set_language(self.language or [])
        self.train_datasets = [dict(entry) for entry in self.train_datasets or []]
        self.eval_datasets = [dict(entry) for entry in self.eval_datasets or []]
        self.tags = list(self.tags or [])
        if self.model_id is not None:
            self.set_model_id(self.model_id)

    @property
    def trained(self) -> bool:
        """Whether a training has begun since the model was opened."""
        return TRAINED in self.tags

    def add_tags(self, tags: str | Iterable[str]) -> None:
        """Add tags that are not there yet."""
        new = [tags] if isinstance(tags, str) else list(tags)
        self.tags += [tag for tag in dict.fromkeys(new) if tag not in self.tags]

    def set_language(self, language: str | Iterable[str]) -> None:
        """State the language or the languages of the texts."""
        self.language = [language] if isinstance(language, str) else list(language)

    def set_license(self, license: str) -> None:  # noqa: A002
        """State the licence."""
        self.license = license

    def set_model_id(self, model_id: str) -> None:
        """State where the model will be on the Hub.

        Raises:
            ArgumentError: not `ORG/MODEL`.
        """
        if model_id.count("/") != 1 or not all(model_id.split("/")):
            raise ArgumentError(f"model_id: {model_id!r}, expected ORG/MODEL. Put who owns it in front.")
        self.model_id = model_id

    def set_base_model(self, model_id: str, revision: str | None = None) -> None:
        """State the model on the Hub that this one was made from, and its commit."""
        self.base_model, self.base_model_revision = model_id, revision

    def set_best_model_step(self, step: int) -> None:
        """State the step whose weights the model has; its row of the log is set in bold."""
        self.best_model_step = step

    def set_losses(self, losses: Iterable[Any]) -> None:
        """State the losses: a tag for each, and what to cite."""
        kinds = list(losses)
        for loss in kinds:
            citation = citation_of(type(loss))
            if citation:
                self.citations[type(loss).__name__] = citation
        self.add_tags(f"loss:{type(loss).__name__}" for loss in kinds)

    def set_evaluation_metrics(
        self, evaluator: Any, metrics: Mapping[str, Any], epoch: float = 0, step: int = 0
    ) -> None:
        """Keep what an evaluator found, the newest of each, and put its primary metric into the training log.

        Args:
            evaluator: with `name`, `primary_metric`, `description` and `get_config_dict()`, each may be absent.
            metrics: by name.
            epoch: of training.
            step: of training.
        """
        name = getattr(evaluator, "name", "") or ""
        primary = getattr(evaluator, "primary_metric", None) or ""
        kind = f"{type(evaluator).__module__}.{type(evaluator).__qualname__}"
        config = evaluator.get_config_dict() if hasattr(evaluator, "get_config_dict") else {}
        description = getattr(evaluator, "description", type(evaluator).__name__)
        own = f"{name}_" if name and all(key.startswith(f"{name}_") for key in metrics) else ""
        found = {key.removeprefix(own): number(value) for key, value in metrics.items()}
        entry = Measured(kind, description, name, primary.removeprefix(own), found, config)
        self.measured[kind, name, id(evaluator)] = entry
        if primary in metrics:
            self.add_log(epoch, step, {primary: number(metrics[primary])})

    def add_log(self, epoch: float | None, step: int, values: Mapping[str, Any]) -> None:
        """Put values into the row of a step in the training log, which is made where it is not the last one."""
        if not self.training_logs or self.training_logs[-1]["Step"] != step:
            self.training_logs.append({"Epoch": epoch, "Step": step})
        self.training_logs[-1].update(values)


@dataclass
class SentenceTransformerModelCardData(ModelCardData):
    """The card of a `SentenceTransformer`; fields as `ModelCardData`'s."""

    task_name: str | None = (
        "semantic textual similarity, semantic search, paraphrase mining, classification, clustering, and more"
    )
    tags: list[str] = field(
        default_factory=lambda: ["sentence-transformers", "sentence-similarity", "feature-extraction", "dense"]
    )


@dataclass
class SparseEncoderModelCardData(ModelCardData):
    """The card of a `SparseEncoder`; fields as `ModelCardData`'s."""

    task_name: str | None = "semantic search and sparse retrieval"
    tags: list[str] = field(default_factory=lambda: ["sentence-transformers", "sparse-encoder", "sparse"])


@dataclass
class CrossEncoderModelCardData(ModelCardData):
    """The card of a `CrossEncoder`; fields as `ModelCardData`'s. `task_name` None = by the number of labels."""

    tags: list[str] = field(default_factory=lambda: ["sentence-transformers", "cross-encoder", "reranker"])


KINDS: dict[str, type[ModelCardData]] = {
    DENSE: SentenceTransformerModelCardData,
    SPARSE: SparseEncoderModelCardData,
    RERANKER: CrossEncoderModelCardData,
}


def begin_card(kind: str, folder: Path | None, given: Any = None) -> Any:
    """The card's data of a model that has just been opened: its base model, and the card that it came with.

    Args:
        kind: "SentenceTransformer", "SparseEncoder" or "CrossEncoder".
        folder: where the model was loaded from; None = it was put together.
        given: the user's data, which is completed; None = new ones.
    """
    data = KINDS[kind]() if given is None else given
    if folder is None or not isinstance(data, ModelCardData):
        return data
    cached = CACHED.search(str(folder))
    if cached and data.base_model is None:
        data.set_base_model(cached["name"].replace("--", "/"), cached["revision"])
    elif not cached and data.base_folder is None:
        data.base_folder = folder.resolve().name
    card = folder / "README.md"
    if data.text is None and card.is_file():
        data.text = card.read_text(encoding="utf-8", errors="replace")
    return data


def number(value: Any) -> Any:
    """A number of NumPy or torch as Python's; anything else as it is.

    >>> import numpy as np
    >>> number(np.float64(0.5)), number("text")
    (0.5, 'text')
    """
    return value.item() if hasattr(value, "item") else value


def is_finite(value: Any) -> bool:
    """Whether a value is a number that YAML and tables can show."""
    return isinstance(value, int | float) and math.isfinite(value)
