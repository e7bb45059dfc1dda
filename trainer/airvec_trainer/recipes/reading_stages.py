"""`[[data]]` and `[[stages]]` of a recipe → their sections, with paths made relative to the recipe's folder.

Knows nothing of other sections, and of what files hold.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.recipes.checking import check_keys, check_type, made
from airvec_trainer.recipes.sections import DataSection, MiningSection, StageSection, Table

__all__ = ["data_sections", "placed", "stage_sections", "tables"]

MODELS = ("model", "cross_encoder")  # of [stages.mining]
SET_BY_THE_RECIPE = ("output_dir", "seed")  # of its [arguments]; or by seeds
SIDES = ("queries", "documents")  # of held_out_by


def data_sections(found: object, folder: Path, place: str) -> list[DataSection]:
    """The `[[data]]` of a recipe or of a stage.

    Raises:
        ArgumentError: none, an unknown key, a wrong type, two of one name; the message names the place.
    """
    data = [
        made(DataSection, placed(placed(table, folder), folder, "beir"), f"{place} {number}")
        for number, table in enumerate(tables(found, place))
    ]
    names = [rows.name for rows in data]
    for number, rows in enumerate(data):
        _check_name(rows.name, f"{place} {number}")
        _check_rows(rows, f"{place} {number}")
        if names.count(rows.name) > 1:
            raise ArgumentError(
                f"{place} {number}: the name {rows.name!r} twice, expected one each. Name every data set."
            )
    return data


def stage_sections(found: object, shared: Sequence[DataSection], folder: Path, place: str) -> list[StageSection]:
    """The `[[stages]]` of a recipe; without any there must be data.

    Args:
        found: what the file has; None = no stages.
        shared: the recipe's own `[[data]]`, which stages may name.
        folder: of the recipe.
        place: for messages.

    Raises:
        ArgumentError: as `data_sections`; rounds without mining; a data set that no stage and no other knows.
    """
    if found is None:
        if not shared:
            raise ArgumentError(
                f"{place.replace('[[stages]]', '[[data]]')}: {len(shared)}, expected one or more. Add one."
            )
        return []
    stages = [_stage(table, shared, folder, f"{place} {number}") for number, table in enumerate(tables(found, place))]
    if not stages:
        raise ArgumentError(f"{place}: {len(stages)}, expected one or more. Add one, or leave stages out.")
    names, known = [stage.name for stage in stages], {rows.name: rows for rows in shared}
    for number, stage in enumerate(stages):
        if names.count(stage.name) > 1:
            raise ArgumentError(f"{place} {number}: the name {stage.name!r} twice, expected one each. Change one.")
        for rows in stage.data:
            if known.setdefault(rows.name, rows) != rows:
                raise ArgumentError(
                    f"{place} {number}: data set {rows.name!r} is another than that of this name elsewhere, expected a "
                    "name for each. Change one."
                )
    return stages


def tables(found: object, place: str) -> list[Any]:
    """A list of tables.

    Raises:
        ArgumentError: anything else.
    """
    return check_type(found, list[dict[str, Any]], place)


def placed(table: Any, folder: Path, key: str = "file", *, only_paths: bool = False) -> Any:
    """The table with a path of it relative to the recipe's folder.

    Args:
        table: of the recipe.
        folder: of the recipe.
        key: of the path.
        only_paths: the value may be a name on the Hub: it is a path where it begins like one, or is a folder there.
    """
    value = table.get(key) if isinstance(table, dict) else None
    if not isinstance(value, str):
        return table
    if only_paths and not (value.startswith((".", "/", "~")) or (folder / value).is_dir()):
        return table
    return {**table, key: str(folder / Path(value).expanduser())}


def _stage(table: Table, shared: Sequence[DataSection], folder: Path, place: str) -> StageSection:
    check_keys(table, [entry.name for entry in fields(StageSection)], place)
    if "name" not in table or "data" not in table:
        raise ArgumentError(f"{place}: {sorted(table)}, expected name and data among them. Add what lacks.")
    given = {**table, "data": _data(table["data"], shared, folder, f"{place}.data")}
    if "mining" in table:
        given["mining"] = _mining(table["mining"], folder, f"{place}.mining")
    stage = made(StageSection, given, place)
    _check_name(stage.name, place)
    if stage.rounds < 1 or (stage.rounds > 1 and stage.mining is None):
        raise ArgumentError(
            f"{place}.rounds: {stage.rounds} and mining {stage.mining!r}, expected 1, or more with [stages.mining]: "
            "each round mines anew. For longer training set num_train_epochs."
        )
    for key in SET_BY_THE_RECIPE:
        if key in stage.arguments:
            raise ArgumentError(
                f"{place}.arguments.{key}: {stage.arguments[key]!r} for one stage, expected it for all. Set it in "
                "[arguments]."
            )
    return stage


def _data(found: object, shared: Sequence[DataSection], folder: Path, place: str) -> list[DataSection]:
    """Tables of its own, or names of the recipe's."""
    known = {rows.name: rows for rows in shared}
    if not isinstance(found, list) or not found:
        raise ArgumentError(f"{place}: {found!r}, expected [[stages.data]], or names of some [[data]]. Change it.")
    if not all(isinstance(one, str) for one in found):
        return data_sections(found, folder, place)
    check_keys(dict.fromkeys(found, ""), known, place)
    return [known[name] for name in dict.fromkeys(found)]


def _mining(table: object, folder: Path, place: str) -> MiningSection:
    """Fields of `MiningSettings` stand beside the models."""
    found = check_type(table, Table, place)
    for key in MODELS:
        found = placed(found, folder.absolute(), key, only_paths=True)
    found = placed(found, folder, "cache_folder")
    known = {key: value for key, value in found.items() if key in MODELS}
    settings = {key: value for key, value in found.items() if key not in MODELS}
    return replace(made(MiningSection, known, place), settings=settings)


def _check_name(name: str, place: str) -> None:
    if not name or set(name) & set("/\\") or name.startswith("."):
        raise ArgumentError(f"{place}.name: {name!r}, expected a plain word, as it names files. Change it.")


def _check_rows(rows: DataSection, place: str) -> None:
    if sum(value is not None for value in (rows.file, rows.hub, rows.beir)) != 1:
        raise ArgumentError(
            f"{place}: file {rows.file!r}, hub {rows.hub!r} and beir {rows.beir!r}, expected one of them. Name one."
        )
    if rows.held_out < 0 or (rows.held_out > 1 and rows.held_out != int(rows.held_out)):
        raise ArgumentError(f"{place}.held_out: {rows.held_out}, expected a number of rows, or a share below 1.")
    if rows.held_out_by not in SIDES:
        raise ArgumentError(
            f"{place}.held_out_by: {rows.held_out_by!r}, expected one of {', '.join(SIDES)}. Choose one."
        )
    if not 0 <= rows.held_out_queries < 1 or (rows.held_out_queries and rows.beir is None):
        raise ArgumentError(
            f"{place}.held_out_queries: {rows.held_out_queries}, expected a share below 1, of a BEIR folder. Change "
            "it, or take held_out."
        )
    if rows.beir is not None and (rows.held_out or rows.augment):
        raise ArgumentError(
            f"{place}: held_out {rows.held_out} or augment {rows.augment} for the BEIR folder {rows.beir}, expected "
            "neither. Take held_out_queries."
        )
