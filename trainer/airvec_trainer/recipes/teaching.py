"""`[teacher]` of a recipe: rows get what a larger model says of them as their label column.

Knows nothing of losses, and imports what opens models only when rows are to be labelled.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airvec.errors import AirvecError, ArgumentError
from airvec.folder import read_folder
from airvec_trainer.label_columns import label_column
from airvec_trainer.recipes.checking import made
from airvec_trainer.recipes.reading_stages import placed
from airvec_trainer.recipes.sections import DataSection, TeacherSection

__all__ = ["check_taught", "check_teacher", "taught", "teacher_section"]

PLACE = "[teacher]"
FEWEST = {"vectors": 1, "scores": 2, "margins": 3}  # columns of texts


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
    """Refuse a teacher that is a folder and is not there, or is of another kind, before any model is loaded.

    Raises:
        ArgumentError: there is no such folder, or what lies in it gives other answers.
    """
    if section is None or not Path(section.model).is_absolute():
        return
    if not Path(section.model).is_dir():
        raise ArgumentError(f"{PLACE}.model: {section.model}: no such folder, expected a model in it. Check the path.")
    wanted = "SentenceTransformer" if section.kind == "vectors" else "CrossEncoder"
    try:
        found = read_folder(Path(section.model)).model_type
    except AirvecError:  # the runtime cannot tell what torch may open; opening it will
        return
    if found != wanted:
        answers = "'vectors'" if section.kind != "vectors" else "'margins' or 'scores'"
        raise ArgumentError(
            f"{PLACE}.kind: {section.kind!r} of {section.model}, which is a {found}, expected a {wanted}. Give another "
            f"model, or kind {answers}."
        )


def check_taught(section: TeacherSection | None, rows: Mapping[str, Any], *, mined: bool = False) -> None:
    """Refuse rows that cannot be labelled, before any model is loaded.

    Args:
        section: `[teacher]`; None = there is none.
        rows: data sets by name.
        mined: whether negatives are mined for them first, which adds columns.

    Raises:
        ArgumentError: rows that have labels already, too few columns, or not the one that is to be read.
    """
    for name in _asked(section, rows) if section is not None else []:
        names = list(rows[name].column_names)
        label = label_column(names)
        place, told = f"[[data]] {name}", f"columns = {{…}} takes {', '.join(names)}"
        if label is not None:
            raise ArgumentError(
                f"{place}: {told}, expected no {label!r}: {PLACE} gives the labels. Leave that column out."
            )
        if section.column is not None and section.column not in names:
            raise ArgumentError(
                f"{PLACE}.column: {section.column!r}, but in {place} {told}, expected one of them. Change "
                "one of the two."
            )
        fewest = FEWEST[section.kind]
        if len(names) < fewest and not mined:
            raise ArgumentError(
                f"{place}: {told}, expected {fewest} columns of texts or more for {PLACE} kind {section.kind!r}: a "
                f"query and its documents. Take more columns{', or mine negatives' if fewest == 3 else ''}."
            )


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
    asked = _asked(section, rows)
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


def _asked(section: TeacherSection | None, rows: Mapping[str, Any]) -> list[str]:
    """The data sets that the teacher labels."""
    return [] if section is None else [name for name in rows if section.data is None or name in section.data]
