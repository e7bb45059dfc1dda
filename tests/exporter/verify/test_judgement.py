"""Mirrors exporter/airvec_exporter/verify/judgement.py."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from airvec.folder import DENSE, RERANKER, SPARSE
from airvec_exporter.errors import VerificationError
from airvec_exporter.verify.answers import Trial
from airvec_exporter.verify.bounds import Bound
from airvec_exporter.verify.judgement import judge
from airvec_exporter.verify.measured import Measured

ROWS = {"max_delta": 0, "min_cosine": 1, "batch_delta": 0}
RIGHT = Measured(1e-6, 0.9999, 2, (3, 4), 2, mean_cosine=0.9999, rank_correlation=0.99, batch_delta=0.0)


def trial(kind: str, largest: float = 1.0) -> Trial:
    inputs = [("one", "1"), ("two", "2")] if kind == RERANKER else ["one", "two"]
    return Trial("tiny", kind, None, inputs, (3, 4), "", np.full((2, 2), largest, np.float32))


def judged(measured: Measured, bound: Bound, kind: str = DENSE, **options: Any) -> Measured:
    given = {"variant": "int8", "largest": 1.0, "accept_worse": False, **options}
    return judge(
        trial(kind, given["largest"]), given["variant"], measured, ROWS, bound, accept_worse=given["accept_worse"]
    )


def test_what_is_within_its_bound_passes_without_a_word():
    bound = Bound(max_delta=1e-6, min_cosine=0.9999, batch_delta=0.0, rank_correlation=0.99)
    assert judged(RIGHT, bound) == RIGHT


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        (
            Bound(max_delta=1e-7),
            r"tiny: text 0 \('one', 3 tokens\) is 1.00e-06 from torch, expected at most 1e-07 on unit",
        ),
        (
            Bound(min_cosine=0.99999),
            r"tiny: text 1 \('two', 4 tokens\) has cosine 0.9999 .* expected at least 0.99999, in",
        ),
        (
            Bound(rank_correlation=0.995),
            r"rank correlation 0.9900 .* least 0.995; the farthest is text 0 \('one', 3 tok",
        ),
    ],
)
def test_what_is_beyond_it_is_refused_with_value_bound_and_worst_text(bound: Bound, message: str):
    with pytest.raises(VerificationError, match=message) as caught:
        judged(RIGHT, bound)
    assert "in variant 'int8'. Nothing was written; " in str(caught.value)
    assert "--accept-worse" in str(caught.value)


def test_what_neighbours_move_is_refused():
    moved = replace(RIGHT, batch_delta=2e-6)
    with pytest.raises(VerificationError, match=r"text 0 .* moves by 2.00e-06 with its neighbours, expected at most"):
        judged(moved, Bound(batch_delta=1e-6))


def test_bounds_grow_with_the_answers():
    measured = replace(RIGHT, max_delta=3e-4, batch_delta=3e-6, quantity="sparse values")
    bound = Bound(max_delta=1e-4, batch_delta=1e-6)
    assert judged(measured, bound, SPARSE, largest=4.0).misses == ()
    with pytest.raises(VerificationError, match="3.00e-04 from torch, expected at most 2e-04 on sparse values"):
        judged(measured, bound, SPARSE, largest=2.0)


def test_a_pair_is_named_as_one():
    with pytest.raises(VerificationError, match=r"pair 0 \(\('one', '1'\), 3 tokens\) is"):
        judged(RIGHT, Bound(max_delta=0), RERANKER)


def test_where_worse_is_accepted_all_of_it_is_told():
    found = judged(RIGHT, Bound(max_delta=1e-7, min_cosine=0.99999), accept_worse=True)
    assert [miss.partition(")")[2][:11] for miss in found.misses] == [" is 1.00e-0", " has cosine"]
    assert replace(found, misses=()) == RIGHT


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_never_accepted(value: float):
    measured = Measured(value, None, 2, (3, 4), 2)
    with pytest.raises(VerificationError, match=f"text 0 .* is {value} from torch, expected a finite number"):
        judged(measured, Bound(), accept_worse=True)


def test_the_cause_depends_on_what_the_variant_promises():
    for variant, cause in (("fp32", "does not export right"), ("int8", "too coarse for this model")):
        with pytest.raises(VerificationError, match=cause):
            judged(RIGHT, Bound(max_delta=0), variant=variant)
