"""What a recipe may say, section by section: the keys, their types and their defaults.

Keys of losses, training arguments, evaluators and exports are those of the classes that they make.
Knows nothing of files and of how a section is carried out.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["DataSection", "EvaluationSection", "ExportSection", "ModelSection", "Recipe", "RowsSection"]

Table = dict[str, Any]
Plain = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class ModelSection:
    """`[model]`: what is trained.

    Args:
        kind: `"dense"`, `"sparse"` or `"rerank"`.
        name: a folder, relative to the recipe, or a name on the Hub.
        modules: those behind the transformer of a fresh base, `{type = "Pooling", …}` each; None = as the model says.
        max_seq_length: longest text in tokens; None = as the model says.
        num_labels: outputs of a reranker.
        prompts: a text that is put in front, by name.
        similarity_fn_name: `"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`.
        revision: branch, tag or commit on the Hub.
        lora: fields of `peft.LoraConfig`; None = all weights are trained.
    """

    kind: Literal["dense", "sparse", "rerank"]
    name: str
    modules: list[Table] | None = None
    max_seq_length: int | None = None
    num_labels: int | None = None
    prompts: dict[str, str] | None = None
    similarity_fn_name: str | None = None
    revision: str | None = None
    lora: Table | None = None


@dataclass(frozen=True, kw_only=True)
class RowsSection:
    """Where rows come from, and what is made of them, in this order.

    Args:
        file: .tsv (no quoting), .csv, .jsonl or .parquet, relative to the recipe; the first three also with .gz.
        hub: instead of a file, the name of a data set on the Hub.
        subset: of that data set.
        split: of that data set.
        revision: of that data set.
        where: keep the rows whose column has this value, or one of these.
        columns: those to take, in the order of the loss's inputs; or `new = "old"` to rename.
        values: `column = {found = replacement}`, such as `label = {entailment = 1, neutral = 0}`.
        divide: `column = number`, such as `score = 5` for scores from 0 to 5.
        limit: as many rows at most, from the top.
    """

    file: str | None = None
    hub: str | None = None
    subset: str | None = None
    split: str = "train"
    revision: str | None = None
    where: dict[str, Plain | list[Plain]] = field(default_factory=dict[str, Any])
    columns: list[str] | dict[str, str | list[str]] | None = None
    values: dict[str, dict[str, Plain]] = field(default_factory=dict[str, Any])
    divide: dict[str, float] = field(default_factory=dict[str, float])
    limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class DataSection(RowsSection):
    """`[[data]]`: rows to train on.

    Args:
        name: of this data set among several.
        held_out: rows at the end that are not trained on but evaluated: a number, or a share below 1.
        loss: as `[loss]`, for this data set alone.
        augment: each `[[data.augment]]`: `name`, a class of `airvec_trainer.augmentation`; `column`; `into`, a
            new column that takes the texts; `seed`; and the fields of the class.
    """

    name: str = "data"
    held_out: float = 0
    loss: Table | None = None
    augment: list[Table] = field(default_factory=list[Table])


@dataclass(frozen=True, kw_only=True)
class EvaluationSection(RowsSection):
    """`[[evaluation]]`: an evaluator with its data; further keys are its arguments.

    Args:
        evaluator: the name of a class of `airvec_trainer.evaluation`.
        data: instead of a file, the name of a `[[data]]` whose held-out rows are taken.
        settings: the arguments of the evaluator that are no data.
    """

    evaluator: str
    data: str | None = None
    settings: Table = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True)
class ExportSection:
    """`[export]`: the verified folder that the runtime loads.

    Args:
        out: folder to make, relative to the recipe.
        variants: graphs to make, as `airvec export --variants`.
        weights: whether torch's weights stay in it.
        overwrite: whether a model folder that is there is replaced.
    """

    out: str
    variants: list[str] = field(default_factory=lambda: ["fp32"])
    weights: bool = True
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole recipe, checked as far as it can be without the classes that it names.

    Args:
        model: `[model]`.
        data: every `[[data]]`.
        arguments: `[arguments]`: fields of the training arguments of the model's kind.
        loss: `[loss]`: `name`, a class of `airvec_trainer.losses`, and its fields; None = the kind's default.
        evaluation: every `[[evaluation]]`.
        export: `[export]`; None = no runtime folder is made.
        card: `[card]`: fields of the model card's data.
    """

    model: ModelSection
    data: list[DataSection]
    arguments: Table
    loss: Table | None = None
    evaluation: list[EvaluationSection] = field(default_factory=list[EvaluationSection])
    export: ExportSection | None = None
    card: Table = field(default_factory=dict[str, Any])
