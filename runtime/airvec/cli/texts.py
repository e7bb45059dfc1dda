"""Texts from arguments, files or standard input, and results to files.

A `.jsonl` file holds a JSON string, or an object with the text under a field, on each line, and so does standard
input that starts with `{`; any other file holds a text a line. Blank lines at the end, and all in JSONL, are not
texts; `documents` leaves out all blank ones. Files are written under a temporary name, then renamed.
Knows nothing of embeddings.
"""

import argparse
import json
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, cast

from airvec.errors import ArgumentError, InputError, ModelNotFoundError


def add_text_arguments(parser: argparse.ArgumentParser, what: str = "texts") -> None:
    """Add the arguments that `read_texts` reads."""
    parser.add_argument("texts", nargs="*", metavar="TEXT", help=f"{what}; none = lines of standard input")
    parser.add_argument(
        "--file", "-f", type=Path, metavar="FILE", help="read texts from FILE (lines, or JSONL); - = standard input"
    )
    parser.add_argument("--field", default="text", help="the key of the text in JSONL objects (default: text)")


def read_texts(arguments: argparse.Namespace) -> list[str]:
    """The texts that a command's arguments name.

    Raises:
        ArgumentError: texts and a file, or none of either on a terminal.
        ModelNotFoundError: no such file.
        InputError: a line that is not a text.
    """
    if arguments.texts and arguments.file:
        raise ArgumentError(f"--file: {str(arguments.file)!r} given together with texts. Give one of the two.")
    if arguments.texts:
        return list(arguments.texts)
    if arguments.file is None and sys.stdin.isatty():
        raise ArgumentError("texts: none given, expected arguments, --file FILE or standard input. See --help.")
    return list(read_file(arguments.file or Path("-"), arguments.field))


def read_file(path: Path, field: str = "text") -> Iterator[str]:
    """The texts of a file, or of standard input for `-`; raises what `numbered` raises."""
    return (text for _, text in numbered(path, field))


def numbered(path: Path, field: str = "text") -> Iterator[tuple[int, str]]:
    """The texts of a file, or of standard input for `-`, with the numbers of their lines, from 1.

    Raises:
        ModelNotFoundError: no such file.
        InputError: bytes that are not UTF-8, or a line of JSONL that holds no text; the message names the line.
    """
    if str(path) != "-" and (not path.exists() or path.is_dir()):
        raise ModelNotFoundError(f"{path}: no such file. Give a file of texts, one a line, or JSONL.")
    raw = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte {error.start} is not UTF-8. Convert the file, for example with iconv."
        ) from error
    lines = content.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    as_json = path.suffix in (".jsonl", ".ndjson") or (str(path) == "-" and content.lstrip()[:1] == "{")
    for number, line in enumerate(lines, 1):
        if not as_json:
            yield number, line.rstrip("\r")
        elif line.strip():
            yield number, _json_text(line, f"{path}: line {number}", field)


def documents(path: Path, field: str = "text") -> list[tuple[int, str]]:
    """The texts of a file to search in, with the numbers of their lines, from 1; blank ones are left out.

    Raises:
        ModelNotFoundError: no such file.
        InputError: a line that holds no text, or none that does.
    """
    found = [(number, text) for number, text in numbered(path, field) if text.strip()]
    if not found:
        where = "standard input" if str(path) == "-" else path
        raise InputError(f"{where}: no texts in it, expected one a line, or JSONL. Give a file that has some.")
    return found


@contextmanager
def written(path: Path) -> Generator[BinaryIO]:
    """A file to write to, which takes its name only when all has been written; a device or pipe is written directly."""
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".airvec-", dir=path.parent) as folder:  # a name of our own
        fresh = Path(folder) / "new"
        with fresh.open("wb") as file:
            yield file
        fresh.replace(path)


def json_lines(values: Iterable[Any]) -> Iterator[str]:
    """Each value as one line of JSON, other alphabets left readable."""
    for value in values:
        yield json.dumps(value, ensure_ascii=False) + "\n"


def _json_text(line: str, where: str, field: str) -> str:
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of more than 4,300 digits
        raise InputError(f"{where}: not JSON ({error}). Correct the line.") from error
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        if field not in entries:
            raise InputError(f"{where}: no key {field!r}, found {', '.join(entries) or 'none'}. Name it with --field.")
        value = entries[field]
    if not isinstance(value, str):
        raise InputError(f"{where}: {value!r:.60}, expected a text. Name the text's key with --field.")
    return value
