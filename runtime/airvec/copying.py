"""Copies a model folder: whole or not at all.

Knows nothing of what is in it.
"""

import shutil
from pathlib import Path

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
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        shutil.copytree(source, fresh, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
        _take_place(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _take_place(fresh: Path, target: Path) -> None:
    """Rename `fresh` to `target`; what lay there goes last, and comes back if the renaming fails."""
    old = target.with_name(f".{target.name}.old")
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
