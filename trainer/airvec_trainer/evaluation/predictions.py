"""What was found for each query, as a JSONL file: written under another name first, so that none is half-written.

Knows nothing of models and metrics.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

__all__ = ["write_lines"]


def write_lines(folder: str | Path, name: str, records: Iterable[Mapping[str, Any]]) -> Path:
    """One JSON object a line into `folder/name`, which takes the place of an older one; the folder is made."""
    path = Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
