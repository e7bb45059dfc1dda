"""A WordPiece tokenizer in two small files beside `tokenizer.json`, which open in half of its time.

    tokenizer_compact.txt    the vocabulary, a token a line, in the order of the ids
    tokenizer_compact.json   all else of tokenizer.json, and what the two files it was made with look like

Packing writes them (`deploy/tokenizer.py`). `tokenizer.json` stays what counts: where it is not the one that the
compact files were made from, they are not read.
Knows nothing of limits, padding and the other files of a model.
"""

import json
import os
import zlib
from typing import Any, cast

from tokenizers import Tokenizer, models

from airvec.json_file import JsonObject, read_object
from airvec.paths import StrPath

SETTINGS, VOCABULARY = "tokenizer_compact.json", "tokenizer_compact.txt"
WORD_PIECE = "WordPiece"


def compact_names(file: StrPath) -> tuple[str, str]:
    """The compact files of a `tokenizer.json`: settings and vocabulary."""
    folder = os.path.dirname(file)
    return os.path.join(folder, SETTINGS), os.path.join(folder, VOCABULARY)


def read_compact(file: StrPath) -> Tokenizer | None:
    """The tokenizer in a `tokenizer.json`, from the compact files beside it; None where there are none of this file.

    Args:
        file: the `tokenizer.json`; read in any case, since only its bytes tell that nothing has changed.

    Raises:
        ModelFolderError: the compact settings are damaged.
    """
    settings, vocabulary = compact_names(file)
    if not (os.path.isfile(settings) and os.path.isfile(vocabulary)):
        return None
    found = read_object(settings)
    if found.values.get("of") != [fingerprint(file), fingerprint(vocabulary)]:
        return None
    return _assembled(found, vocabulary)


def fingerprint(path: StrPath) -> str:
    """A file's length and CRC-32: any change of up to 32 bits shows, any other but for one in four thousand million.

    A checksum against mistakes, as cheap as reading: SHA-256 costs more to import than the compact files save.
    """
    with open(path, "rb") as file:
        data = file.read()
    return f"{len(data)}-{zlib.crc32(data):08x}"


def _assembled(found: JsonObject, vocabulary: str) -> Tokenizer:
    shell = found.section("tokenizer")
    model: dict[str, Any] = shell.section("model").values
    tokenizer = Tokenizer.from_str(json.dumps(shell.values))
    tokenizer.model = cast("Any", models.WordPiece).from_file(
        vocabulary,
        unk_token=model["unk_token"],
        max_input_chars_per_word=model["max_input_chars_per_word"],
        continuing_subword_prefix=model["continuing_subword_prefix"],
    )
    return tokenizer
