"""What a recipe may say, section by section: the keys, their types and their defaults.

Keys of losses, training arguments, evaluators and exports are those of the classes that they make.
Knows nothing of files and of how a section is carried out.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "DataSection", "EvaluationSection", "ExportSection", "MiningSection", "ModelSection", "Recipe", "RowsSection",
    "StageSection", "TeacherSection",
]  # fmt: skip

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
        layers: how many of its layers are kept, or which, from 0; None = all. See `distillation.with_fewer_layers`.
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
    layers: int | list[int] | None = None


@dataclass(frozen=True, kw_only=True)
class RowsSection:
    """Where rows come from, and what is made of them, in this order.

    Args:
        file: .tsv (no quoting), .csv, .jsonl, .txt (a text on each line: the column `text`) or .parquet, relative to
            the recipe; all but the last also with .gz.
        header: false for a .tsv or .csv without one: its columns are "1", "2", ….
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
    header: bool = True
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
        beir: instead of a file, a folder in BEIR's layout: each judged query with each relevant document, as the
            columns `anchor` and `positive`; `split` is the file below `qrels/`.
        held_out: rows at the end that are not trained on but evaluated: a number, or a share below 1.
        held_out_queries: of a BEIR folder, the share of its queries that are evaluated and not trained on.
        held_out_by: `"queries"`; or `"documents"`: queries that share a relevant document stay together, so that
            nothing that is evaluated was trained on from the other side.
        held_out_seed: which ones.
        loss: as `[loss]`, for this data set alone.
        augment: each `[[data.augment]]`: `name`, a class of `airvec_trainer.augmentation`; `column`; `into`, a
            new column that takes the texts; `seed`; and the fields of the class.
    """

    name: str = "data"
    beir: str | None = None
    held_out: float = 0
    held_out_queries: float = 0
    held_out_by: str = "queries"
    held_out_seed: int = 0
    loss: Table | None = None
    augment: list[Table] = field(default_factory=list[Table])


@dataclass(frozen=True, kw_only=True)
class EvaluationSection(RowsSection):
    """`[[evaluation]]`: an evaluator with its data; further keys are its arguments.

    Args:
        evaluator: the name of a class of `airvec_trainer.evaluation`.
        data: instead of a file, the name of a `[[data]]` whose held-out rows or queries are taken.
        beir: instead of a file, a folder in BEIR's layout, for an evaluator of retrieval or of reranking; `limit` takes
            so many of its queries.
        retriever: for an evaluator of reranking, what finds the documents: a model's name or folder, or `"bm25"`.
        candidates: how many documents it finds for each query.
        report: metrics in the report's table, without the evaluator's name in front; None = the primary one.
        beside: what else is measured on the queries, for comparison: `"bm25"`.
        settings: the arguments of the evaluator that are no data.
    """

    evaluator: str
    data: str | None = None
    beir: str | None = None
    retriever: str | None = None
    candidates: int = 30
    report: list[str] | None = None
    beside: list[Literal["bm25"]] = field(default_factory=list[Any])
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
class MiningSection:
    """`[stages.mining]`: hard negatives for the rows of the stage; further keys are those of `MiningSettings`.

    Args:
        model: what finds them: a model's name or folder, or `"bm25"`; None = the model that the stage before left.
        cross_encoder: scores candidates anew: a reranker's name or folder.
        settings: fields of `airvec_trainer.mining.MiningSettings`.
    """

    model: str | None = None
    cross_encoder: str | None = None
    settings: Table = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True)
class StageSection:
    """`[[stages]]`: a training that goes on with the model of the stage before.

    Args:
        name: in the report, and of its folder.
        data: its `[[stages.data]]`, or the names of some `[[data]]`.
        loss: `[stages.loss]`; None = the recipe's.
        arguments: `[stages.arguments]`, over the recipe's.
        mining: `[stages.mining]`; None = the rows as they are.
        rounds: how often to mine and train, each time with the model of the time before.
    """

    name: str
    data: list[DataSection]
    loss: Table | None = None
    arguments: Table = field(default_factory=dict[str, Any])
    mining: MiningSection | None = None
    rounds: int = 1


@dataclass(frozen=True, kw_only=True)
class TeacherSection:
    """`[teacher]`: a larger model whose answers become the rows' label column.

    Args:
        model: a folder, which the runtime opens where it has graphs, or a name on the Hub.
        kind: `"vectors"` of texts, for MSELoss and EmbedDistillLoss; a reranker's `"margins"` between the positive and
            each negative, for MarginMSELoss; its `"scores"` of each document, for DistillKLDivLoss.
        cache: folder where its answers are kept, relative to the recipe; None = nowhere.
        data: names of the data sets that it is asked about; None = all.
        column: for vectors, the column that it reads, or all columns for each its own; None = the first.
        dtype: of what is kept.
        settings: of its `encode` or `predict`: `prompt`, `batch_size`, ….
    """

    model: str
    kind: Literal["vectors", "scores", "margins"]
    cache: str | None = None
    data: list[str] | None = None
    column: str | list[str] | None = None
    dtype: Literal["float32", "float16"] = "float32"
    settings: Table = field(default_factory=dict[str, Any])


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
        stages: every `[[stages]]`; their data sets stand in `data`, too.
        seeds: to repeat the whole with; empty = once, with the seed of the arguments.
        teacher: `[teacher]`; None = the rows have their own labels, or need none.
    """

    model: ModelSection
    data: list[DataSection]
    arguments: Table
    loss: Table | None = None
    evaluation: list[EvaluationSection] = field(default_factory=list[EvaluationSection])
    export: ExportSection | None = None
    card: Table = field(default_factory=dict[str, Any])
    stages: list[StageSection] = field(default_factory=list[StageSection])
    seeds: list[int] = field(default_factory=list[int])
    teacher: TeacherSection | None = None
