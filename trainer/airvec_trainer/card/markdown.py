"""Texts and tables in Markdown, with what a text may hold made harmless.

Knows nothing of models and cards.
"""

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["as_json", "cell", "code_cell", "line", "plain", "shown", "table"]

LONGEST = 1000  # characters of a text in a table
# As character references, so that neither Markdown nor a table reads them: `&` and the brackets of HTML come first.
SPECIAL = {ord(mark): f"&#{ord(mark)};" for mark in "|*`[]~\\$"}
EDGE = re.compile(r"(?<!\w)_|_(?!\w)")  # inside a word, as in a metric's name, it means nothing to Markdown


def line(text: Any) -> str:
    r"""A text as one line that UTF-8 can hold: white space becomes one space, half a surrogate pair a question mark.

    >>> line("two\n  lines")
    'two lines'
    """
    return " ".join(str(text).encode("utf-8", "replace").decode("utf-8").split())


def cell(value: Any) -> str:
    r"""A value as it may stand in a cell of a table: escaped, on one line, not too long.

    >>> cell("a|b <i>\n2")
    'a&#124;b &lt;i&gt;<br>2'
    """
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    text = text if len(text) <= LONGEST else text[:LONGEST] + "..."
    return "<br>".join(_escaped(text).splitlines())


def plain(text: Any) -> str:
    r"""A text as it may stand in a line of the page: a heading, a name.

    >>> plain("my_data [1]\n# no heading")
    'my_data &#91;1&#93; # no heading'
    """
    return _escaped(line(text))


def code_cell(value: Any) -> str:
    """An example of a data set: a text, a number, or the first five of a list."""
    if isinstance(value, list | tuple) and len(value) > 5:
        value = str(list(value[:5]))[:-1] + ", ...]"
    return f"<code>{cell(value)}</code>"


def shown(value: Any) -> str:
    """A value of a log or a result: four digits behind the point; "-" for none."""
    if value is None:
        return "-"
    return str(round(value, 4)) if isinstance(value, float) else str(value)


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows with the same keys as a table of Markdown; keys are the head, and values are not escaped any more.

    >>> print(table([{"a": "1", "b": "2"}]))
    | a | b |
    |:--|:--|
    | 1 | 2 |
    """
    if not rows:
        return ""
    lines = [_row(rows[0]), "|" + ":--|" * len(rows[0]), *(_row(row.values()) for row in rows)]
    return "\n".join(lines)


def as_json(values: Mapping[str, Any], default: Callable[[Any], Any] = str) -> str:
    """Values as JSON, indented by four; what JSON does not have goes through `default`."""
    return json.dumps(values, indent=4, default=default, ensure_ascii=False)


def _escaped(text: str) -> str:
    return EDGE.sub("&#95;", html.escape(text, quote=False).translate(SPECIAL))


def _row(values: Any) -> str:
    return "| " + " | ".join(values) + " |"
