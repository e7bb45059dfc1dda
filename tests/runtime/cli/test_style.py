"""Mirrors runtime/airvec/cli/style.py."""

import io
import sys

import pytest

from airvec.cli.style import DIM, GREEN, RED, YELLOW, bar, has_colour, paint, shade, shorten, table


@pytest.mark.parametrize(
    ("terminal", "environment", "expected"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        (True, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_is_for_terminals_unless_the_environment_decides(monkeypatch, terminal, environment, expected):
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert has_colour(stream) is expected
    assert paint("text", RED, stream) == ("\033[31mtext\033[0m" if expected else "text")


def test_standard_output_decides_where_no_stream_is_named(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert paint("text", RED) == "text"


def test_scores_have_three_shades():
    assert [shade(score) for score in (1, 0.6, 0.59, 0.3, 0.29, -1)] == [GREEN, GREEN, YELLOW, YELLOW, DIM, DIM]


def test_bars_have_at_least_a_sliver_above_zero():
    assert [len(bar(share, 10)) for share in (-1, 0, 0.001, 0.5, 1, 7)] == [0, 0, 1, 5, 10, 10]


def test_a_text_is_cut_to_its_width_on_one_line():
    assert shorten("a  b\n c", 10) == "a b c"
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdefg", 6) == "abcde…"


def test_columns_line_up():
    shown = table(["name", "n"], [["a", "1"], ["long name", "100"]], right=(1,))
    assert shown == "name         n\na            1\nlong name  100"
    assert table(["only", "head"], []) == "only  head"
