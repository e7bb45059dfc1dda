"""Writes docs/losses.md from the docstrings of the losses: `python docs/make_losses.py`.

A test fails while the page is older than the docstrings. Knows nothing of what a loss computes.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airvec_trainer import losses
from airvec_trainer.losses import rerank

PAGE = Path(__file__).with_name("losses.md")
HEAD = """# Losses

By the data that you have. Made from the docstrings by `python docs/make_losses.py`; change those, not this page.

A row of data is its columns in their order, whatever they are called, and behind a `/` its label: a column named
`label`, `labels`, `score` or `scores`. All are in `airvec_trainer.losses`, those of rerankers in
`airvec_trainer.losses.rerank`; `help(CoSENTLoss)` has the formula, the fields and an example to check by hand.
How losses, data and trainers come together: [training.md](training.md).
"""
# Rooms (files of losses) by the data that they take; those of a group stand in one table.
GROUPS = {
    "Pairs or triplets that belong together, without labels": ("positives", "positives_guided", "triplets"),
    "The same, with the memory of a small batch: the gradient cache": ("cached_positives", "gradcache"),
    "Two texts and how similar they are": ("scored_pairs",),
    "Two texts and a class": ("labeled_pairs",),
    "Single texts and their class": ("labeled_texts",),
    "Texts and what a teacher says of them": ("teacher",),
    "Texts alone": ("unlabeled",),
    "Around another loss": ("combine", "regularize"),
    "Sparse encoders: around another loss": ("splade", "csr"),
    "Sparse encoders: inside SpladeLoss or CSRLoss": ("sparse",),
}
RERANK = {
    "Rerankers: a query, a document and a label": ("points",),
    "Rerankers: a query and its answer, with or without negatives": ("positives",),
    "Rerankers: what a teacher says of a query's documents": ("teacher",),
    "Rerankers: a query and a list of documents": ("lists",),
}
PART = re.compile(r"^(\w+):(?= |$)", re.MULTILINE)


def page() -> str:
    """The whole page as Markdown."""
    parts = [HEAD]
    for module, groups in ((losses, GROUPS), (rerank, RERANK)):
        found = list(classes(module))
        for title, rooms in groups.items():
            rows = [one for room in rooms for one in found if room_of(one) == room]
            if rows:
                parts.append(table(title, rows))
    return "\n".join(parts)


def classes(module: Any) -> Iterator[type]:
    """The losses of a package: the public classes whose docstring says what data they take."""
    for name in module.__all__:
        found = getattr(module, name)
        if inspect.isclass(found) and "Data" in parts_of(found):
            yield found


def left_out() -> list[str]:
    """Losses whose room is in no group."""
    wanted = {(losses, room) for rooms in GROUPS.values() for room in rooms}
    wanted |= {(rerank, room) for rooms in RERANK.values() for room in rooms}
    return [
        one.__name__ for module in (losses, rerank) for one in classes(module) if (module, room_of(one)) not in wanted
    ]


def room_of(found: type) -> str:
    """The file that a loss stands in."""
    return found.__module__.rpartition(".")[2]


def table(title: str, rows: list[type]) -> str:
    """One group: what a row of data is, the loss, what it is for, and where it comes from."""
    lines = [f"## {title}\n", "| loss | data | what it does | source |", "|---|---|---|---|"]
    for one in rows:
        parts = parts_of(one)
        cells = (f"`{one.__name__}`", parts["Data"].rstrip("."), parts[""], source(parts.get("Source", "")))
        lines.append(f"| {' | '.join(cell.replace('|', '∣') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def parts_of(found: Any) -> dict[str, str]:
    """The first line of a docstring, under "", and its parts such as Data and Source, each as one line."""
    text = inspect.getdoc(found) or ""
    first, _, rest = text.partition("\n")
    places = list(PART.finditer(rest))
    ends = [place.start() for place in places[1:]] + [len(rest)]
    parts = {"": first.strip()}
    for place, end in zip(places, ends, strict=False):  # a docstring without parts has one end and no place
        body = rest[place.end() : end].strip("\n ")
        parts[place[1]] = " ".join(body.split("\n\n")[0].split())
    return parts


def source(text: str) -> str:
    """The paper: what stands before the address is its link."""
    addresses = re.findall(r"https?://[^\s;,)]+", text)
    if not addresses:
        return text
    title = re.split(r"[,:]? *https?://", text)[0]
    return f"[{title}]({addresses[0]})"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
