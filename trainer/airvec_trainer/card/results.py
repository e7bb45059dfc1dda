"""What was measured, and the log of a training, as tables; and the metrics of the front matter.

Knows nothing of evaluators and trainers.
"""

from collections.abc import Sequence
from typing import Any

from airvec_trainer.card.data import Measured, ModelCardData, is_finite
from airvec_trainer.card.markdown import as_json, cell, line, shown, table

__all__ = ["evaluations", "log_table", "metric_names", "model_index"]

FIRST = ("Epoch", "Step", "Training Loss", "Validation Loss")


def evaluations(data: ModelCardData) -> list[dict[str, Any]]:
    """For each evaluator a description, the data's names, the class, its settings and a table.

    Evaluators of one class with the same settings and metrics share a table, with a column for each data set.
    """
    groups: list[list[Measured]] = []
    for one in data.measured.values():
        group = next((group for group in groups if _alike(group, one)), None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    return [_evaluation(group) for group in groups]


def _alike(group: Sequence[Measured], one: Measured) -> bool:
    first = group[0]
    same = (first.class_name, first.primary, set(first.metrics), dict(first.config))
    return same == (one.class_name, one.primary, set(one.metrics), dict(one.config)) and one.name not in {
        member.name for member in group
    }


def _evaluation(group: Sequence[Measured]) -> dict[str, Any]:
    first = group[0]
    rows: list[dict[str, str]] = []
    for key in first.metrics:
        bold = "**" if key == first.primary else ""
        values = {_title(one, group): f"{bold}{shown(one.metrics[key])}{bold}" for one in group}
        rows.append({"Metric": f"{bold}{cell(key)}{bold}"} | values)
    return {
        "description": line(first.description),
        "names": [line(one.name) for one in group if one.name],
        "class_name": first.class_name,
        "config": as_json(first.config) if first.config else "",
        "table": table(rows),
    }


def _title(one: Measured, group: Sequence[Measured]) -> str:
    return cell(one.name) if len(group) > 1 else "Value"


def metric_names(data: ModelCardData) -> list[str]:
    """Each metric once, in order."""
    return list(dict.fromkeys(key for one in data.measured.values() for key in one.metrics))


def model_index(data: ModelCardData, title: str) -> list[dict[str, Any]]:
    """`model-index` of the front matter; what is no finite number is left out."""
    from huggingface_hub import EvalResult
    from huggingface_hub.repocard_data import eval_results_to_model_index

    results = [
        EvalResult(
            task_name=line(one.description),
            task_type=line(one.description).lower().replace(" ", "-"),
            dataset_type=line(one.name) or "unknown",
            dataset_name=line(one.name).replace("_", " ").replace("-", " ") or "Unknown",
            metric_name=key.replace("_", " ").title(),
            metric_type=key,
            metric_value=float(value),
        )
        for one in data.measured.values()
        for key, value in one.metrics.items()
        if is_finite(value)
    ]
    return eval_results_to_model_index(title, results) if results else []


def log_table(data: ModelCardData) -> str:
    """A row for each step with a loss or a metric; the step whose weights the model has is in bold."""
    met = list(dict.fromkeys(key for row in data.training_logs for key in row))
    losses = [key for key in met if key.endswith("loss")]
    order = [key for key in FIRST if key in met] + losses
    order += [key for key in met if key not in order]
    rows: list[dict[str, str]] = []
    for row in data.training_logs:
        bold = "**" if row["Step"] == data.best_model_step else ""
        rows.append({cell(key): f"{bold}{shown(row.get(key))}{bold}" for key in order})
    return table(rows)
