"""The CSV files of evaluators: one row for each time that a model was measured.

Knows nothing of models and of what is measured.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["append_row"]


def append_row(folder: str | Path, name: str, row: Mapping[str, Any]) -> Path:
    """Add a row to `folder/name`; its keys are the head of a new file, and the folder is made where it is not there.

    A row whose keys differ from the head of the file is written below it all the same, as sentence-transformers does:
    a measurement is worth more than a tidy table.
    """
    path = Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.is_file() or path.stat().st_size == 0
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(row.keys())
        writer.writerow(row.values())
    return path
