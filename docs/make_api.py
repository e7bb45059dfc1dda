"""Writes docs/api.md from the docstrings of the public names: `python docs/make_api.py`.

A test fails while the page is older than the docstrings. Knows nothing of what the functions do.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import airvec
from airvec import doctor, search, util

PAGE = Path(__file__).with_name("api.md")
HEAD = "# Public names\n\nMade from the docstrings by `python docs/make_api.py`; change those, not this page.\n"


def page() -> str:
    """The whole page as Markdown."""
    names = [name for name in airvec.__all__ if name != "util"]
    parts = [HEAD, *(section(f"airvec.{name}", getattr(airvec, name)) for name in names)]
    parts += [section(f"airvec.util.{name}", getattr(util, name)) for name in util.__all__]
    others = [name for name in search.__all__ if name not in util.__all__]
    parts += [section(f"airvec.search.{name}", getattr(search, name)) for name in others]
    parts += [section(f"airvec.doctor.{name}", getattr(doctor, name)) for name in ("examine", "Finding")]
    return "\n".join(parts)


def section(title: str, found: Any) -> str:
    """Heading, signature and docstring of a public name, and those of a class's own methods below it."""
    lines = [f"## {title}\n", block(found)]
    if inspect.isclass(found) and not issubclass(found, Exception):
        lines += [f"### .{name}\n\n{block(member)}" for name, member in methods(found)]
    return "\n".join(lines)


def methods(kind: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties that a class, or the one of ours that it inherits from, defines, in its order."""
    ours = [one for one in kind.__mro__ if one.__module__.startswith("airvec")]
    for name, member in {name: member for one in ours[::-1] for name, member in vars(one).items()}.items():
        found = member.__func__ if isinstance(member, staticmethod | classmethod) else member
        if not name.startswith("_") and (inspect.isfunction(found) or isinstance(found, property)):
            yield name, found


def block(found: Any) -> str:
    """Signature and docstring, set as they are in the source."""
    signature = (
        "" if isinstance(found, property) or _has_no_signature(found) else f"{found.__name__}{_signature(found)}\n\n"
    )
    return f"```text\n{signature}{inspect.getdoc(found)}\n```\n"


def _has_no_signature(found: Any) -> bool:
    """Errors, which callers do not make, and the shape of a dict."""
    return inspect.isclass(found) and issubclass(found, (Exception, dict))


def _signature(found: Any) -> str:
    """Argument names and defaults; types are in the docstring's words."""
    parameters = inspect.signature(found).parameters.values()
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in parameters if one.name not in ("self", "cls")]
    return re.sub(r"<function (\w+) at \w+>", r"\1", str(inspect.Signature(bare)))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
