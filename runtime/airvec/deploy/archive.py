"""A folder → a zip whose bytes depend on nothing but the files' names and bytes.

Knows nothing of what the files are.
"""

from collections.abc import Callable
from pathlib import Path
from stat import S_IFDIR, S_IFREG
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo, is_zipfile

from airvec.array_file import whole_file
from airvec.errors import ArgumentError

# The oldest time that a zip can hold. Lambda runs as a user who does not own the files, so all may read them.
TIME = (1980, 1, 1, 0, 0, 0)
FILE_MODE, FOLDER_MODE = S_IFREG | 0o644, S_IFDIR | 0o755
UNIX = 3
LEVEL = 9


def check_zip_path(path: Path) -> None:
    """Refuse a path where a zip would take the place of something else.

    Raises:
        ArgumentError: it does not end in .zip, or it is a folder, or a file that is no zip.
    """
    if path.suffix.lower() != ".zip":
        raise ArgumentError(f"{path}: expected a file name that ends in .zip. Give one; the model comes before it.")
    if path.exists() and not is_zipfile(path):
        raise ArgumentError(
            f"{path}: exists and is {'a folder' if path.is_dir() else 'no zip'}, so it is not replaced. "
            "Give another name, or delete it."
        )


def write_zip(path: Path, files: dict[str, Path | bytes], advance: Callable[[int], None] = lambda _: None) -> None:
    """Write files into a zip, whole or not at all; a zip that lies there is replaced once the new one is whole.

    Args:
        path: the zip.
        files: name in the zip → a file, or the bytes themselves; a name that ends in `/` is an empty folder.
        advance: told the bytes of each file that is in.

    Raises:
        OSError: a file cannot be read, or the disk is full.
    """
    with whole_file(path) as sink:
        fill_zip(sink, files, advance)


def fill_zip(sink: IO[bytes], files: dict[str, Path | bytes], advance: Callable[[int], None] = lambda _: None) -> None:
    """As `write_zip`, into an open file, in which all is on its way to the disk afterwards."""
    with ZipFile(sink, "w") as archive:
        for name in sorted(files):
            given = files[name]
            data = given if isinstance(given, bytes) else given.read_bytes()
            entry = ZipInfo(name, TIME)
            entry.create_system, entry.external_attr = UNIX, (FOLDER_MODE if entry.is_dir() else FILE_MODE) << 16
            archive.writestr(entry, data, ZIP_DEFLATED, LEVEL)
            advance(len(data))
    sink.flush()


def files_below(folder: Path) -> dict[str, Path | bytes]:
    """All files of a folder by their path below it, with `/` between its parts, and its empty folders.

    A module without settings, such as Normalize, is an empty folder of its model.
    """
    found: dict[str, Path | bytes] = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file():
            found[name] = path
        elif not any(path.iterdir()):
            found[f"{name}/"] = b""
    return found
