"""What something is made from, kept beside it as JSON: `--resume` goes on with the same recipe and no other.

Settings are kept as they are, so that a message can say what differs; rows and weights as digests.
Knows nothing of stages.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from airvec.array_file import whole_file
from airvec.errors import ArgumentError
from airvec_trainer.recipes.sections import MiningSection, ModelSection, Recipe

__all__ = [
    "MADE_FROM", "NO_PART", "Parts", "check_made_from", "digest", "digest_of_rows", "mining_parts", "plain_json",
    "training_parts", "without", "write_made_from",
]  # fmt: skip

MADE_FROM = "made_from.json"
NO_PART = ("cache_folder", "show_progress_bar", "cache", "name")  # of mining, of a teacher, and a folder's own name
DIGITS = 64  # of a digest
# Of the arguments: what may be changed, as the model that comes out is the same.
FREE = (
    "output_dir", "logging_steps", "logging_first_step", "logging_strategy", "save_steps", "save_total_limit",
    "dataloader_num_workers", "per_device_eval_batch_size", "disable_tqdm", "report_to",
)  # fmt: skip
# And these, unless evaluations choose which checkpoint is taken at the end.
EVALUATING = ("eval_steps", "eval_strategy", "eval_on_start", "save_strategy")
ROWS_AT_ONCE = 10_000
BLOCK = 1 << 20  # bytes
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


def training_parts(
    recipe: Recipe, rows: Mapping[str, Any], mining: Mapping[str, Any] | None = None, before: Parts | None = None
) -> Parts:
    """What the model depends on that a training makes.

    Args:
        recipe: of the training.
        rows: by the name of their data set, before mining.
        mining: of `mining_parts`; None = rows are taken as they are.
        before: parts of the training that made the model; None = the recipe names it.
    """
    losses = {one.name: one.loss for one in recipe.data if one.loss is not None}
    teacher = None if recipe.teacher is None else without(asdict(recipe.teacher), NO_PART)
    chooses = bool(recipe.arguments.get("load_best_model_at_end"))
    output = Path(str(recipe.arguments.get("output_dir") or "trainer_output"))  # transformers' default
    return plain_json(
        {
            "data": {name: digest_of_rows(part) for name, part in rows.items()},
            "mining": mining or {},
            "loss": recipe.loss,
            "losses": losses,
            "arguments": without(recipe.arguments, FREE if chooses else (*FREE, *EVALUATING)),
            "teacher": teacher,
            "model": _model_parts(recipe.model, output) if before is None else {"before": digest(before)},
        }
    )


def _model_parts(section: ModelSection, output: Path) -> Parts:
    """A folder counts by what its files hold, wherever it lies, but for what the training writes into it."""
    folder = Path(section.name)
    if not folder.is_dir():
        return asdict(section)
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.resolve().is_relative_to(output.resolve()):
            continue
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".md":
            found.update(f"\n{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    found.update(block)
    return {**without(asdict(section), NO_PART), "files": found.hexdigest()}


def write_made_from(file: Path, parts: Mapping[str, Any]) -> None:
    """Write what lies beside the file, or will, is made from; whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as written:
        written.write(f"{json.dumps(parts, indent=2)}\n".encode())


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
    """Of columns in their order, with all their values, some rows at a time."""
    found = hashlib.sha256(digest(rows.column_names).encode())
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        found.update(digest([part[name] for name in rows.column_names]).encode())
    return found.hexdigest()


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
