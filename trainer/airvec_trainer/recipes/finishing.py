"""What stands at the end of a recipe, saving and exporting, and what of it can be refused before the start.

Knows nothing of data and of training.
"""

from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError, require
from airvec_trainer.checkpoints import last_checkpoint
from airvec_trainer.recipes.sections import ExportSection

__all__ = ["MODEL", "check_export", "check_folder", "check_unused", "finish"]

MODEL = "model"


def check_export(wanted: ExportSection | None, folder: Path) -> None:
    """Refuse an export that would fail after the training.

    Args:
        wanted: `[export]`, if there is one.
        folder: the training's output.

    Raises:
        ArgumentError: its folder is there already or holds the trained model, or a variant that is none.
        MissingPackageError: what it needs is not installed.
    """
    if wanted is None:
        return
    require("onnxscript", extra="export", purpose="[export]")
    # Late: the exporter takes seconds to import, and most recipes that are refused are refused before.
    from airvec_exporter.pipeline import check_target
    from airvec_exporter.variants import check_variants

    try:
        check_variants(wanted.variants)
        check_target((folder / MODEL).absolute(), Path(wanted.out).absolute(), wanted.overwrite)
    except ArgumentError as error:
        # The exporter speaks of its command line's arguments.
        told = str(error).replace("pass --overwrite", "set export.overwrite = true")
        raise ArgumentError(f"[export]: {told}") from error


def check_folder(folder: Path) -> None:
    """Refuse an output folder that cannot be made.

    Raises:
        ArgumentError: it, or one that it would lie in, is a file.
    """
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise ArgumentError(f"[arguments].output_dir: {place} is a file, expected a folder. Name another.")


def check_unused(folder: Path) -> None:
    """Refuse a folder that an earlier run has written to.

    Raises:
        ArgumentError: it holds a checkpoint or a model.
    """
    found = last_checkpoint(folder)
    if found is not None:
        raise ArgumentError(f"{found}: of an earlier run. Go on from it with --resume, or name another output_dir.")
    if (folder / MODEL).exists():
        raise ArgumentError(
            f"{folder / MODEL}: of an earlier run, expected no model yet. Name another output_dir, or remove it."
        )


def finish(model: Any, wanted: ExportSection | None, folder: Path) -> dict[str, Path]:
    """Save the trained model, and export it; what was written, by name."""
    model.save_pretrained(str(folder / MODEL))
    places = {"model": folder / MODEL}
    if wanted is not None:
        model.export(wanted.out, variants=wanted.variants, weights=wanted.weights, overwrite=wanted.overwrite)
        places["exported"] = Path(wanted.out)
    return places
