"""A folder that is there whole or not at all: written beside its place, then renamed.

Knows nothing of what is in it.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_beside(target: Path) -> Iterator[Path]:
    """A new folder beside the target; gone afterwards, whatever happened."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    folder.chmod(0o755)  # mkdtemp makes folders for one user only
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put(folder: Path, target: Path, keep: Callable[[str], bool] | None = None) -> None:
    """Rename the finished folder to its place; what was there goes only once the new one is.

    Args:
        folder: what is finished, on the same disk.
        target: its place.
        keep: which of the old folder's entries stay, by name, where the new one has none of that name; None = none.

    Raises:
        OSError: the disk refuses; what was there is there again.
    """
    if not target.exists():
        folder.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
    target.rename(old / target.name)
    try:
        folder.rename(target)
    except BaseException:
        (old / target.name).rename(target)
        raise
    else:
        _take_over(old / target.name, target, keep)
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _take_over(old: Path, target: Path, keep: Callable[[str], bool] | None) -> None:
    for entry in old.iterdir() if keep is not None and old.is_dir() else ():
        if keep is not None and keep(entry.name) and not (target / entry.name).exists():
            entry.rename(target / entry.name)
