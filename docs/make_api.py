"""Writes docs/api.md and docs/api-trainer.md from the docstrings of the public names: `python docs/make_api.py`.

A test fails while a page is older than the docstrings. Knows nothing of what the functions do.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import TrainingArguments

import airvec
import airvec_exporter
import airvec_trainer
from airvec import caching, doctor, search, util
from airvec_trainer import (
    callbacks,
    datasets,
    distillation,
    evaluation,
    few_shot,
    losses,
    mining,
    modules,
    readers,
    samplers,
)
from airvec_trainer import util as trainer_util
from airvec_trainer.errors import TrainingError
from airvec_trainer.losses import rerank

MADE = "Made from the docstrings by `python docs/make_api.py`; change those, not this page."
HEAD = f"""# Public names

{MADE} Those of the exporter and the trainer: [api-trainer.md](api-trainer.md).
"""
TRAINER_HEAD = f"""# Public names of the exporter and the trainer

{MADE} Those of the runtime: [api.md](api.md); the losses by the data that they take: [losses.md](losses.md).
"""
ROOMS = (
    evaluation, losses, rerank, modules, samplers, callbacks, readers, datasets, few_shot, mining, distillation,
    trainer_util,
)  # fmt: skip


def runtime_page() -> str:
    """The names of airvec as Markdown."""
    names = [name for name in airvec.__all__ if name != "util"]
    parts = [HEAD, *(section(f"airvec.{name}", getattr(airvec, name)) for name in names)]
    parts += [section(f"airvec.util.{name}", getattr(util, name)) for name in util.__all__]
    others = [name for name in search.__all__ if name not in util.__all__]
    parts += [section(f"airvec.search.{name}", getattr(search, name)) for name in others]
    kept = [name for name in caching.__all__ if name not in airvec.__all__]
    parts += [section(f"airvec.caching.{name}", getattr(caching, name)) for name in kept]
    parts += [section(f"airvec.doctor.{name}", getattr(doctor, name)) for name in ("examine", "Finding")]
    return "\n".join(parts)


def trainer_page() -> str:
    """The names of airvec_exporter and airvec_trainer as Markdown, each once, at the place where users import it."""
    parts: list[str] = [TRAINER_HEAD]
    seen: set[Any] = set()
    for room in (airvec_exporter, airvec_trainer, *ROOMS):
        for name in room.__all__:
            found = getattr(room, name)
            if _is_shown(found, name) and found not in seen:
                seen.add(found)
                parts.append(section(f"{room.__name__}.{name}", found))
    return "\n".join([*parts, section("airvec_trainer.errors.TrainingError", TrainingError)])


PAGES = {"api.md": runtime_page, "api-trainer.md": trainer_page}


def section(title: str, found: Any) -> str:
    """Heading, signature and docstring of a public name, and those of a class's own methods below it, if it has any."""
    lines = [f"## {title}\n", block(found)]
    if _has_methods(found):
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


def _has_methods(found: Any) -> bool:
    """Not errors; and not losses, which all have the same, for trainers."""
    is_loss = getattr(found, "__module__", "").startswith("airvec_trainer.losses")
    return inspect.isclass(found) and not issubclass(found, Exception) and not is_loss


def _is_shown(found: Any, name: str) -> bool:
    """Classes and functions of the two packages, under their own name."""
    ours = getattr(found, "__module__", "").startswith(("airvec_exporter", "airvec_trainer"))
    return ours and (inspect.isclass(found) or inspect.isfunction(found)) and found.__name__ == name


def _is_foreign(found: Any, argument: str) -> bool:
    """The 120 arguments of a training that transformers has, and explains."""
    is_settings = inspect.isclass(found) and issubclass(found, TrainingArguments)
    return is_settings and argument in inspect.signature(TrainingArguments).parameters


def _signature(found: Any) -> str:
    """Argument names and defaults; types are in the docstring's words."""
    parameters = [one for name, one in inspect.signature(found).parameters.items() if not _is_foreign(found, name)]
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in parameters if one.name not in ("self", "cls")]
    return re.sub(r"<function ([\w.]+) at \w+>", r"\1", str(inspect.Signature(bare)))


if __name__ == "__main__":
    for name, page in PAGES.items():
        Path(__file__).with_name(name).write_text(page(), encoding="utf-8")
