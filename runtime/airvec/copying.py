"""Copies a model folder: whole or not at all.

Knows nothing of what is in it.
"""

import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

from airvec.errors import ArgumentError


def copy_folder(source: Path, target: Path) -> None:
    """Copy a model folder, under a temporary name first, so that `target` is whole or as it was before.

    Links are followed, and Python files left behind: a model folder needs none.

    Raises:
        ArgumentError: `target` is a file, lies inside the source or around it, or is a folder that holds something
            else than a model.
    """
    there, here = target.resolve(), source.resolve()
    if there == here:
        return
    if there in here.parents or here in there.parents:
        raise ArgumentError(f"path: {str(target)!r} and the model folder {str(source)!r} lie in one another. Move one.")
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / "modules.json").is_file())):
        raise ArgumentError(f"path: {str(target)!r} exists and is no model folder. Give another path, or empty it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(mkdtemp(prefix=".airvec-", dir=target.parent))  # a name of our own, however many copy at once
    try:
        shutil.copytree(source, work / "new", ignore=shutil.ignore_patterns("__pycache__", "*.py"))
        _take_place(work / "new", target, work / "old")
    finally:
        if target.exists() or not os.path.lexists(work / "old"):  # else it holds all there is left of the old model
            shutil.rmtree(work, ignore_errors=True)


def _take_place(fresh: Path, target: Path, old: Path) -> None:
    """Rename `target` to `old` and `fresh` to `target`; what lay there comes back if the renaming fails."""
    if target.exists():
        target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        if os.path.lexists(old) and not target.exists():
            old.rename(target)
        raise
