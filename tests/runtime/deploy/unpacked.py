"""What lies in folders and zips, as sorted names."""

from pathlib import Path


def below(folder: Path) -> list[str]:
    """All files below a folder, by their path in it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
