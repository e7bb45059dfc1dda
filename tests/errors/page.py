"""Writes docs/errors.md by provoking every error: `python -m tests.errors.page`, or with the titles of topics to renew.

Knows nothing of the single errors.
"""

import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.errors import (
    adding,
    arguments,
    caching,
    classifying,
    command_line,
    evaluating,
    exporting,
    folders,
    hub,
    mining,
    multi_models,
    packing,
    pools,
    reranking,
    retrieval,
    serving,
    sparse_models,
    sparse_rows,
    training,
)
from tests.errors.cases import Topic, shown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
TOPICS: tuple[Topic, ...] = (
    hub.TOPIC, folders.TOPIC, arguments.TOPIC, sparse_models.TOPIC, sparse_rows.TOPIC, multi_models.TOPIC,
    reranking.TOPIC, retrieval.TOPIC, classifying.TOPIC, caching.TOPIC, serving.TOPIC, packing.TOPIC, pools.TOPIC,
    command_line.TOPIC, exporting.TOPIC,
    adding.TOPIC, multi_models.EXPORTED, training.TOPIC, evaluating.TOPIC, mining.TOPIC,
)  # fmt: skip
HEAD = """# Errors

Made by `python -m tests.errors.page`, which provokes every error below; tests do so too, and compare. Change the
messages in the sources, not here.

All are `AirvecError`s, and what Python users catch anyway:

```text
AirvecError
  ArgumentError (ValueError)     InputError (TypeError, ValueError)     TruncationError (ValueError)
  ModelNotFoundError (FileNotFoundError)     ModelFolderError (ValueError)     DownloadError (OSError)
  MissingPackageError (ImportError)     ProcessError (RuntimeError)     ExportError (RuntimeError) > VerificationError
  StoreError (OSError)
  PushError (RuntimeError)     TrainingError (RuntimeError)
AirvecWarning (UserWarning): the result is right, but perhaps not what was meant
```

A message reads *where: what was found, what was expected. What to do.*: the argument, file or text that is wrong, the
value that it has, and then the step that mends it. Nothing that was done before an error is lost or half written.
Below, `…` stands for a folder of yours, and capitals such as `PORT` for what differs from one run or machine to the
next.
"""
SECTION = re.compile(r"^### (.+)\n\n.+\n\n```text\n((?:.*\n)*?)```$", re.MULTILINE)


def write(topics: tuple[Topic, ...] = TOPICS) -> None:
    """Provoke the errors of these topics and write the page; those of the others stay as they are."""
    said = read() if PAGE.is_file() else {}
    for topic in topics:
        for case in topic.cases:
            with tempfile.TemporaryDirectory() as home:
                said[case.title] = shown(case, Path(home))
    PAGE.write_text(page(said), encoding="utf-8")


def page(said: Mapping[str, str]) -> str:
    """The whole page, with what a user sees of each case by its title."""
    parts = [HEAD]
    for topic in TOPICS:
        parts.append(f"## {topic.title}\n\n{topic.about}\n")
        parts += [
            f"### {case.title}\n\n{case.when}\n\n```text\n{said.get(case.title, '')}\n```\n" for case in topic.cases
        ]
    return "\n".join(parts)


def read() -> dict[str, str]:
    """What the page shows of each case, by its title."""
    return {title: text.rstrip("\n") for title, text in SECTION.findall(PAGE.read_text(encoding="utf-8"))}


if __name__ == "__main__":
    write(tuple(topic for topic in TOPICS if not sys.argv[1:] or topic.title in sys.argv[1:]))
