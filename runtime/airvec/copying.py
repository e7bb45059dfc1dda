"""Copies a model folder: whole or not at all.

Knows nothing of what is in it.
"""

import shutil
from pathlib import Path

from airvec.errors import ArgumentError


def copy_folder(source: Path, target: Path) -> None:
    """Copy a model folder, under a temporary name first, so that `target` is whole or as it was before.

    Raises:
        ArgumentError: `target` is a file, the source itself, or a folder that holds something else than a model.
    """
    if target.resolve() == source.resolve():
        return
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / "modules.json").is_file())):
        raise ArgumentError(f"path: {str(target)!r} exists and is no model folder. Give another path, or empty it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.new")
    old = target.with_name(f".{target.name}.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        shutil.copytree(source, fresh, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
