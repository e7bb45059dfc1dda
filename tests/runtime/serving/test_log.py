"""Mirrors runtime/airvec/serving/log.py."""

import pytest

from airvec.errors import ArgumentError
from airvec.serving.log import wants_log, write_line


def test_the_log_is_on_unless_it_is_off():
    assert [wants_log({}), wants_log({"AIRVEC_LOG": "on"}), wants_log({"AIRVEC_LOG": "off"})] == [True, True, False]
    with pytest.raises(ArgumentError, match="AIRVEC_LOG: 'loud', expected on or off"):
        wants_log({"AIRVEC_LOG": "loud"})


def test_a_line_is_one_line(capsys):
    write_line({"path": "/a\nb", "ms": 1.5})
    assert capsys.readouterr().out == '{"path":"/a\\nb","ms":1.5}\n'
