"""Where `airvec eval` writes to: what cannot be written is told before hours go into measuring.

Knows nothing of what is written.
"""

from pathlib import Path

from airvec.deploy.disk import check_writable
from airvec.errors import ArgumentError

__all__ = ["check_targets"]

PICTURES = (".png", ".svg", ".pdf")


def check_targets(folder: Path | None, picture: Path | None) -> None:
    """Look at what `--out` and `--figure` name.

    Args:
        folder: for CSV files; it and those above may be missing.
        picture: a file to be.

    Raises:
        ArgumentError: one cannot be written, or the picture's ending is none that is drawn.
    """
    if folder is not None:
        check_writable(folder / "*.csv")
    if picture is None:
        return
    if picture.suffix.lower() not in PICTURES:
        raise ArgumentError(
            f"--figure: {str(picture)!r} ends in {picture.suffix!r}, expected one of {', '.join(PICTURES)}. Rename it."
        )
    if picture.is_dir():
        raise ArgumentError(f"--figure: {str(picture)!r} is a folder, expected the name of a file. Add one to it.")
    check_writable(picture)
