"""Tables against the keys and types that they may have; a wrong one is refused with its place.

Knows nothing of recipes.
"""

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from airvec.errors import ArgumentError

__all__ = ["check_keys", "check_type", "check_values", "made", "parameters"]

EMPTY = inspect.Parameter.empty


def made(kind: type[Any], table: object, place: str) -> Any:
    """A dataclass from a table whose keys are its fields.

    Raises:
        ArgumentError: no table, a key that is no field, a field without default that is missing, a wrong type.
    """
    table = check_type(table, dict[str, Any], place)
    check_values(kind, table, place)
    return kind(**table)


def check_values(
    found: Callable[..., Any], table: Mapping[str, Any], place: str, *, leave: Collection[str] = ()
) -> None:
    """Check the keys and the types of values that a class or function is to be called with.

    Args:
        found: the class or function.
        table: arguments by name.
        place: where the table stands.
        leave: keys of its that are not offered, as they come from somewhere else.

    Raises:
        ArgumentError: as `made`.
    """
    known = {name: hint for name, hint in parameters(found).items() if name not in leave}
    check_keys(table, known, place)
    for name, value in table.items():
        check_type(value, known[name], f"{place}.{name}")
    missing = [name for name in required(found) if name not in table and name in known]
    if missing:
        raise ArgumentError(f"{place}: no {missing[0]!r} among {sorted(table)}, expected it. Add it.")


def check_keys(table: Mapping[str, Any], known: Collection[str], place: str) -> None:
    """Refuse a key that is not known.

    Raises:
        ArgumentError: the message has the one that was perhaps meant, else the known ones.
    """
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, 1)
            # Training arguments have some 130 names: they are no help beside the one that was meant.
            if near:
                raise ArgumentError(f"{place}: unknown key {key!r}. Did you mean {near[0]!r}? Correct it.")
            raise ArgumentError(
                f"{place}: unknown key {key!r}, expected one of {', '.join(sorted(known))}. Leave it out, or take one."
            )


def check_type(value: Any, hint: Any, place: str) -> Any:
    """The value itself.

    Raises:
        ArgumentError: it is of another type.
    """
    if not _fits(value, hint):
        raise ArgumentError(f"{place}: {value!r:.100}, expected {_words(hint)}. Change the value.")
    return value


def parameters(found: Callable[..., Any]) -> dict[str, Any]:
    """Names and type hints of what a dataclass or function takes by name; a hint that cannot be told is Any."""
    if dataclasses.is_dataclass(found):
        names = [entry.name for entry in dataclasses.fields(found) if entry.init]
        holder: Any = found
    else:
        names = [one.name for one in _signature(found) if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
        holder = found.__init__ if inspect.isclass(found) else found
    hints = _hints(holder)
    return {name: hints.get(name, Any) for name in names}


def _hints(holder: Any) -> dict[str, Any]:
    """Type hints by name; those with a name that is only there for type checkers are left out."""
    try:
        return typing.get_type_hints(holder)
    except NameError:
        return {name: hint for name, hint in holder.__annotations__.items() if not isinstance(hint, str)}


def required(found: Callable[..., Any]) -> list[str]:
    """What has no default."""
    if dataclasses.is_dataclass(found):
        nothing = dataclasses.MISSING
        return [
            entry.name
            for entry in dataclasses.fields(found)
            if entry.init and entry.default is nothing and entry.default_factory is nothing
        ]
    takes = [one for one in _signature(found) if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    return [one.name for one in takes if one.default is EMPTY]


def _signature(found: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(found).parameters.values())


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if isinstance(value, list | tuple | dict):
        return _fits_items(value, hint, origin, inner)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return isinstance(value, str)
    return _fits_plain(value, hint)


def _fits_items(
    value: list[Any] | tuple[Any, ...] | dict[str, Any], hint: Any, origin: Any, inner: tuple[Any, ...]
) -> bool:
    if isinstance(value, list | tuple):
        items = inner[0] if inner and origin is not tuple else Any
        return _takes(origin or hint, list, tuple) and all(_fits(one, items) for one in value)
    items = inner[1] if len(inner) == 2 else Any
    return _takes(origin or hint, dict) and all(_fits(one, items) for one in value.values())


def _fits_plain(value: Any, hint: Any) -> bool:
    if isinstance(value, bool):
        return hint not in (int, float, str, type(None), None)
    if hint is float:
        return isinstance(value, int | float)
    if hint in (str, int, bool, type(None), None):
        return isinstance(value, type(None) if hint is None else hint)
    if get_origin(hint) is Callable:
        return callable(value)
    # One value where several stand is wrong; a class of its own says itself what it takes.
    return not _is_group(get_origin(hint) or hint)


def _is_group(hint: Any) -> bool:
    """Whether a hint is a list, a table or the like: text, which Python counts among sequences, is none in a recipe."""
    return isinstance(hint, type) and hint is not str and issubclass(hint, Collection)


def _takes(hint: Any, *plain: type) -> bool:
    """Whether a list or a table may stand where a hint says so: what it names is one, or is not told."""
    if hint is Any or not isinstance(hint, type):
        return True
    if hint in (str, int, float, bool, type(None)):
        return False
    return any(issubclass(one, hint) for one in plain) or hint.__module__ not in ("builtins", "collections.abc")


def _words(hint: Any) -> str:
    """A type as people say it."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_words(one) for one in inner if one is not type(None))
    if origin is Literal:
        return " or ".join(repr(one) for one in inner)
    if origin is dict or hint is dict:
        return "a table"
    if origin is list or (_is_group(origin) and len(inner) == 1):
        return f"a list of {_words(inner[0])}" if inner else "a list"
    names = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", Any: "anything"}
    return names.get(hint, getattr(hint, "__name__", str(hint)))
