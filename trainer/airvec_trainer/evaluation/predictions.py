"""What was found for each query, as a JSONL file: written under another name first, so that none is half-written.

Knows nothing of models and metrics.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from airvec.array_file import whole_file

__all__ = ["write_lines"]


def write_lines(folder: str | Path, name: str, records: Iterable[Mapping[str, Any]]) -> Path:
    """One JSON object a line into `folder/name`, which takes the place of an older one; the folder is made."""
    path = Path(folder) / name
    with whole_file(path) as file:
        file.writelines(f"{json.dumps(record)}\n".encode() for record in records)
    return path
