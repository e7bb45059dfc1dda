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
from airvec_trainer.recipes.reading_stages import data_sections, placed, stage_sections, tables
from airvec_trainer.recipes.sections import (
    EvaluationSection,
    ExportSection,
    ModelSection,
    Recipe,
    Table,
)
from airvec_trainer.recipes.teaching import teacher_section

__all__ = ["read_recipe", "with_overrides"]

SECTIONS = ("model", "data", "loss", "arguments", "evaluation", "export", "card", "stages", "seeds", "teacher")


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
    for needed in ("model", "stages" if "stages" in table else "data", "arguments"):
        if needed not in table:
            raise ArgumentError(f"{where}: no [{needed}] among {sorted(table)}, expected one. Add it.")
    folder = path.parent
    data = data_sections(table.get("data", []), folder, f"{where}: [[data]]")
    stages = stage_sections(table.get("stages"), data, folder, f"{where}: [[stages]]")
    # Those that stages share stand once.
    every = list({rows.name: rows for rows in (*data, *(rows for stage in stages for rows in stage.data))}.values())
    evaluation = [
        _evaluation(rows, folder, f"{where}: [[evaluation]] {number}")
        for number, rows in enumerate(tables(table.get("evaluation", []), f"{where}: [[evaluation]]"))
    ]
    return Recipe(
        model=made(ModelSection, _model(table["model"], folder), f"{where}: [model]"),
        data=every,
        arguments=_arguments(table["arguments"], folder, where),
        loss=check_type(table["loss"], Table, f"{where}: [loss]") if "loss" in table else None,
        evaluation=evaluation,
        export=_export(table["export"], folder, f"{where}: [export]") if "export" in table else None,
        card=check_type(table.get("card", {}), Table, f"{where}: [card]"),
        stages=stages,
        seeds=_seeds(table.get("seeds", []), f"{where}: seeds"),
        teacher=teacher_section(table["teacher"], every, folder, where) if "teacher" in table else None,
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


def _model(table: Any, folder: Path) -> Any:
    """A name that is a folder beside the recipe is that folder; any other is a name on the Hub."""
    # Whole, as "./nope" is "nope" beside a recipe in ".", which would be a name on the Hub.
    return placed(table, folder.absolute(), "name", only_paths=True)


def _export(table: Any, folder: Path, place: str) -> ExportSection:
    return made(ExportSection, placed(table, folder, "out"), place)


def _arguments(table: Any, folder: Path, where: str) -> Table:
    place = f"{where}: [arguments]"
    check_type(table, Table, place)
    if "output_dir" not in table:
        raise ArgumentError(f"{place}: no 'output_dir' among {sorted(table)}, expected it. Say where to write.")
    check_type(table["output_dir"], str, f"{place}.output_dir")
    return placed(table, folder, "output_dir")


def _evaluation(table: Table, folder: Path, place: str) -> EvaluationSection:
    """An evaluator's own arguments stand beside the keys of its data."""
    names = [entry.name for entry in fields(EvaluationSection) if entry.name != "settings"]
    known = {key: value for key, value in table.items() if key in names}
    known = placed(placed(placed(known, folder), folder, "beir"), folder, "retriever", only_paths=True)
    found = made(EvaluationSection, known, place)
    if sum(value is not None for value in (found.file, found.hub, found.data, found.beir)) != 1:
        raise ArgumentError(
            f"{place}: {sorted(table)}, expected one of file, hub, beir and data. Say where its rows are."
        )
    settings = {key: value for key, value in table.items() if key not in names}
    return replace(found, settings=settings)


def _seeds(found: object, place: str) -> list[int]:
    seeds: list[int] = check_type(found, list[int], place)
    if len(set(seeds)) < len(seeds):
        raise ArgumentError(f"{place}: {seeds}, expected different ones. Drop what stands twice.")
    return seeds
