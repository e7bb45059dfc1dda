"""Mirrors runtime/airvec/cli/model.py."""

import argparse
import io
import sys

import pytest

from airvec.cli import model
from airvec.cli.model import add_model_arguments, open_model, show_progress


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_model_arguments(parser)
    return parser.parse_args(arguments)


def test_no_model_named_is_the_one_inside_airvec():
    opened = open_model(parsed())
    assert opened.get_embedding_dimension() == 256
    assert opened.max_seq_length is None


def test_the_environment_names_the_model_where_the_command_line_does_not(words, monkeypatch):
    monkeypatch.setenv("AIRVEC_MODEL", str(words))
    assert open_model(parsed()).get_embedding_dimension() == 4
    assert parsed("--model", "another").model == "another"
    monkeypatch.setenv("AIRVEC_MODEL", "")
    assert open_model(parsed()).get_embedding_dimension() == 256


def test_the_arguments_reach_the_model(words):
    opened = open_model(parsed("--model", str(words), "--max-seq-length", "5", "--truncate-dim", "3", "--threads", "1"))
    assert (opened.max_seq_length, opened.get_embedding_dimension()) == (5, 3)


@pytest.mark.parametrize(
    ("arguments", "terminal", "tqdm", "expected"),
    [
        ([], True, True, True),
        ([], False, True, False),
        ([], True, False, False),
        (["--no-progress"], True, True, False),
    ],
)
def test_a_bar_is_for_a_person_who_watches(monkeypatch, arguments, terminal, tqdm, expected):
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(model, "find_spec", lambda _: object() if tqdm else None)
    assert show_progress(parsed(*arguments)) is expected
