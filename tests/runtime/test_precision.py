"""Mirrors runtime/airvec/precision.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from airvec.errors import AirvecWarning, ArgumentError
from airvec.precision import (
    PRECISIONS,
    check_precision,
    normalize_embeddings,
    quantize_embeddings,
    truncate_embeddings,
)
from tests.golden import reference

RANGES = np.array([[0, -127.5], [255, 127.5]], np.float32)
# Halves: every step of the computation is exact, so that plain loops give the same level.
HALVES = st.integers(-8, 600).map(lambda value: value / 2)


def test_levels_by_hand():
    values = np.array([[0, -127.5], [255, 127.5], [1.5, 0], [-9, 999]], np.float32)
    assert quantize_embeddings(values, "uint8", RANGES).tolist() == [[0, 0], [255, 255], [1, 127], [0, 255]]
    found = quantize_embeddings(values, "int8", RANGES)
    assert found.tolist() == [[-128, -128], [127, 127], [-127, -1], [-128, 127]]
    assert found.dtype == np.int8


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (3, 4), elements=HALVES))
def test_levels_equal_plain_loops_and_stay_within_their_ends(values):
    ranges = np.array([[0] * 4, [255, 127.5, 0, 510]], np.float32)
    expected = [[reference.level(float(x), *ranges[:, place]) for place, x in enumerate(row)] for row in values]
    assert quantize_embeddings(values, "uint8", ranges).tolist() == expected
    assert (quantize_embeddings(values, "int8", ranges) == np.array(expected) - 128).all()


@pytest.mark.parametrize("dim", [1, 7, 8, 9, 384])
def test_bits_equal_plain_loops(dim):
    values = np.random.default_rng(dim).normal(size=(5, dim)).astype(np.float32)
    values[0] = 0  # not above 0
    found = quantize_embeddings(values, "ubinary")
    assert found.tolist() == [reference.packed(row) for row in values.tolist()]
    assert found.dtype == np.uint8
    signed = quantize_embeddings(values, "binary")
    assert signed.dtype == np.int8
    assert (signed.astype(int) == found.astype(int) - 128).all()


def test_ranges_are_taken_from_the_calibration_vectors_else_from_the_vectors_themselves():
    calibration = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    ranges = np.vstack([calibration.min(axis=0), calibration.max(axis=0)])
    values = calibration[:4] * 2
    stated = quantize_embeddings(values, "uint8", ranges)
    assert (quantize_embeddings(values, "uint8", calibration_embeddings=calibration) == stated).all()
    own = quantize_embeddings(calibration, "uint8")
    assert (own == quantize_embeddings(calibration, "uint8", ranges)).all()
    assert (own.min(axis=0) == 0).all()
    assert (own.max(axis=0) >= 254).all()  # float32 may put the largest value just below its end, as the reference


def test_a_dimension_that_never_changes_has_one_level():
    values = np.full((100, 2), 0.5, np.float32)
    assert (quantize_embeddings(values, "uint8") == 0).all()
    assert (quantize_embeddings(values, "int8") == -128).all()


def test_few_vectors_make_poor_ranges_and_one_makes_none():
    with pytest.warns(AirvecWarning, match="ranges taken from 99 vectors"):
        quantize_embeddings(np.random.default_rng(0).normal(size=(99, 2)), "int8")
    for single in (np.zeros((1, 2)), np.zeros(2)):
        with pytest.raises(ArgumentError, match="1 vector of 2 dimensions gives none"):
            quantize_embeddings(single, "int8")
        assert quantize_embeddings(single, "int8", RANGES).shape == single.shape


@pytest.mark.parametrize(
    ("precision", "dtype", "width"),
    [("float32", "float32", 9), ("int8", "int8", 9), ("uint8", "uint8", 9), ("binary", "int8", 2),
     ("ubinary", "uint8", 2)],
)  # fmt: skip
def test_an_empty_list_of_vectors_keeps_its_type_and_width(precision, dtype, width):
    found = quantize_embeddings(np.zeros((0, 9), np.float32), precision)
    assert found.shape == (0, width)
    assert found.dtype == dtype


def test_every_precision_is_checked_for_here():
    assert [check_precision(name) for name in PRECISIONS] == list(PRECISIONS)
    assert check_precision(None) == "float32"


@pytest.mark.parametrize("name", ["int4", "INT8", ""])
def test_an_unknown_precision_is_refused(name):
    with pytest.raises(ArgumentError, match=f"{name!r}, expected one of float32, int8"):
        quantize_embeddings(np.eye(2), name)


def test_codes_are_not_quantised_again():
    with pytest.raises(ArgumentError, match="dtype int8, expected float"):
        quantize_embeddings(np.eye(2, dtype=np.int8), "binary")


@pytest.mark.parametrize("ranges", [np.zeros((2, 3)), np.zeros((3, 2)), np.zeros(2)])
def test_ranges_of_another_shape_are_refused(ranges):
    with pytest.raises(ArgumentError, match=r"ranges: shape .*, expected \[2, 2\]"):
        quantize_embeddings(np.eye(2), "int8", ranges)


def test_calibration_vectors_of_another_width_are_refused():
    with pytest.raises(ArgumentError, match=r"expected \[2, 2\]"):
        quantize_embeddings(np.eye(2), "int8", calibration_embeddings=np.zeros((200, 3)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("precision", ["int8", "uint8"])
def test_what_is_no_number_has_no_level(bad, precision):
    values = np.zeros((120, 2), np.float32)
    values[7, 1] = bad
    with pytest.raises(ArgumentError, match="embeddings: row 7 holds a value that is no number"):
        quantize_embeddings(values, precision)
    with pytest.raises(ArgumentError, match="embeddings: row 0 holds a value"):
        quantize_embeddings(values[7], precision, RANGES)
    with pytest.raises(ArgumentError, match="calibration_embeddings: row 7 holds a value"):
        quantize_embeddings(np.zeros((2, 2)), precision, calibration_embeddings=values)
    with pytest.raises(ArgumentError, match="ranges: row 1 holds a value"):
        quantize_embeddings(np.zeros((2, 2)), precision, np.array([[0, 0], [1, bad]]))


@pytest.mark.parametrize("bad", [[[1.0, 2.0], [1.0]], "x", [["a", "b"]], None, [[1.0, None]], {}])
def test_what_is_no_array_of_numbers_is_refused(bad):
    with pytest.raises(ArgumentError, match="embeddings: "):
        quantize_embeddings(bad, "int8")
    with pytest.raises(ArgumentError, match="embeddings: "):
        normalize_embeddings(bad)
    with pytest.raises(ArgumentError, match="embeddings: "):
        truncate_embeddings(bad, 1)
    if bad is not None:
        with pytest.raises(ArgumentError, match="ranges: "):
            quantize_embeddings(np.eye(2), "int8", bad)
        with pytest.raises(ArgumentError, match="calibration_embeddings: "):
            quantize_embeddings(np.eye(2), "int8", calibration_embeddings=bad)


def test_a_single_number_is_no_vector():
    for function in (lambda x: quantize_embeddings(x, "binary"), normalize_embeddings):
        with pytest.raises(ArgumentError, match=r"embeddings: shape \[\] of float64"):
            function(np.float64(3))


def test_lists_of_vectors_and_half_precision_are_read():
    listed = [np.array([1.0, -1.0]), np.array([0.5, 2.0])]
    assert quantize_embeddings(listed, "ubinary").tolist() == [[128], [192]]
    assert quantize_embeddings(np.array(listed, np.float16), "float32").dtype == np.float32


def test_unit_length_by_hand_and_zero_stays_zero():
    found = normalize_embeddings([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0]], rtol=1e-6)
    assert found.dtype == np.float32
    assert normalize_embeddings(np.ones((2, 3, 4))).shape == (2, 3, 4)


def test_shorter_vectors_are_their_first_dimensions():
    values = np.arange(6.0).reshape(2, 3)
    assert truncate_embeddings(values, 2).tolist() == [[0, 1], [3, 4]]
    assert truncate_embeddings(values, None).tolist() == values.tolist()
    assert truncate_embeddings(values, 9).tolist() == values.tolist()
    assert truncate_embeddings([1.0, 2.0], np.int64(1)).tolist() == [1]


@pytest.mark.parametrize("dim", [0, -1, 1.5, True, "2"])
def test_a_width_that_is_no_whole_number_is_refused(dim):
    with pytest.raises(ArgumentError, match=f"truncate_dim: {dim!r}, expected a whole number of at least 1"):
        truncate_embeddings(np.eye(2), dim)
