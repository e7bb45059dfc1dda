"""What something is made from, kept beside it as JSON: `--resume` goes on with the same recipe and no other.

Settings are kept as they are, so that a message can say what differs; rows and weights as digests.
Knows nothing of stages.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.recipes.sections import MiningSection

__all__ = [
    "MADE_FROM", "NO_PART", "Parts", "check_made_from", "digest", "digest_of_rows", "mining_parts", "plain_json",
    "without",
]  # fmt: skip

MADE_FROM = "made_from.json"
NO_PART = ("cache_folder", "show_progress_bar", "cache", "name")  # of mining, of a teacher, and a folder's own name
DIGITS = 64  # of a digest
SHOWN = 3  # differences in a message

Parts = dict[str, Any]


def mining_parts(section: MiningSection, corpora: Mapping[str, Sequence[str]]) -> Parts:
    """What mined rows depend on, besides the model and the rows."""
    return plain_json(
        {
            **without(section.settings, NO_PART),
            "model": section.model,
            "cross_encoder": section.cross_encoder,
            "corpora": {name: digest(list(texts)) for name, texts in corpora.items()},
        }
    )


def check_made_from(file: Path, parts: Mapping[str, Any]) -> None:
    """Refuse what lies beside a file, if it was made from something else.

    Args:
        file: where an earlier run wrote what it made all this from.
        parts: of the recipe that is carried out.

    Raises:
        ArgumentError: other parts, or no such file.
    """
    if not file.is_file():
        raise ArgumentError(
            f"{file}: not there, expected beside what an earlier run left: nothing says what that was made from. Name "
            "another output_dir."
        )
    told = list(_differences(json.loads(file.read_text(encoding="utf-8")), dict(parts)))
    if told:
        more = f"; and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
        raise ArgumentError(
            f"{file.parent}: of another recipe: {'; '.join(told[:SHOWN])}{more}. Set that back, or name another "
            "output_dir."
        )


def digest(content: Any) -> str:
    """SHA-256 of what JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def digest_of_rows(rows: Any) -> str:
    """Of columns in their order, with all their values."""
    return digest([[name, list(rows[name])] for name in rows.column_names])


def without(table: Mapping[str, Any], keys: Sequence[str]) -> Parts:
    """The table without some keys."""
    return {key: value for key, value in table.items() if key not in keys}


def plain_json(parts: Any) -> Any:
    """As JSON gives it back, so that it can be compared with what was read."""
    return json.loads(json.dumps(parts, default=str))


def _differences(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """What was and what is now, for every value that is another."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _differences(old.get(key), new.get(key), f"{place}.{key}" if place else key)
    elif isinstance(old, str) and isinstance(new, str) and old != new and len(old) == len(new) == DIGITS:
        yield f"{place} has other content now"
    elif old != new:
        yield f"{place} was {old!r:.60} and is {new!r:.60} now"
