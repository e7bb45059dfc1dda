"""Mirrors runtime/airvec/backends/telemetry.py."""

import sys
from types import ModuleType

import pytest

from airvec.backends.telemetry import REPORTER, no_telemetry


def test_the_reporter_cannot_be_imported_inside_and_what_was_imported_before_is_back_afterwards(monkeypatch):
    before = ModuleType(REPORTER)
    monkeypatch.setitem(sys.modules, REPORTER, before)
    monkeypatch.setitem(sys.modules, f"{REPORTER}.main", before)
    with no_telemetry(), pytest.raises(ModuleNotFoundError):
        __import__(f"{REPORTER}.main")
    assert sys.modules[REPORTER] is sys.modules[f"{REPORTER}.main"] is before


def test_where_it_was_not_imported_nothing_is_left_after_an_error_either(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == REPORTER]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(KeyError), no_telemetry():
        raise KeyError
    assert REPORTER not in sys.modules
