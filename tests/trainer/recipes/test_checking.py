"""Mirrors trainer/airvec_trainer/recipes/checking.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.recipes.checking import check_type, check_values, made


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, kw_only=True)
class Thing:
    size: int
    kind: Literal["a", "b"] = "a"
    share: float = 0.5


def function(needed: str, /, first: int, second: "list[str] | None" = None, *, third: bool = False) -> None: ...


def test_a_table_becomes_a_dataclass():
    assert made(Thing, {"size": 3, "share": 1}, "here") == Thing(size=3, share=1)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"size": 1, "shade": 2},
            "here: unknown key 'shade'. Did you mean 'share'? Correct it.",
        ),
        ({"size": 1, "zzz": 2}, "here: unknown key 'zzz', expected one of kind, share, size. Leave it out, or take"),
        ({"size": "1"}, "here.size: '1', expected a whole number"),
        ({"size": True}, "here.size: True, expected a whole number"),
        ({"size": 1, "share": "x"}, "here.share: 'x', expected a number"),
        ({"size": 1, "kind": "c"}, "here.kind: 'c', expected 'a' or 'b'"),
        ({"kind": "a"}, "here: no 'size' among ['kind'], expected it"),
        (7, "here: 7, expected a table"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(table, message):
    with pytest.raises(ArgumentError) as found:
        made(Thing, table, "here")
    assert str(found.value).startswith(message)


def test_a_functions_keyword_arguments_are_checked_too():
    check_values(function, {"first": 1, "second": ["a"], "third": True}, "here")
    for table in ({"first": "a"}, {"first": 1, "second": [1]}, {"first": 1, "needed": "x"}, {"second": ["a"]}):
        with pytest.raises(ArgumentError, match="here"):
            check_values(function, table, "here")


def test_keys_that_come_from_elsewhere_are_neither_offered_nor_missed():
    check_values(Thing, {"kind": "b"}, "here", leave=("size",))
    with pytest.raises(ArgumentError, match="unknown key 'size'"):
        check_values(Thing, {"size": 1}, "here", leave=("size",))


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (1, float), (1.5, int | float), ("x", str | None), ({"a": {"b": "c"}}, str | dict[str, dict[str, str]]),
        ([1, 2], list[int]), ([1], Any), ("red", Colour), ("steps", Colour | str), ("x", Path), ([8, 4], list),
        ({"a": 1.0}, dict[str, float]), (True, bool | None), ([("a", "b")], list[tuple[str, str]]),
        ([("a", "b")], Sequence[Sequence[str]]), ([8, 4], Sequence[int]),
    ],
)  # fmt: skip
def test_what_fits_is_given_back(value, hint):
    assert check_type(value, hint, "here") is value


def test_a_long_value_is_cut_in_a_message():
    with pytest.raises(ArgumentError) as found:
        check_type(["a long text"] * 1000, list[int], "here")
    assert len(str(found.value)) < 200


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (1.5, int), ([1], str), ({"a": 1}, str | None), (["a"], list[int]), ({"a": "x"}, dict[str, float]),
        ("x", dict[str, str]), ("x", list[str] | None), (3, Colour), (False, float), (1, bool), ([1], dict[str, int]),
        ("32", Sequence[int]), (32, tuple[int, ...]), (["a"], Sequence[int]), ([(1, 2)], Sequence[Sequence[str]]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(value, hint):
    with pytest.raises(ArgumentError, match="expected"):
        check_type(value, hint, "here")
