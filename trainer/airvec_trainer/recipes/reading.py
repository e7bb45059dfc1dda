"""recipe.toml → Recipe, with what the command line sets in place of it.

Knows nothing of torch: a wrong recipe is refused before anything heavy is imported.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.recipes.checking import check_keys, check_type, made
from airvec_trainer.recipes.sections import (
    DataSection,
    EvaluationSection,
    ExportSection,
    ModelSection,
    Recipe,
    Table,
)

__all__ = ["read_recipe", "with_overrides"]

SECTIONS = ("model", "data", "loss", "arguments", "evaluation", "export", "card")


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe; relative paths in it are made relative to its folder.

    Args:
        path: the TOML file.
        overrides: `"section.key=value"` each, as `--set` takes them.

    Raises:
        ArgumentError: no such file, no TOML, an unknown key, a wrong type; the message names the place.
    """
    return checked(with_overrides(_table(path), overrides), path)


def checked(table: Table, path: Path) -> Recipe:
    """The recipe that a parsed file says."""
    where = path.name
    check_keys(table, SECTIONS, where)
    for needed in ("model", "data", "arguments"):
        if needed not in table:
            raise ArgumentError(f"{where}: no [{needed}] among {sorted(table)}, expected one. Add it.")
    folder = path.parent
    data = [
        made(DataSection, _placed(rows, folder), f"{where}: [[data]] {number}")
        for number, rows in enumerate(_tables(table["data"], f"{where}: [[data]]"))
    ]
    _check_data(data, where)
    evaluation = [
        _evaluation(rows, folder, f"{where}: [[evaluation]] {number}")
        for number, rows in enumerate(_tables(table.get("evaluation", []), f"{where}: [[evaluation]]"))
    ]
    return Recipe(
        model=made(ModelSection, _model(table["model"], folder), f"{where}: [model]"),
        data=data,
        arguments=_arguments(table["arguments"], folder, where),
        loss=check_type(table["loss"], Table, f"{where}: [loss]") if "loss" in table else None,
        evaluation=evaluation,
        export=_export(table["export"], folder, f"{where}: [export]") if "export" in table else None,
        card=check_type(table.get("card", {}), Table, f"{where}: [card]"),
    )


def with_overrides(table: Table, overrides: Sequence[str]) -> Table:
    """The table with values set by dotted keys; a number, or the name of a data set, picks among several.

    Raises:
        ArgumentError: no `=`, or a key that leads through something that is no table.
    """
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            raise ArgumentError(f"--set {override}: no KEY=VALUE, expected such as arguments.max_steps=10. Mend it.")
        _set(table, [part.strip() for part in key.split(".")], _value(text.strip()), override)
    return table


def _set(table: Any, keys: list[str], value: Any, override: str) -> None:
    for key in keys[:-1]:
        table = _member(table, key, override) if isinstance(table, list) else table.setdefault(key, {})
        if not isinstance(table, dict | list):
            raise ArgumentError(f"--set {override}: {key!r} is {table!r}, expected a table. Set {key!r} itself.")
    if isinstance(table, list):
        raise ArgumentError(f"--set {override}: {keys[-1]!r} picks a whole table, expected a key of it. Add .KEY.")
    table[keys[-1]] = value


def _member(tables: list[Any], key: str, override: str) -> Any:
    names = [str(table.get("name", number)) for number, table in enumerate(tables)]
    if key in names:
        return tables[names.index(key)]
    if key.isdecimal() and int(key) < len(tables):
        return tables[int(key)]
    raise ArgumentError(f"--set {override}: {key!r} is none of {names}. Take one of those, or a number from 0.")


def _value(text: str) -> Any:
    """A TOML value; what is none is a string, so that quotes need not pass through a shell."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _table(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArgumentError(f"{path}: no TOML ({error}). Mend that line.") from error
    except OSError as error:
        raise ArgumentError(f"{path}: cannot be read ({error.strerror}), expected a recipe. Check the path.") from error


def _tables(found: object, place: str) -> list[Any]:
    return check_type(found, list[dict[str, Any]], place)


def _placed(table: Any, folder: Path, key: str = "file") -> Any:
    """The table with a path of it relative to the recipe's folder."""
    if isinstance(table, dict) and isinstance(table.get(key), str):
        return {**table, key: str(folder / Path(table[key]).expanduser())}
    return table


def _model(table: Any, folder: Path) -> Any:
    """A name that is a folder beside the recipe is that folder; any other is a name on the Hub."""
    name = table.get("name") if isinstance(table, dict) else None
    if isinstance(name, str) and (name.startswith((".", "/", "~")) or (folder / name).is_dir()):
        # Whole, as "./nope" is "nope" beside a recipe in ".", which would be a name on the Hub.
        return _placed(table, folder.absolute(), "name")
    return table


def _export(table: Any, folder: Path, place: str) -> ExportSection:
    return made(ExportSection, _placed(table, folder, "out"), place)


def _arguments(table: Any, folder: Path, where: str) -> Table:
    place = f"{where}: [arguments]"
    check_type(table, Table, place)
    if "output_dir" not in table:
        raise ArgumentError(f"{place}: no 'output_dir' among {sorted(table)}, expected it. Say where to write.")
    check_type(table["output_dir"], str, f"{place}.output_dir")
    return _placed(table, folder, "output_dir")


def _evaluation(table: Table, folder: Path, place: str) -> EvaluationSection:
    """An evaluator's own arguments stand beside the keys of its data."""
    names = [entry.name for entry in fields(EvaluationSection) if entry.name != "settings"]
    known = {key: value for key, value in table.items() if key in names}
    found = made(EvaluationSection, _placed(known, folder), place)
    if sum(value is not None for value in (found.file, found.hub, found.data)) != 1:
        raise ArgumentError(f"{place}: {sorted(table)}, expected one of file, hub and data. Say where its rows are.")
    settings = {key: value for key, value in table.items() if key not in names}
    return replace(found, settings=settings)


def _check_data(data: list[DataSection], where: str) -> None:
    if not data:
        raise ArgumentError(f"{where}: {len(data)} [[data]], expected one or more. Add one.")
    names = [rows.name for rows in data]
    for number, rows in enumerate(data):
        place = f"{where}: [[data]] {number}"
        if (rows.file is None) == (rows.hub is None):
            raise ArgumentError(f"{place}: file {rows.file!r} and hub {rows.hub!r}, expected one of both. Name one.")
        if names.count(rows.name) > 1:
            raise ArgumentError(f"{place}: the name {rows.name!r} twice, expected one each. Name every data set.")
        if rows.held_out < 0 or (rows.held_out > 1 and rows.held_out != int(rows.held_out)):
            raise ArgumentError(f"{place}.held_out: {rows.held_out}, expected a number of rows, or a share below 1.")
