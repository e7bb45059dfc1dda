"""Where a folder package comes to lie: what it may take the place of, and the file that says what it is.

A package of the same kind is replaced. What anybody else put there is not: not a model folder that was named in OUT's
place, not a package of another kind, not a file that was put into a package later.
Knows nothing of what is in a package.
"""

import json
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

from airvec import __version__
from airvec.array_file import new_folder
from airvec.deploy.tree import Staged
from airvec.errors import ArgumentError
from airvec.json_file import read_object

MARKER = "airvec-package.json"
# What a folder has that is a model.
MODEL_FILES = ("modules.json", "config.json", "airvec.json")
SHOWN = 3


@contextmanager
def new_package(out: Path, kind: str) -> Generator[Path]:
    """An empty folder to fill, which takes the place of `out` at the end, or is gone if filling it fails.

    Everybody may read what was put into it, whatever this user's umask.

    Args:
        out: where the package is to be.
        kind: `"folder"` or `"dockerfile"`, as `write_marker` writes it.

    Raises:
        ArgumentError: something lies at `out` that no package of this kind wrote.
    """
    _check_place(out, kind)
    with new_folder(out, MARKER) as fresh:
        yield fresh
        _let_all_read(fresh)


def write_marker(folder: Path, kind: str, *staged: Staged) -> None:
    """Say in a file what a package is: `kind`, airvec's version, for each target its packages, and all files.

    To be written last, since a file that it does not list is somebody else's.
    """
    targets = {
        one.target.platform: {"python": one.target.python, "packages": {w.name: w.version for w in one.wheels}}
        for one in staged
    }
    said = {"package": kind, "airvec": __version__, "targets": targets, "files": sorted({*_files(folder), MARKER})}
    (folder / MARKER).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8", newline="\n")


def _check_place(out: Path, kind: str) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not out.is_dir():
        raise ArgumentError(f"OUT_DIR {out}: is a file, expected a new folder. Give another path.")
    if not (out / MARKER).is_file():
        raise ArgumentError(_not_ours(out, kind))
    said = read_object(out / MARKER)
    there = said.text("package", "")
    if there != kind:
        raise ArgumentError(
            f"OUT_DIR {out}: holds what airvec package {there} wrote, expected a new folder, or one that airvec "
            f"package {kind} wrote, which is replaced. Give another path."
        )
    added = sorted(set(_files(out)) - {str(name) for name in said.items("files")})
    if added:
        raise ArgumentError(
            f"OUT_DIR {out}: holds files that airvec package did not write ({_some(added)}), and a package that is "
            "replaced is deleted whole. Move them elsewhere, or give another path."
        )


def _not_ours(out: Path, kind: str) -> str:
    model = next((name for name in MODEL_FILES if (out / name).is_file()), None)
    if model is not None:
        return (
            f"OUT_DIR {out}: is a model folder (it has {model}), expected where to write the package. The order is "
            f"MODEL OUT_DIR: airvec package {kind} {out} ./package"
        )
    held = sorted(path.name for path in out.iterdir())
    return (
        f"OUT_DIR {out}: holds {_some(held)} and no {MARKER}, so no airvec package wrote it; expected a new folder. "
        "Give another path."
    )


def _files(folder: Path) -> Iterable[str]:
    """All files by their paths inside, but the bytecode that running a package leaves."""
    for path in folder.rglob("*"):
        if (path.is_symlink() or not path.is_dir()) and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix()


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _let_all_read(folder: Path) -> None:
    """As pip and a zip have it: 755 for folders and programs, 644 for the rest."""
    for path in (folder, *folder.rglob("*")):
        program = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if program else 0o644)
