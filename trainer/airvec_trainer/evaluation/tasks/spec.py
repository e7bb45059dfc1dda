"""`KIND:FILE?option=value&option=value` → what is to be measured.

Knows nothing of what the kinds mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from airvec.errors import ArgumentError

__all__ = ["TaskSpec", "parse_task"]


@dataclass(frozen=True)
class TaskSpec:
    """A task as the command line names it.

    Attributes:
        kind: such as `"stsb"`.
        place: the file or folder.
        options: what stands behind the question mark.
    """

    kind: str
    place: Path
    options: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        """The option `name`, else that of the file without its endings, and the split that was asked for."""
        stem = self.place.name.removesuffix(".gz")
        found = stem if self.place.is_dir() else Path(stem).stem
        return self.options.get("name") or "_".join(filter(None, (found, self.options.get("split"))))

    @property
    def title(self) -> str:
        """The option `name`, else the folder's name and the file's: for a person who reads the table."""
        above = self.place.resolve().parent.name
        return self.name if "name" in self.options or self.place.is_dir() else f"{above}/{self.name}"

    def number(self, option: str, default: int) -> int:
        """An option that is a whole number of at least 1.

        Raises:
            ArgumentError: it is something else.
        """
        given = self.options.get(option)
        if given is None:
            return default
        if not (given.isdecimal() and int(given) > 0):
            raise ArgumentError(
                f"--task {self.kind}: {option}={given!r:.40}, expected a whole number of at least 1. Correct it."
            )
        return int(given)


def parse_task(text: str, kinds: Mapping[str, tuple[str, ...]]) -> TaskSpec:
    """Take a task's words apart.

    Args:
        text: what follows `--task`.
        kinds: the kinds, and the options of each, besides `name`.

    Raises:
        ArgumentError: no such kind or option, no file, or an option without a value.

    >>> parse_task("stsb:dev.tsv?score=rating", {"stsb": ("score",)}).options
    {'score': 'rating'}
    """
    kind, colon, rest = text.partition(":")
    place, _, asked = rest.partition("?")
    if kind not in kinds or not colon or not place:
        raise ArgumentError(
            f"--task {text!r:.80}: expected KIND:FILE with a KIND of {', '.join(kinds)}. "
            f"Write, for example, --task stsb:test.tsv."
        )
    options: dict[str, str] = {}
    for part in filter(None, asked.split("&")):
        name, _, value = part.partition("=")
        if name not in (*kinds[kind], "name") or not value:
            raise ArgumentError(
                f"--task {kind}: option {part!r:.60}, expected OPTION=VALUE with one of {', '.join(kinds[kind])}, "
                f"name. Write, for example, --task {kind}:{place}?{kinds[kind][0]}=…"
            )
        options[name] = value
    return TaskSpec(kind, Path(place), options)
