"""Where a package comes to lie: whether that can be written, told before anything is fetched, and whose disk is full.

Knows nothing of what is written.
"""

import errno
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile, gettempdir

from airvec.errors import AirvecError, ArgumentError

FULL = (errno.ENOSPC, errno.EDQUOT)
# As pip and compileall, which run in processes of their own, tell it.
FULL_SAID = "No space left on device"


@contextmanager
def writing(out: Path) -> Generator[None]:
    """Say where a package could not be written, of whatever part of making it ends with a full disk.

    Args:
        out: where it is to be.

    Raises:
        ArgumentError: `out` cannot be written; nothing has been done.
        OSError: a disk is full; with the room on `out`'s and in the temporary folder.
    """
    check_writable(out)
    try:
        yield
    except (AirvecError, OSError) as error:
        if getattr(error, "errno", None) in FULL or FULL_SAID in str(error):
            raise OSError(_full(out, error)) from error
        raise


def check_writable(out: Path) -> None:
    """Try a file without a name in the folder that is there, so that nothing is left.

    Raises:
        ArgumentError: a file at `out` could not be written.
    """
    try:
        TemporaryFile(dir=_folder_there(out)).close()
    except OSError as error:
        raise ArgumentError(
            f"{out}: cannot be written ({error.strerror or error}), expected a path in a folder that takes files. "
            "Give another."
        ) from error


def _folder_there(out: Path) -> Path:
    return next(folder for folder in out.absolute().parents if folder.exists())


def _full(out: Path, error: Exception) -> str:
    folder, temporary = _folder_there(out), gettempdir()
    file = f" at {error.filename}" if isinstance(error, OSError) and error.filename else ""
    return (
        f"{out}: a disk is full{file}. {folder} has {_room(folder)}, and {temporary}, the temporary folder, "
        f"{_room(temporary)}. Nothing was written. Make room, or set TMPDIR to a folder with more."
    )


def _room(folder: Path | str) -> str:
    return f"{shutil.disk_usage(folder).free / 1e6:,.0f} MB free"
