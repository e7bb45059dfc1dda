"""A model to name on the command line, and the program run in this process."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from airvec.cli.main import main
from tests.folders import word_model


class Ran(NamedTuple):
    """What a run of the program left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture(scope="session")
def words(tmp_path_factory) -> Path:
    """A model that knows the words a to j; embeddings have 4 values."""
    return word_model(tmp_path_factory.mktemp("cli") / "words")


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "AIRVEC_THREADS", "AIRVEC_MODEL", "AIRVEC_RERANKER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(capsys, monkeypatch) -> Run:
    """Run `airvec …`; `stdin` is what it reads."""

    def run(*arguments: object, stdin: str | bytes = "") -> Ran:
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stopped:  # how argparse ends
            code = int(stopped.code or 0)
        seen = capsys.readouterr()
        return Ran(code, seen.out, seen.err)

    return run
