"""Sessions that look into a graph: each batch on one thread, in order, the same bytes on any number of CPUs."""

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
from onnxscript import ir

from airvec_exporter.quantize import sessions
from airvec_exporter.quantize.rows import quantize_rows
from airvec_exporter.quantize.sessions import Batch, open_session, outputs


def test_batches_come_in_order_each_with_its_own_outputs(
    portable: Callable[[], ir.Model], calibration: list[Batch], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sessions.os, "cpu_count", lambda: 3)
    alone = open_session(portable(), 1)
    found = list(outputs(portable(), calibration[:7]))
    assert [id(batch) for batch, _ in found] == [id(batch) for batch in calibration[:7]]
    for batch, (states,) in found:
        assert np.array_equal(states, alone.run(None, dict(batch))[0])


def test_every_session_has_one_thread(
    portable: Callable[[], ir.Model], calibration: list[Batch], monkeypatch: pytest.MonkeyPatch
):
    asked: list[int] = []
    monkeypatch.setattr(sessions, "open_session", lambda model, threads=0: asked.append(threads) or open_session(model))
    assert len(list(outputs(portable(), calibration[:2]))) == 2
    assert asked == [1]


@pytest.mark.slow
def test_the_number_of_cpus_changes_no_byte(
    portable: Callable[[], ir.Model], calibration: list[Batch], monkeypatch: pytest.MonkeyPatch
):
    digests = set[str]()
    for count in (1, 2, 5):
        monkeypatch.setattr(sessions.os, "cpu_count", lambda count=count: count)
        model = portable()
        quantize_rows(model, calibration, "x86", bound=9)
        digests.add(hashlib.sha256(ir.to_proto(model).SerializeToString()).hexdigest())
    assert len(digests) == 1
