"""What a recipe would do, before it does it: rows, columns, losses, steps.

Knows nothing of models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from airvec.search.beir import RetrievalTask
from airvec_trainer.recipes.sections import ModelSection, Recipe, Table

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["Plan", "planned_steps", "with_defaults"]

LOGS = 50  # points of a curve that shows how a training went
MOST = 500  # steps between two logs, as transformers has it


@dataclass(frozen=True)
class Plan:
    """What was read and made, without the model.

    Args:
        recipe: as it was read.
        train: rows to train on by the name of their data set.
        held_out: rows that are evaluated, likewise.
        losses: by the name of their data set.
        arguments: of the trainer.
        evaluators: in the recipe's order.
        tasks: what is evaluated of data sets of queries and documents, by their name.
    """

    recipe: Recipe
    train: "Mapping[str, Dataset]"
    held_out: "Mapping[str, Dataset]"
    losses: Mapping[str, Any]
    arguments: Any
    evaluators: Sequence[Any]
    tasks: Mapping[str, RetrievalTask] = field(default_factory=dict[str, RetrievalTask])

    def __str__(self) -> str:
        """A few lines for people."""
        model = self.recipe.model
        lines = [f"model      {model.name} ({model.kind}{_changes(model)})"]
        for name, rows in self.train.items():
            out = f", {len(self.held_out[name]):,} held out" if name in self.held_out else ""
            out = f", {len(self.tasks[name].queries):,} queries held out" if name in self.tasks else out
            lines.append(f"data       {name}: {len(rows):,} rows{out}; columns {', '.join(rows.column_names)}")
            lines.append(f"loss       {in_words(self.losses[name])}")
        steps = planned_steps({name: len(rows) for name, rows in self.train.items()}, self.arguments)
        batch = self.arguments.train_batch_size
        lines.append(f"steps      {steps:,}, {batch} rows a batch, seed {self.arguments.seed}")
        lines += [f"evaluates  {one.evaluator}" for one in self.recipe.evaluation]
        if (teacher := self.recipe.teacher) is not None:
            lines.append(f"teacher    {teacher.model} ({teacher.kind})")
        lines.append(f"writes     {self.arguments.output_dir}")
        if self.recipe.export is not None:
            lines.append(f"exports    {self.recipe.export.out} ({', '.join(self.recipe.export.variants)})")
        return "\n".join(lines)


def _changes(model: ModelSection) -> str:
    kept = model.layers if isinstance(model.layers, int) else len(model.layers or [])
    return f"{f', {kept} layers' if kept else ''}{', LoRA' if model.lora else ''}"


def in_words(loss: Any) -> str:
    """A loss with the fields that are not as by default; None is the default of the model's kind."""
    if loss is None:
        return "the default of this kind"
    if not is_dataclass(loss):
        return getattr(loss, "__name__", type(loss).__name__)
    told = [
        f"{entry.name}={in_words(value) if is_dataclass(value) or callable(value) else repr(value)}"
        for entry in fields(loss)
        if entry.init and (value := getattr(loss, entry.name)) is not entry.default and value != entry.default
    ]
    return f"{type(loss).__name__}({', '.join(told)})"


def with_defaults(table: Table, *, evaluates: bool, steps: int | None = None) -> Table:
    """A recipe's training arguments, and when to evaluate and to log where it does not say so.

    transformers evaluates never and logs every 500 steps: held-out rows and evaluators would be read for nothing, and
    a short training would leave no curve.

    Args:
        table: `[arguments]`.
        evaluates: whether there is anything to evaluate.
        steps: of the training; None = not counted yet.

    Example:
        >>> with_defaults({"max_steps": 100}, evaluates=True, steps=100)
        {'eval_strategy': 'epoch', 'logging_steps': 2, 'max_steps': 100}
    """
    default: Table = {}
    if evaluates:
        default["eval_strategy"] = "steps" if "eval_steps" in table else "epoch"
        if table.get("load_best_model_at_end") and not {"eval_strategy", "save_steps"} & table.keys():
            default["save_strategy"] = default["eval_strategy"]
    if steps is not None:
        default["logging_steps"] = max(1, min(MOST, steps // LOGS))
    return {**default, **table}


def planned_steps(rows: Mapping[str, int], arguments: Any) -> int:
    """Steps of the optimiser that so many rows make; a batch sampler that leaves rows out may make fewer.

    Args:
        rows: of each data set.
        arguments: training arguments.
    """
    if arguments.max_steps > 0:
        return int(arguments.max_steps)
    size = arguments.train_batch_size
    batches = [count // size if arguments.dataloader_drop_last else ceil(count / size) for count in rows.values()]
    in_turn = str(getattr(arguments.multi_dataset_batch_sampler, "value", arguments.multi_dataset_batch_sampler))
    total = min(batches) * len(batches) if in_turn == "round_robin" and len(batches) > 1 else sum(batches)
    return ceil(max(ceil(total / arguments.gradient_accumulation_steps), 1) * arguments.num_train_epochs)
