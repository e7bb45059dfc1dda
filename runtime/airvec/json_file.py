"""Reads one JSON object from disk, and answers with values of the type that was asked for.

A wrong type in a model folder becomes an error that names file, key and value, not a failure three calls later.
Knows nothing of what the keys mean.
"""

import json
import os
from typing import Any, NamedTuple, cast

from airvec.cache_names import repository_of
from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.paths import StrPath

KINDS: dict[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    dict: "an object",
    list: "a list",
}


class JsonObject(NamedTuple):
    """The keys and values of one JSON object, and the file they came from (for messages)."""

    file: str
    values: dict[str, Any]

    def text(self, key: str, default: str | None = None) -> str | None:
        """The string under `key`, or `default` where the key is absent or null."""
        return cast("str | None", self._get(key, str, default))

    def flag(self, key: str, default: bool) -> bool:
        """The boolean under `key`, or `default` where the key is absent or null."""
        return cast(bool, self._get(key, bool, default))

    def optional_flag(self, key: str) -> bool | None:
        """The boolean under `key`, or None where the key is absent or null."""
        return cast("bool | None", self._get(key, bool, None))

    def integer(self, key: str, default: int | None = None) -> int | None:
        """The whole number under `key`, or `default`; 512.0 and 1e30 count, true does not."""
        found = self.values.get(key)
        if isinstance(found, float) and found.is_integer():
            return int(found)
        if isinstance(found, bool):
            raise self._wrong(key, "a whole number")
        return cast("int | None", self._get(key, int, default))

    def need_integer(self, key: str) -> int:
        """The positive whole number under `key`.

        Raises:
            ModelFolderError: the key is absent, or its value is not a positive whole number.
        """
        found = self.integer(key)
        if found is None or found <= 0:
            raise self._wrong(key, "a whole number above 0")
        return found

    def section(self, key: str) -> "JsonObject":
        """The object under `key`; an absent or null one is empty."""
        return JsonObject(self.file, cast("dict[str, Any]", self._get(key, dict, {})))

    def items(self, key: str) -> list[Any]:
        """The list under `key`; an absent or null one is empty."""
        return cast("list[Any]", self._get(key, list, []))

    def _get(self, key: str, kind: type, default: object) -> object:
        found = self.values.get(key)
        if found is None:
            return default
        if not isinstance(found, kind):
            raise self._wrong(key, KINDS[kind])
        return found

    def _wrong(self, key: str, expected: str) -> ModelFolderError:
        found = self.values.get(key)
        return ModelFolderError(f"{self.file}: {key!r} is {found!r}, expected {expected}. Correct or re-export it.")


def read_json(path: StrPath) -> Any:
    """Whatever JSON value a file holds.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFolderError: the file is not UTF-8 or not JSON; the message names line and column.
    """
    where = short_name(path)
    try:
        with open(path, "rb") as file:
            return json.loads(file.read())
    except FileNotFoundError as error:
        raise ModelNotFoundError(f"{where}: no such file. The folder is incomplete: fetch or make it again.") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, a number of thousands of digits, too deep
        raise ModelFolderError(f"{where}: not valid JSON ({error}). The file is damaged: fetch it again.") from error


def read_object(path: StrPath) -> JsonObject:
    """The JSON object in a file.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFolderError: the file is not JSON, or holds something other than an object.
    """
    values = read_json(path)
    if not isinstance(values, dict):
        found = type(values).__name__
        raise ModelFolderError(f"{short_name(path)}: holds a JSON {found}, expected an object. Fetch the file again.")
    return JsonObject(short_name(path), cast("dict[str, Any]", values))


def read_object_if_there(path: StrPath) -> JsonObject:
    """As `read_object`; a file that does not exist reads as an empty object."""
    return read_object(path) if os.path.isfile(path) else JsonObject(short_name(path), {})


def short_name(path: StrPath) -> str:
    """A path as messages show it: the file and the folder it lies in, or the repository that it came from."""
    folder, name = os.path.split(path)
    shown = repository_of(folder) or os.path.basename(folder)
    return name if shown in ("", ".") else f"{shown}/{name}"
