"""airvec-export --push: after the export, and only then."""

from pathlib import Path
from typing import Any

import pytest

from airvec_exporter import cli, pushing
from airvec_exporter.cli import main
from airvec_exporter.errors import PushError, VerificationError

WORDS = ["./checkpoint", "./out", "--push", "me/words"]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was done, in place of an export and of an upload."""
    done: list[Any] = []
    monkeypatch.setattr(cli, "_export", lambda arguments: done.append("export") or "report")
    monkeypatch.setattr(pushing, "push", lambda *given, **named: done.append((*given, named)) or "https://hub/me/words")
    return done


def test_it_pushes_what_was_written_and_says_where_it_is(calls: list[Any], capsys: pytest.CaptureFixture[str]):
    assert main([*WORDS, "--private"]) == 0
    assert calls == ["export", (Path("out"), "me/words", {"private": True})]
    assert capsys.readouterr().out == "report\nme/words → https://hub/me/words\n"
    assert main([*WORDS, "--quiet"]) == 0
    assert calls[-1][-1] == {"private": None}
    assert capsys.readouterr().out == ""


def test_what_failed_its_verification_is_not_pushed(calls: list[Any], monkeypatch: pytest.MonkeyPatch):
    def fails(_: object) -> None:
        raise VerificationError("words: text 3, expected less")

    monkeypatch.setattr(cli, "_export", fails)
    assert main(WORDS) == 1
    assert calls == []


@pytest.mark.parametrize(
    ("error", "code"), [(PushError("me/words: the Hub answers 403"), 1), (KeyboardInterrupt(), 130)]
)
def test_a_push_that_fails_is_told_after_the_report(
    calls: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int
):
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(pushing, "push", fails)
    assert main(WORDS) == code
    assert calls == ["export"]
    shown = capsys.readouterr()
    assert shown.out == "report\n"
    assert shown.err.startswith(f"airvec-export: {error or 'interrupted; out was written, and nothing was pushed'}")


@pytest.mark.parametrize("words", [["--push", "a/b/c"], ["--private"]])
def test_a_wrong_name_is_refused_before_the_export(calls: list[Any], words: list[str]):
    assert main(["./checkpoint", "./out", *words]) == 2
    assert calls == []
