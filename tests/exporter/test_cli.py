"""airvec-export."""

import subprocess
import sys
from pathlib import Path

import pytest

from airvec_exporter import pipeline
from airvec_exporter.cli import main
from airvec_exporter.pipeline import ExportReport
from tests import tiny
from tests.exporter.test_pipeline import traced, wrongly_traced

__all__ = ["traced", "wrongly_traced"]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("a text\n\nanother text, a longer one\n", encoding="utf-8")
    return path


def test_help_shows_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    shown = capsys.readouterr().out
    assert stopped.value.code == 0
    assert "airvec-export ./checkpoint ./out --no-weights" in shown
    assert "Exit codes: 0 written and" in shown


@pytest.mark.usefixtures("traced")
def test_it_exports_and_prints_the_report(
    tiny_bert: Path, lines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main([str(tiny_bert), str(tmp_path / "out"), "--texts", str(lines), "--no-weights"]) == 0
    shown = capsys.readouterr().out
    assert "texts       2, of " in shown
    assert "max |Δ|" in shown
    assert not (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.usefixtures("traced")
def test_quiet_prints_nothing(tiny_bert: Path, lines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(tiny_bert), str(tmp_path / "out"), "--texts", str(lines), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("wrongly_traced")
def test_a_wrong_graph_is_exit_code_1_with_the_number(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(tiny.texts(40)), encoding="utf-8")
    assert main([str(tiny_bert), str(tmp_path / "out"), "--texts", str(texts)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("airvec-export: tiny-bert: text ")
    assert "expected at most 1e-05 on unit vectors" in shown.err
    assert "Traceback" not in shown.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{tmp}/nowhere", "{tmp}/out"], "nowhere: no such folder"),
        (["{tiny}", "{tiny}"], "holds the checkpoint"),
        (["{tiny}", "{tmp}/out", "--texts", "{tmp}/none.txt"], "none.txt"),
        (["{tiny}", "{tmp}/out", "--texts", "{tmp}/latin.txt"], "not UTF-8"),
    ],
)
def test_wrong_arguments_are_exit_code_2_without_a_traceback(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
):
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    assert main([argument.format(tmp=tmp_path, tiny=tiny_bert) for argument in arguments]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("airvec-export: ")
    assert message in shown


def test_a_missing_argument_is_exit_code_2(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2
    assert "CHECKPOINT" in capsys.readouterr().err


def test_an_interrupt_is_exit_code_130(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def interrupt(*_arguments: object, **_options: object) -> ExportReport:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "load", interrupt)
    assert main([str(tiny_bert), str(tmp_path / "out")]) == 130
    assert "nothing was written" in capsys.readouterr().err


def test_what_the_model_is_for_and_where_it_comes_from_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given: dict[str, object] = {}

    def export(checkpoint: str, out: Path, **options: object) -> str:
        given.update(options, checkpoint=checkpoint, out=out)
        return ""

    monkeypatch.setattr(pipeline, "export", export)
    assert main(["org/model", str(tmp_path / "out"), "--as", "sparse", "--fused", "--revision", "v1", "--quiet"]) == 0
    assert (given["checkpoint"], given["kind"], given["fused"], given["revision"]) == (
        "org/model",
        "sparse",
        True,
        "v1",
    )
    assert main(["org/model", str(tmp_path / "out"), "--quiet"]) == 0
    assert (given["kind"], given["fused"], given["revision"], given["max_delta"]) == (None, False, None, None)


def test_a_kind_that_is_none_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(["org/model", str(tmp_path / "out"), "--as", "colbert"])
    assert stopped.value.code == 2
    assert "invalid choice: 'colbert'" in capsys.readouterr().err


def test_an_unknown_variant_is_wrong_usage(tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(tiny_bert), str(tmp_path / "out"), "--variants", "fp32,int9"]) == 2
    assert "variants: 'int9', expected any of fp32, int8," in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_being_told_to_end_is_an_interrupt(tmp_path: Path):
    code = """
import signal, sys
from airvec_exporter import cli
before = signal.getsignal(signal.SIGTERM)
cli._export = lambda _: signal.raise_signal(signal.SIGTERM)
code = cli.main(["in", sys.argv[1]])
assert signal.getsignal(signal.SIGTERM) == before
sys.exit(code)
"""  # in a process of its own, which it would end if it were not caught
    command = [sys.executable, "-c", code, str(tmp_path / "out")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, "interrupted; nothing was written" in ran.stderr) == (130, True)


@pytest.mark.parametrize("option", ["--texts", "--calibration"])
@pytest.mark.parametrize(("content", "told"), [(None, "cannot be read"), ("\n\n", "0 texts, expected two or more")])
def test_a_file_without_texts_is_named_with_its_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, content: str | None, told: str
):
    file = tmp_path / "texts.txt"
    if content is not None:
        file.write_text(content)
    assert main(["in", str(tmp_path / "out"), option, str(file)]) == 2
    assert f"{option} {file}: {told}" in capsys.readouterr().err
