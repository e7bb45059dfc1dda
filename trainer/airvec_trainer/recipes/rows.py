"""A file or a Hub data set → `datasets.Dataset` with the columns that a loss reads.

Knows nothing of models and losses.
"""

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airvec.errors import ArgumentError
from airvec_trainer.augmentation import Cropping, Deletion, Replacement, augmented
from airvec_trainer.label_columns import LABEL_COLUMNS
from airvec_trainer.recipes.apart import held_out_rows, texts_of_rows
from airvec_trainer.recipes.checking import check_values, made
from airvec_trainer.recipes.sections import DataSection, RowsSection, Table
from airvec_trainer.table_files import opened, read_table

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["columns_of", "parts_of_data", "read_rows"]

KINDS = (".tsv", ".csv", ".jsonl", ".txt", ".parquet")
Columns = dict[str, list[Any]]


def parts_of_data(section: DataSection) -> "tuple[Dataset, Dataset | None]":
    """The rows to train on, and those held out (None where there are none): at the end, with what repeats them.

    Raises:
        ArgumentError: as `read_rows`; or all rows are held out.
    """
    rows = read_rows(section)
    # Before augmentation, which makes other texts of the same: what repeats a row stays with it.
    texts = texts_of_rows({name: list(rows[name]) for name in rows.column_names}) if section.held_out else []
    for number, table in enumerate(section.augment):
        rows = _augmented(rows, table, f"[[data]] {section.name}: augment {number}")
    count = round(section.held_out * len(rows)) if section.held_out < 1 else int(section.held_out)
    out = held_out_rows(texts, count)
    if len(out) >= len(rows):
        raise ArgumentError(
            f"[[data]] {section.name}: {len(out)} of {len(rows)} rows held out, expected some to train on. "
            "Lower held_out, or look at where and limit; rows that repeat one another go together."
        )
    kept = sorted(set(range(len(rows))) - set(out))
    return rows.select(kept), rows.select(out) if out else None


def read_rows(section: RowsSection) -> "Dataset":
    """Read, filter, take and rename columns, replace and scale values, cut.

    Raises:
        ArgumentError: a file that is not there or is damaged, a column that is not, a label that is no number.
    """
    from datasets import Dataset

    return Dataset.from_dict(columns_of(section))


def _augmented(rows: "Dataset", table: Table, place: str) -> "Dataset":
    """The rows with what a `[[data.augment]]` says."""
    rooms = {found.__name__: found for found in (Cropping, Deletion, Replacement)}
    name = table.get("name")
    if name not in rooms:
        raise ArgumentError(f"{place}.name: {name!r}, expected one of {', '.join(rooms)}. Take one of these.")
    given = {key: table[key] for key in ("column", "into", "seed") if key in table}
    fields = {key: value for key, value in table.items() if key not in ("name", *given)}
    check_values(augmented, given, place, leave=("rows", "augmentation"))
    return augmented(rows, augmentation=made(rooms[name], fields, place), **given)


def columns_of(section: RowsSection, found: Columns | None = None) -> Columns:
    """The columns of a section as lists, by the names that they are given.

    Args:
        section: what to do.
        found: columns that were read already; None = read them.
    """
    place = section.file or section.hub or "the held-out rows"
    columns = dict(found) if found is not None else _read(section)
    columns = _where(columns, section, place)
    columns = _taken(columns, section, place)
    for name, replacements in section.values.items():
        columns[name] = [_replaced(value, replacements, name, place) for value in _column(columns, name, place)]
    if section.file is not None and Path(section.file.removesuffix(".gz")).suffix in (".tsv", ".csv"):
        for name in columns.keys() & set(LABEL_COLUMNS):
            columns[name] = _numbers(columns[name], name, place)
    for name in columns.keys() & set(LABEL_COLUMNS):
        _check_finite(columns[name], name, place)
    for name, divisor in section.divide.items():
        if not divisor:
            raise ArgumentError(f"{place}: divide {name} by {divisor}, expected another number. Change it.")
        columns[name] = [value / divisor for value in _numbers(_column(columns, name, place), name, place)]
    return {name: values[: section.limit] for name, values in columns.items()}


def _where(columns: Columns, section: RowsSection, place: str) -> Columns:
    for name, wanted in section.where.items():
        allowed = wanted if isinstance(wanted, list) else [wanted]
        texts = {str(value) for value in allowed}  # a .tsv holds texts only
        kept = [row for row, value in enumerate(_column(columns, name, place)) if str(value) in texts]
        if not kept:
            seen = sorted({str(value) for value in columns[name][:1000]})[:8]
            raise ArgumentError(f"{place}: no row with {name} = {wanted!r}; it is {seen} and the like. Change where.")
        columns = {other: [values[row] for row in kept] for other, values in columns.items()}
    return columns


def _taken(columns: Columns, section: RowsSection, place: str) -> Columns:
    """The chosen columns; a list of them behind one name makes tuples."""
    if section.columns is None:
        return columns
    names = section.columns if isinstance(section.columns, dict) else {name: name for name in section.columns}
    taken: Columns = {}
    for new, old in names.items():
        if isinstance(old, list):
            taken[new] = list(zip(*(_column(columns, name, place) for name in old), strict=True))
        else:
            taken[new] = _column(columns, old, place)
    return taken


def _column(columns: Columns, name: str, place: str) -> list[Any]:
    if name not in columns:
        raise ArgumentError(f"{place}: no column {name!r}, expected one of {', '.join(columns)}. Change the recipe.")
    return columns[name]


def _replaced(value: Any, replacements: dict[str, Any], name: str, place: str) -> Any:
    if str(value) not in replacements:
        raise ArgumentError(
            f"{place}: {name} is {value!r} in a row, expected one of {', '.join(replacements)}. "
            f"Add it to values.{name}, or leave such rows out with where."
        )
    return replacements[str(value)]


def _numbers(values: list[Any], name: str, place: str) -> list[Any]:
    """Whole numbers where all are written as such, else floats.

    >>> _numbers(["1", "-2"], "label", "rows"), _numbers(["9e-1", "1"], "label", "rows")
    ([1, -2], [0.9, 1.0])
    """
    try:
        return [int(str(value)) for value in values]
    except ValueError:
        pass
    try:
        found = [float(value) for value in values]
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{place}: the label column {name!r} holds what is no number ({error}). Give numbers with values.{name}."
        ) from error
    _check_finite(found, name, place)
    return found


def _check_finite(values: list[Any], name: str, place: str) -> None:
    for row, value in enumerate(values):
        if isinstance(value, float) and not isfinite(value):
            raise ArgumentError(
                f"{place}: the label column {name!r} is {value} in row {row} of those taken, expected a finite number. "
                "Mend it, or leave such rows out with where."
            )


def _read(section: RowsSection) -> Columns:
    if section.file is None:
        return _from_hub(section)
    path = Path(section.file)
    kind = Path(section.file.removesuffix(".gz")).suffix
    if kind not in KINDS or section.file.endswith(".parquet.gz"):
        raise ArgumentError(f"{path}: ends in {path.suffix!r}, expected one of {', '.join(KINDS)}. Convert it.")
    if not path.is_file():
        raise ArgumentError(f"{path}: no such file. Check the path, which is relative to the recipe.")
    if kind == ".parquet":
        return _from_parquet(path)
    if kind == ".txt":
        with opened(path) as lines:
            return {"text": [text for line in lines if (text := line.strip())]}
    return read_table(path, header=section.header).columns


def _from_parquet(path: Path) -> Columns:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_table(path).to_pydict()
    except pa.ArrowInvalid as error:
        raise ArgumentError(f"{path}: no parquet file ({error}). Make it again.") from error


def _from_hub(section: RowsSection) -> Columns:
    from datasets import load_dataset

    rows = load_dataset(section.hub, section.subset, split=section.split, revision=section.revision)
    return {name: list(rows[name]) for name in rows.column_names}
