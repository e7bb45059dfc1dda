"""Mirrors runtime/airvec/checks.py."""

import numpy as np
import pytest

from airvec.checks import whole_number
from airvec.errors import ArgumentError


@pytest.mark.parametrize("value", [1, 7, np.int64(7), np.uint8(1), 10**30])
def test_whole_numbers_pass_as_python_ints(value):
    assert whole_number("size", value) == int(value)
    assert type(whole_number("size", value)) is int


@pytest.mark.parametrize("value", [0, -1, 1.0, 2.5, np.float32(3), float("nan"), True, "3", None, [1], np.ones(2, int)])
def test_everything_else_is_refused_by_name_and_value(value):
    with pytest.raises(ArgumentError) as refused:
        whole_number("size", value)
    assert str(refused.value).startswith(f"size: {value!r}, expected a whole number of at least 1")


def test_the_smallest_may_be_another():
    assert whole_number("overlap", 0, smallest=0) == 0
    with pytest.raises(ArgumentError, match="overlap: False, expected a whole number of at least 0"):
        whole_number("overlap", False, smallest=0)
