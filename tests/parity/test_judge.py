"""The matrix can fail: answers that are off, that neighbours move, or that are no numbers are told as such."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.parity.graphs import FUSED, INT8
from tests.parity.matrix import FAILED, PASSED, Cell, Outcome, judge
from tests.parity.subjects import DENSE, RERANK, SPARSE, Subject

pytestmark = pytest.mark.parity

Change = Callable[[np.ndarray], np.ndarray]
WANTED = {
    DENSE: np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32),
    SPARSE: np.abs(np.random.default_rng(0).normal(size=(20, 8))).astype(np.float32),
    RERANK: np.random.default_rng(0).normal(size=20).astype(np.float32),
}


def _same(answer: np.ndarray) -> np.ndarray:
    return answer


def _judged(task: str, graph: str, change: Change, *, alone: Change | None = None) -> Outcome:
    wanted = WANTED[task]
    found = [(wanted,), (change(wanted),)]
    single = (wanted if alone is None else alone(change(wanted)),) if graph == INT8 else None
    return judge(Cell(Subject("bert", task), "as exported", graph), found, (wanted,), single)


@pytest.mark.parametrize("graph", [FUSED, INT8])
@pytest.mark.parametrize("task", WANTED)
def test_equal_answers_pass(task: str, graph: str):
    outcome = _judged(task, graph, _same)
    assert (outcome.status, outcome.delta) == (PASSED, 0.0)
    assert outcome.likeness == pytest.approx(1.0) or graph == FUSED


@pytest.mark.parametrize("task", WANTED)
def test_float32_fails_beyond_its_bound_in_any_batch(task: str):
    def off(answer: np.ndarray) -> np.ndarray:
        changed = answer.copy()
        changed.flat[3] += 1e-3
        return changed

    outcome = _judged(task, FUSED, off)
    assert outcome.status == FAILED
    assert "above the bound of 1e-0" in outcome.reason


@pytest.mark.parametrize("task", WANTED)
def test_int8_fails_where_one_text_is_far_off(task: str):
    def off(answer: np.ndarray) -> np.ndarray:
        changed = answer.copy()
        changed[[2, 11]] = changed[[11, 2]]
        return changed

    outcome = _judged(task, INT8, off, alone=off)
    assert outcome.status == FAILED
    assert "below 0.9" in outcome.reason


@pytest.mark.parametrize("task", WANTED)
def test_int8_fails_where_neighbours_move_an_answer(task: str):
    outcome = _judged(task, INT8, _same, alone=lambda answer: answer + np.float32(1e-4))
    assert outcome.status == FAILED
    assert outcome.likeness > 0.999
    assert "neighbours" in outcome.reason


@pytest.mark.parametrize("graph", [FUSED, INT8])
@pytest.mark.parametrize("task", WANTED)
@pytest.mark.parametrize("change", [lambda answer: answer * np.nan, lambda answer: answer[:-1]], ids=["nan", "shape"])
def test_no_number_and_another_shape_fail(task: str, graph: str, change: Change):
    assert _judged(task, graph, change).status == FAILED


@pytest.mark.parametrize("graph", [FUSED, INT8])
@pytest.mark.parametrize("task", WANTED)
def test_answers_that_are_all_alike_fail(task: str, graph: str):
    wanted = np.repeat(WANTED[task][:1], 20, axis=0)
    outcome = judge(Cell(Subject("bert", task), "as exported", graph), [(wanted,)], (wanted,), (wanted,))
    assert outcome.status == FAILED
    assert "spread" in outcome.reason
