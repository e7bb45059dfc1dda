"""`[teacher]` of a recipe: rows get what a larger model says of them as their label column.

Knows nothing of losses, and imports what opens models only when rows are to be labelled.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.recipes.checking import made
from airvec_trainer.recipes.reading_stages import placed
from airvec_trainer.recipes.sections import DataSection, TeacherSection

__all__ = ["check_teacher", "taught", "teacher_section"]

PLACE = "[teacher]"


def teacher_section(table: object, data: Sequence[DataSection], folder: Path, where: str) -> TeacherSection:
    """`[teacher]` of a file.

    Args:
        table: what the file has.
        data: every `[[data]]` of the recipe.
        folder: of the recipe.
        where: the file, for messages.

    Raises:
        ArgumentError: an unknown key, a wrong type, or data sets that are not there.
    """
    place = f"{where}: {PLACE}"
    table = placed(placed(table, folder.absolute(), "model", only_paths=True), folder, "cache")
    found: TeacherSection = made(TeacherSection, table, place)
    names = [rows.name for rows in data]
    for name in found.data or []:
        if name not in names:
            raise ArgumentError(f"{place}.data: {name!r}, expected some of {', '.join(names)}. Change it.")
    if found.column is not None and found.kind != "vectors":
        raise ArgumentError(f"{place}.column: {found.column!r} for {found.kind}, which read all columns. Leave it out.")
    return found


def check_teacher(section: TeacherSection | None) -> None:
    """Refuse a teacher that is a folder and is not there, before any model is loaded.

    Raises:
        ArgumentError: there is no such folder.
    """
    if section is not None and Path(section.model).is_absolute() and not Path(section.model).is_dir():
        raise ArgumentError(f"{PLACE}.model: {section.model}: no such folder, expected a model in it. Check the path.")


def taught(section: TeacherSection | None, rows: Mapping[str, Any], *, show: bool = False) -> dict[str, Any]:
    """The data sets by name, those that the teacher is asked about with its answers as `label`.

    Args:
        section: `[teacher]`; None = the rows as they are.
        rows: data sets by name.
        show: whether to draw progress bars.

    Raises:
        ArgumentError: rows that have labels already, or too few columns.
        AirvecError: the teacher cannot be opened.
    """
    asked = [] if section is None else [name for name in rows if section.data is None or name in section.data]
    if section is None or not asked:
        return dict(rows)
    from airvec_trainer.distillation import open_teacher, with_teacher_scores, with_teacher_vectors

    teacher = open_teacher(section.model, "dense" if section.kind == "vectors" else "rerank")
    given: dict[str, Any] = {"cache_folder": section.cache, "dtype": section.dtype, "show_progress_bar": show}
    found = dict(rows)
    for name in asked:
        if section.kind == "vectors":
            found[name] = with_teacher_vectors(
                rows[name], teacher, column=section.column, encode_kwargs=section.settings, **given
            )
        else:
            margins = section.kind == "margins"
            found[name] = with_teacher_scores(
                rows[name], teacher, margins=margins, predict_kwargs=section.settings, **given
            )
    return found
