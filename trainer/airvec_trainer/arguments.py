"""The arguments of a training: those of transformers, and what texts, several data sets and losses need beside them.

Knows nothing of models, data sets and losses.
"""

import json
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from transformers import TrainingArguments
from transformers.training_args import ParallelMode

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer.argument_ranges import check_ranges
from airvec_trainer.samplers import BatchSamplers, MultiDatasetBatchSamplers

__all__ = [
    "CrossEncoderTrainingArguments",
    "SentenceTransformerTrainingArguments",
    "SharedTrainingArguments",
    "SparseEncoderTrainingArguments",
]

PROMPTS = "a prompt, {column: prompt}, {data set: prompt} or {data set: {column: prompt}}"


@dataclass
class SharedTrainingArguments(TrainingArguments):
    """What the three kinds of model share: see the fields; every dict may also be its JSON, as a command line gives it.

    `prediction_loss_only` is always true and `ddp_broadcast_buffers` false; with several processes
    `dataloader_drop_last` is true, because processes with unlike numbers of batches would wait for one another.

    Raises:
        ArgumentError: an argument that cannot be used; the message names it.
    """

    prompts: str | None | dict[str, str] | dict[str, dict[str, str]] = field(  # noqa: RUF036  # transformers' HfArgumentParser takes the first
        default=None,
        metadata={
            "help": "Put before the texts: one prompt for all columns; {column: prompt}; {data set: prompt}; or "
            "{data set: {column: prompt}}."
        },
    )
    batch_sampler: BatchSamplers | str | type | Callable[..., Any] = field(
        default=BatchSamplers.BATCH_SAMPLER,
        metadata={"help": "How rows make batches: a name, a class deriving from DefaultBatchSampler, or a function."},
    )
    multi_dataset_batch_sampler: MultiDatasetBatchSamplers | str | type | Callable[..., Any] = field(
        default=MultiDatasetBatchSamplers.PROPORTIONAL,
        metadata={"help": "How the batches of several data sets are mixed: a name, a class or a function."},
    )
    router_mapping: str | None | dict[str, str] | dict[str, dict[str, str]] = field(  # noqa: RUF036  # transformers' HfArgumentParser takes the first
        default_factory=dict,
        metadata={"help": "Which route of a Router reads a column: {column: route} or {data set: {column: route}}."},
    )
    learning_rate_mapping: str | None | dict[str, float] = field(  # noqa: RUF036  # transformers' HfArgumentParser takes the first
        default_factory=dict,
        metadata={"help": "Other learning rates for weights whose name a regular expression finds: {regex: rate}."},
    )
    warmup_ratio: float | None = field(
        default=None, metadata={"help": "The old name of a warmup_steps below 1: the share of all steps."}
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        self._take_warmup_ratio()
        super().__post_init__()
        if self.device.type == "cpu":  # nothing to copy to: torch would warn at every data loader
            self.dataloader_pin_memory = False
        self.batch_sampler = _named(self.batch_sampler, BatchSamplers, "batch_sampler")
        self.multi_dataset_batch_sampler = _named(
            self.multi_dataset_batch_sampler, MultiDatasetBatchSamplers, "multi_dataset_batch_sampler"
        )
        self.prompts = _prompts(self.prompts)
        self.router_mapping = self._routes(self.router_mapping)
        self.learning_rate_mapping = _mapping(self.learning_rate_mapping, "learning_rate_mapping", r'{"0\\.": 1e-5}')
        _check_rates(self.learning_rate_mapping)
        self.prediction_loss_only = True
        self.ddp_broadcast_buffers = False  # a buffer written between two passes would break the gradient of the first
        if self.parallel_mode == ParallelMode.DISTRIBUTED:
            self.dataloader_drop_last = True
        elif self.parallel_mode == ParallelMode.NOT_DISTRIBUTED:
            warnings.warn(
                f"{self.n_gpu} GPUs in one process: torch's DataParallel is slow. Start the training with torchrun or "
                "accelerate launch, a process a GPU.",
                AirvecWarning,
                stacklevel=3,
            )

    def _routes(self, given: Any) -> Any:
        return _mapping(given, "router_mapping", '{"question": "query"}')

    def _take_warmup_ratio(self) -> None:
        """transformers 5 has one argument for both, a share being a number below 1."""
        if self.warmup_ratio is None:
            return
        if self.warmup_steps:
            raise ArgumentError(
                f"warmup_ratio {self.warmup_ratio} beside warmup_steps {self.warmup_steps}, expected one of them. "
                "Leave warmup_ratio out: warmup_steps below 1 is a share."
            )
        self.warmup_steps, self.warmup_ratio = self.warmup_ratio, None

    def to_dict(self) -> dict[str, Any]:
        """The arguments as plain values; samplers given as code are left out."""
        found = super().to_dict()
        for name in ("batch_sampler", "multi_dataset_batch_sampler"):
            if callable(found[name]):
                del found[name]
        return found


@dataclass
class SentenceTransformerTrainingArguments(SharedTrainingArguments):
    """The arguments of `SentenceTransformerTrainer`."""


@dataclass
class SparseEncoderTrainingArguments(SharedTrainingArguments):
    """The arguments of `SparseEncoderTrainer`."""


@dataclass
class CrossEncoderTrainingArguments(SharedTrainingArguments):
    """The arguments of `CrossEncoderTrainer`; its prompts and routes are one for all columns, or one a data set.

    Raises:
        ArgumentError: as for the others, and for a prompt or a route of one column.
    """

    def _routes(self, given: Any) -> Any:
        """Those of the others, and a route's name for all columns."""
        return _prompts(given, "router_mapping", "a route, or {data set: route}") or {}

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("prompts", "router_mapping"):
            mapping = getattr(self, name)
            inner = (
                [value for value in mapping.values() if isinstance(value, dict)] if isinstance(mapping, dict) else []
            )
            if inner:
                raise ArgumentError(
                    f"{name}: {inner[0]!r} is for single columns, expected one value for all or one a data set: a "
                    "reranker reads its columns together. Give {data set: value}."
                )


def _named(value: Any, names: type[Any], argument: str) -> Any:
    if callable(value) and not isinstance(value, names):
        return value
    try:
        return names(value)
    except ValueError:
        known = ", ".join(member.value for member in names)
        raise ArgumentError(
            f"{argument}: {value!r}, expected {known}, a class or a function. Correct the name."
        ) from None


def _prompts(given: Any, argument: str = "prompts", forms: str = PROMPTS) -> Any:
    """A str that is the JSON of a dict is that dict; any other is one prompt, or route, for all."""
    found = given
    if isinstance(given, str):
        try:
            parsed = json.loads(given)
        except json.JSONDecodeError:
            return given
        if not isinstance(parsed, dict):
            return given
        found = parsed
    if found is None or _is_text_mapping(found):
        return found
    raise ArgumentError(f"{argument}: {given!r}, expected {forms}. Give it in one of these forms.")


def _is_text_mapping(found: Any) -> bool:
    return isinstance(found, dict) and all(
        isinstance(name, str) and (value is None or isinstance(value, str) or _is_text_mapping(value))
        for name, value in found.items()
    )


def _mapping(given: Any, argument: str, example: str) -> dict[str, Any]:
    """A dict, or the JSON of one; None is an empty one."""
    found = given or {}
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except json.JSONDecodeError as error:
            raise ArgumentError(
                f"{argument}: {given!r} is no JSON ({error}), expected a dict. Give it as {example}."
            ) from None
    if not isinstance(found, dict):
        raise ArgumentError(f"{argument}: {given!r}, expected a dict. Give it as {example}.")
    return found


def _check_rates(rates: dict[str, Any]) -> None:
    for pattern, rate in rates.items():
        try:
            re.compile(pattern)
        except re.error as error:
            raise ArgumentError(
                f"learning_rate_mapping: {pattern!r} is no regular expression ({error}). Correct it."
            ) from None
        if isinstance(rate, bool) or not isinstance(rate, int | float) or rate < 0:
            raise ArgumentError(
                f"learning_rate_mapping: {rate!r} for {pattern!r}, expected a number of at least 0. Correct it."
            )
