"""Data sets as a card describes them: size, columns, statistics of the first rows, samples, the loss.

Knows nothing of training and of Markdown's pages.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from airvec_trainer.card.losses import full_name, loss_fields
from airvec_trainer.card.markdown import as_json, cell, code_cell, table

__all__ = ["described", "named_parts", "origin"]

ROWS = 100  # of the statistics
SAMPLES = 3
NOT_A_COLUMN = "dataset_name"
NAMED_BY_FIT = re.compile(r"_dataset_\d+")
Found = dict[str, Any]


def named_parts(data: Any) -> dict[str | None, Any]:
    """One data set under None, or several by name."""
    return dict(data) if isinstance(data, Mapping) else {None: data}


def described(data: Any, stated: Sequence[Found], loss: Any, model: Any, routes: Mapping[str, Any]) -> list[Found]:
    """What a card says of each data set.

    Args:
        data: a data set, or several by name.
        stated: what the user says of them, in order; ignored where it is not one for each.
        loss: one, or one for each data set by name.
        model: tokenises texts.
        routes: `router_mapping` of the arguments.
    """
    parts = named_parts(data)
    # What an earlier training found out must not pass for what the user says.
    known = [entry.get("stated", entry) for entry in stated]
    known = known if len(known) == len(parts) else [dict[str, Any]() for _ in parts]
    by_part = any(isinstance(value, Mapping) for value in routes.values())
    found: list[Found] = []
    for (name, part), own in zip(parts.items(), known, strict=True):
        one = loss.get(name) if isinstance(loss, Mapping) else loss
        tasks = routes.get(name, {}) if by_part and name else routes
        found.append(_described(part, origin(part, name) | dict(own), one, model, tasks) | {"stated": dict(own)})
    return found


def origin(part: Any, name: str | None) -> Found:
    """Name, split, and the data set on the Hub with its commit, as far as the data set tells."""
    info = getattr(part, "info", None)
    known = None if name and NAMED_BY_FIT.fullmatch(name) else name
    found = {"name": known or getattr(info, "dataset_name", None), "split": str(getattr(part, "split", None) or "")}
    source = next(iter(getattr(part, "download_checksums", None) or {}), "")
    inside = re.match(r"hf://datasets/(?P<id>[^@]+)@(?P<revision>[^/]+)", source)
    if inside:
        found["id"] = inside["id"]
        if len(inside["revision"]) == 40:
            found["revision"] = inside["revision"]
    return {key: value for key, value in found.items() if value}


def _described(part: Any, found: Found, loss: Any, model: Any, tasks: Mapping[str, Any]) -> Found:
    found.setdefault("name", found.get("id"))
    found["loss"] = {"class_name": full_name(loss), "fields": as_json(loss_fields(loss)) if loss_fields(loss) else ""}
    if not hasattr(part, "__len__"):  # streamed: looking at a row would take it away from the training
        names = getattr(part, "column_names", None) or []
        return found | {"size": None, "columns": [name for name in names if name != NOT_A_COLUMN]}
    found["size"] = len(part)
    first = part[0] if len(part) else {}
    columns = [name for name in first if name != NOT_A_COLUMN]
    rows = part[: min(len(part), ROWS)] if len(part) else {}
    statistics = {name: _statistics(rows[name], model, tasks.get(name)) for name in columns}
    samples = [{cell(name): code_cell(rows[name][row]) for name in columns} for row in range(min(SAMPLES, len(part)))]
    return found | {"columns": columns, "statistics": _statistics_table(statistics), "samples": table(samples)}


def _statistics_table(statistics: Mapping[str, tuple[str, Found]]) -> str:
    if not statistics:
        return ""
    modalities = {name: "text" if kind == "string" else "" for name, (kind, _) in statistics.items()}
    kinds = {name: kind for name, (kind, _) in statistics.items()}
    details = {name: _bullets(values) for name, (_, values) in statistics.items()}
    rows = {"type": kinds, "modality": modalities, "details": details}
    return table(
        [{"": title} | {cell(column): value for column, value in values.items()} for title, values in rows.items()]
    )


def _bullets(values: Found) -> str:
    items = "".join(f"<li>{cell(key)}: {cell(value)}</li>" for key, value in values.items())
    return f"<ul>{items}</ul>" if items else ""


def _statistics(values: Sequence[Any], model: Any, task: str | None) -> tuple[str, Found]:
    """The type of a column and numbers about its values."""
    values = [value for value in values if value is not None]
    first = values[0] if values else None
    if isinstance(first, str):
        return "string", _of_texts(list(values), model, task)
    if isinstance(first, bool | int):
        counts = Counter(values)
        sign = "~" if len(counts) > 1 else ""
        shares = {str(key): f"{sign}{counts[key] / len(values):.2%}" for key in sorted(counts)}
        return type(first).__name__, shares
    if isinstance(first, float):
        smallest, mean, largest = _range([float(value) for value in values])
        return "float", {"min": round(smallest, 2), "mean": round(mean, 2), "max": round(largest, 2)}
    if isinstance(first, list):
        smallest, mean, largest = _range([len(value) for value in values])
        if smallest == largest:
            return "list", {"size": f"{smallest} elements"}
        return "list", {"min": f"{smallest} elements", "mean": f"{mean:.2f} elements", "max": f"{largest} elements"}
    return full_name(first), {}


def _of_texts(texts: list[str], model: Any, task: str | None) -> Found:
    """Tokens of the texts as the model cuts them; characters where it has no tokens."""
    features = model.preprocess(texts, task=task) if hasattr(model, "preprocess") else {}
    mask = features.get("attention_mask") if isinstance(features, Mapping) else None
    lengths = list(map(len, texts)) if mask is None else [int(count) for count in mask.sum(dim=1)]
    unit = "characters" if mask is None else "tokens"
    named = zip(("min", "mean", "max"), _range(lengths), strict=True)
    return {key: f"{round(value, 2)} {unit}" for key, value in named}


def _range(values: Sequence[float]) -> tuple[Any, float, Any]:
    return min(values), sum(values) / len(values), max(values)
