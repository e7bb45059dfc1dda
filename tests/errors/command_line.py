"""The program `airvec`, its exit codes, and the drop-in."""

import contextlib
import io
import os
import shlex
import sys
import types
from pathlib import Path
from unittest import mock

import numpy as np

from airvec.cli.main import main
from tests.errors.cases import Case, Topic
from tests.errors.models import splade
from tests.errors.pools import last_error
from tests.folders import word_model

IMPORTS = "import airvec.drop_in\nfrom sentence_transformers import SentenceTransformer\n"
DEVICE = f'{IMPORTS}SentenceTransformer().to("cuda")'


def airvec(home: Path, command: str) -> str:
    """The command, what it writes to stderr, and its exit code; of wrong usage the last line."""
    said = io.StringIO()
    plain = mock.patch.dict(os.environ, {"NO_COLOR": "1"})
    with contextlib.chdir(home), contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()), plain:
        try:
            code = main(shlex.split(command))
        except SystemExit as stopped:
            code = stopped.code
    return f"$ airvec {command}\n{said.getvalue().splitlines()[-1]}\n(exit code {code})"


def with_model(home: Path, command: str) -> str:
    word_model(home / "words")
    return airvec(home, command)


def with_lines(home: Path, command: str, *lines: str) -> str:
    for name in ("texts.txt", "texts.jsonl"):
        (home / name).write_text("\n".join(lines))
    return with_model(home, command)


def verified(home: Path, vectors: np.ndarray) -> str:
    np.save(home / "vectors.npy", vectors)
    return with_lines(home, "verify ./words --texts texts.txt --vectors vectors.npy", "a")


def latin(home: Path) -> str:
    (home / "texts.txt").write_bytes("café".encode("latin-1"))
    return with_model(home, "encode --file texts.txt --model ./words")


def of_a_sparse_model(home: Path, command: str) -> str:
    splade(home / "splade")
    return airvec(home, command)


def after_the_real_one(home: Path) -> None:
    real = types.ModuleType("sentence_transformers")
    real.__file__ = str(home / "site-packages" / "sentence_transformers" / "__init__.py")
    with mock.patch.dict(sys.modules, {"sentence_transformers": real}):
        import airvec.drop_in  # noqa: F401


CASES = (
    Case("A folder that is not there, in a command", "Any error of airvec is one line on stderr and exit code 1.",
         lambda home: airvec(home, "encode 'a b' --model ./words")),
    Case("Wrong usage", "Exit code 2, below the usage.", lambda home: airvec(home, "encode 'a b' --threads 0")),
    Case("Binary output without a file", "A terminal or a pipe shows no .npy.",
         lambda home: with_model(home, "encode 'a b' --model ./words --format npy")),
    Case("Output of an unknown format", "The name of the file says it.",
         lambda home: with_model(home, "encode 'a b' --model ./words --out vectors.bin")),
    Case("A table in a file", "`--format table` is for the terminal.",
         lambda home: with_model(home, "encode 'a b' --model ./words --format table --out vectors.npy")),
    Case("Texts from two places", "Arguments and `--file`.",
         lambda home: with_lines(home, "encode 'a b' --file texts.txt --model ./words", "c")),
    Case("A file that is no text", "Latin-1, a spreadsheet, a PDF.", latin),
    Case("A line that is no JSON", "In a file whose name ends in `.jsonl`.",
         lambda home: with_lines(home, "encode --file texts.jsonl --model ./words", "a b")),
    Case("A line whose text is none", "The same.",
         lambda home: with_lines(home, "encode --file texts.jsonl --model ./words", '{"text": 5}')),
    Case("A line of another key", "JSON lines whose text has another name.",
         lambda home: with_lines(home, "encode --file texts.jsonl --model ./words", '{"body": "a b"}')),
    Case("A corpus that is not there", "`--corpus` of `airvec search`.",
         lambda home: with_model(home, "search 'a b' --corpus notes.txt --model ./words")),
    Case("A corpus without texts", "`airvec search`, `rerank` and `explain --bm25`: the file is empty, or blank.",
         lambda home: with_lines(home, "search 'a b' --corpus texts.txt --model ./words", "", " ")),
    Case("One text to compare", "`airvec similarity` needs two.",
         lambda home: with_model(home, "similarity 'a b' --model ./words")),
    Case("A reranker that is none", "`airvec rerank` with a model of embeddings.",
         lambda home: with_lines(home, "rerank 'a' --documents texts.txt --model ./words", "a", "b")),
    Case("Terms without a model", "`airvec explain` needs one of two.",
         lambda home: airvec(home, "explain 'a b' 'b c'")),
    Case("Terms of a dense model", "`airvec explain` needs words with weights.",
         lambda home: with_model(home, "explain 'a b' 'b c' --model ./words")),
    Case("Vectors of another model", "`airvec verify`.", lambda home: verified(home, np.ones((1, 7), np.float32))),
    Case("Vectors of other texts", "`airvec verify`, with two vectors for one text.",
         lambda home: verified(home, np.ones((2, 4), np.float32))),
    Case("Vectors that are not finite", "`airvec verify`.",
         lambda home: verified(home, np.full((1, 4), np.nan, np.float32))),
    Case("Vectors that are pickled", "`airvec verify`; airvec unpickles nothing.",
         lambda home: verified(home, np.array([{"a": 1}], object))),
    Case("A folder that is not there, for info", "`airvec info` never asks the Hub.",
         lambda home: airvec(home, "info ./words")),
    Case("A folder that is not there, for the doctor", "`airvec doctor` looks at folders.",
         lambda home: airvec(home, "doctor ./words")),
    Case("Texts that are not there, for the doctor", "The second argument is a file.",
         lambda home: with_model(home, "doctor ./words corpus.txt")),
    Case("Embeddings of a sparse model", "`airvec encode` makes dense ones.",
         lambda home: of_a_sparse_model(home, "encode 'a b' --model ./splade")),
    Case("The drop-in after the real library", "`import airvec.drop_in` must come before.", after_the_real_one),
    Case("Another device for a model of the drop-in", '`SentenceTransformer(name).to("cuda")`, as libraries call it.',
         lambda _: last_error(["-c", DEVICE])),
)  # fmt: skip
TOPIC = Topic(
    "Command line, doctor and drop-in",
    "Exit codes: 0 done, 1 an error or a negative answer, 2 wrong usage, 130 interrupted.",
    CASES,
)
