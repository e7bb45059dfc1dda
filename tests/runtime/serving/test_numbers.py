"""Mirrors runtime/airvec/serving/numbers.py."""

import base64
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from airvec.serving.numbers import number, packed, plain

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(max_examples=150, deadline=None)
@given(arrays(np.float32, (3, 4), elements=FLOATS))
def test_every_float32_comes_back_from_its_json(values):
    found = np.array(json.loads(json.dumps(plain(values))), np.float64).astype(np.float32)
    np.testing.assert_array_equal(found, values)


@settings(max_examples=150, deadline=None)
@given(st.floats(2**-40, 2**40, width=32))
def test_a_number_has_as_few_digits_as_numpy_needs(value):
    assert float(str(np.float32(value))) == number(value)


def test_embeddings_take_half_the_bytes_of_their_float64():
    vectors = np.random.default_rng(3).normal(size=(20, 384)).astype(np.float32)
    short, long = json.dumps(plain(vectors)), json.dumps(vectors.tolist())
    assert len(short) < 0.65 * len(long)


def test_integers_and_shapes_are_kept():
    assert plain(np.array([[1, -2]], np.int8)) == [[1, -2]]
    assert plain(np.zeros((0, 3), np.float32)) == []
    assert plain(np.float32(0.5).reshape(())) == 0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_json_cannot_say_is_an_error(bad):
    with pytest.raises(FloatingPointError, match=r"the value at \[0, 1\] is not finite"):
        plain(np.array([[1.0, bad]], np.float32))


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "i1", "u1"])
def test_base64_is_little_endian(dtype):
    values = np.arange(5).astype(dtype)
    np.testing.assert_array_equal(
        np.frombuffer(base64.b64decode(packed(values)), np.dtype(dtype).newbyteorder("<")), values
    )
