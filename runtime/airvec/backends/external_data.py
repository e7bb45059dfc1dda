"""Looks through an ONNX file for weights stored in other files, and refuses those outside the file's folder.

Newer versions of ONNX Runtime check this themselves; 1.23 reads `../secret.bin` (tried). The file is read as
protobuf fields, without the onnx package.
Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
Knows nothing of what the graph computes.
"""

import mmap
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar

from airvec.backends.protobuf import fields
from airvec.errors import ModelFolderError
from airvec.folder import inside
from airvec.json_file import short_name
from airvec.paths import StrPath

# For each kind of message, the fields that lead to tensors, by number.
CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {},
}
KEY_FIELD, VALUE_FIELD = 1, 2
# The key of the entry that names a tensor's file. Most messages are without it, and a search for its bytes is the
# quickest way to see that. Messages of more than so many bytes hold weights, which a search would read from the disk.
PLACE, LONGEST_SEARCHED = b"location", 64 * 1024
OPERATOR_FIELD, DOMAIN_FIELD = 4, 7

Found = TypeVar("Found")


def check_external_data(file: StrPath) -> set[str]:
    """Refuse a graph whose weights lie outside its own folder.

    Returns:
        The files that its tensors are stored in, besides the graph itself.

    Raises:
        ModelFolderError: a stated location leaves the folder or does not exist, or the file is damaged.
    """
    locations = external_locations(file)
    for location in locations:
        if not os.path.isfile(inside(os.path.dirname(file), location, short_name(file))):
            raise ModelFolderError(
                f"{short_name(file)}: its weights are in {location!r}, which does not exist. The download is "
                "incomplete: fetch the folder again."
            )
    return locations


def external_locations(file: StrPath) -> set[str]:
    """The files that the tensors of an ONNX graph are stored in, besides the graph itself.

    Raises:
        ModelFolderError: the file is empty, cut short or not protobuf, or nests graphs some hundred deep; of messages
            that can name no file, this is left to ONNX Runtime.
    """
    return set(_read(file, _locations))


def _may_name_a_file(data: mmap.mmap, start: int, end: int) -> bool:
    """False where no tensor of a message, nor in one inside it, can be stored in another file."""
    return end - start > LONGEST_SEARCHED or data.find(PLACE, start, end) >= 0


def operators(file: StrPath) -> Counter[tuple[str, str]]:
    """How often a graph calls each operator, as (domain, name); the standard domain is "" or "ai.onnx".

    Raises:
        ModelFolderError: the file is empty, cut short or not protobuf, or nests graphs some hundred deep.
    """
    return Counter(_read(file, _operators))


def _operators(data: mmap.mmap, start: int, end: int, kind: str) -> Iterator[tuple[str, str]]:
    name, domain = "", ""
    for number, first, last in fields(data, start, end):
        if kind == "node" and number in (OPERATOR_FIELD, DOMAIN_FIELD):
            text = data[first:last].decode()
            name, domain = (text, domain) if number == OPERATOR_FIELD else (name, text)
        elif number in CHILDREN[kind]:
            yield from _operators(data, first, last, CHILDREN[kind][number])
    if kind == "node":
        yield domain, name


def _read(file: StrPath, reader: Callable[[mmap.mmap, int, int, str], Iterator[Found]]) -> list[Found]:
    try:
        with open(file, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return list(reader(data, 0, len(data), "model"))
    except (ValueError, IndexError, RecursionError) as error:
        raise ModelFolderError(
            f"{short_name(file)}: not a whole ONNX file ({error}). It is damaged or cut short: fetch it again."
        ) from error


def _locations(data: mmap.mmap, start: int, end: int, kind: str) -> Iterator[str]:
    key, value = "", ""
    for number, first, last in fields(data, start, end):
        if kind == "entry" and number in (KEY_FIELD, VALUE_FIELD):
            text = data[first:last].decode()
            key, value = (text, value) if number == KEY_FIELD else (key, text)
        elif number in CHILDREN[kind] and _may_name_a_file(data, first, last):
            yield from _locations(data, first, last, CHILDREN[kind][number])
    if key == "location":
        yield value
