"""Mirrors runtime/airvec/cli/main.py: exit codes, errors, help, pipes; some in a process of their own."""

import os
import subprocess
import sys
import warnings

import pytest

from airvec import __version__
from airvec.cli import main as program
from airvec.errors import AirvecWarning
from tests.house.probe import probe

COMMANDS = ("encode", "similarity", "search", "info", "verify")
AIRVEC = [sys.executable, "-m", "airvec.cli.main"]


def airvec(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*AIRVEC, *arguments], input=stdin.encode(), env=os.environ | environment, capture_output=True, check=False
    )


def test_the_program_lists_its_commands_and_shows_examples(run):
    seen = run("--help")
    assert seen.code == 0
    assert all(f"  {name}" in seen.out for name in (*COMMANDS, "export", "train"))
    assert 'airvec similarity "the cat sleeps"' in seen.out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_has_examples(run, command):
    seen = run(command, "--help")
    assert seen.code == 0
    assert f"examples:\n  airvec {command}" in seen.out
    assert seen.err == ""


def test_the_version_is_the_packages(run):
    assert run("--version").out == f"airvec {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["nonsense"], ["encode", "a", "--format", "xml"], ["encode", "a", "--batch-size", "two"], ["search", "a"],
        ["verify", "model"], ["similarity", "a", "b", "--function", "hamming"],
    ],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2_with_the_usage(run, arguments):
    seen = run(*arguments)
    assert seen.code == 2
    assert seen.out == ""
    assert seen.err.startswith("usage: airvec")


@pytest.mark.parametrize(
    "option", ["encode --batch-size", "encode --threads", "encode --truncate-dim", "encode --max-seq-length",
               "search --corpus x --top-k"],
)  # fmt: skip
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "9" * 5000])
def test_a_number_that_cannot_be_is_wrong_usage(run, option, value):
    command, *options = option.split()
    seen = run(command, "a", *options, value)
    assert seen.code == 2
    assert f"argument {options[-1]}" in seen.err
    assert f"{value[:40]!r}"[:-1] in seen.err
    assert "expected a whole number of at least 1" in seen.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["encode", "a", "--model", "./nowhere"], "./nowhere: no such folder."),
        (["encode", "a", "--prompt-name", "poem"], "prompt_name: 'poem', expected one of 'query', 'document'"),
        (["encode", "a \udcff"], "half of a surrogate pair"),
        (["similarity", "only one"], "texts: 1 given, expected at least 2"),
        (["search", "a", "--corpus", "nowhere.txt"], "nowhere.txt: no such file."),
        (["info", "nowhere"], "nowhere: no such folder. Give a model folder's path: info looks on this disk only."),
        (["encode", "a", "--out", "."], "Is a directory"),
    ],
)
def test_an_error_is_exit_code_1_and_one_line_without_traceback(run, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    extra = ["--format", "npy"] if "--out" in arguments else []
    seen = run(*arguments, *extra)
    assert seen.code == 1
    assert seen.out == ""
    assert seen.err.startswith("airvec: error: ")
    assert seen.err.count("\n") == 1
    assert message in seen.err


def test_a_message_of_several_lines_becomes_one(run, monkeypatch):
    monkeypatch.setattr(program, "_run", lambda _: (_ for _ in ()).throw(OSError("one\n  two\n\nthree")))
    assert run("info").err == "airvec: error: one two three\n"


def test_an_interrupted_program_ends_silently(run, monkeypatch):
    monkeypatch.setattr(program, "_run", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run("info") == (130, "", "")


def test_a_warning_is_one_line_without_source_code():
    done = airvec("encode", "a", "b", "--precision", "int8")
    assert done.returncode == 0
    assert done.stderr.startswith(b"airvec: warning: precision: ranges taken from 2 vectors")
    assert done.stderr.count(b"\n") == 1


def test_the_form_of_warnings_is_given_back(run, words):
    before = warnings.formatwarning
    with pytest.warns(AirvecWarning, match="ranges taken"):
        assert run("encode", "a", "b", "--precision", "uint8", "--model", words).code == 0
    assert warnings.formatwarning is before


@pytest.mark.parametrize("command", [["encode", "--file", "-"], ["search", "a", "--corpus", "-", "-k", "9999"]])
def test_a_reader_that_leaves_early_is_no_error(command, tmp_path):
    texts = tmp_path / "texts"
    texts.write_text("word\n" * 5000)
    with (
        texts.open() as stdin,
        subprocess.Popen([*AIRVEC, *command], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_reader_that_was_never_there_is_no_error():
    """All of the output fits in the buffer, so the pipe breaks only when it is flushed."""
    reading, writing = os.pipe()
    os.close(reading)
    buffered = os.environ | {"PYTHONUNBUFFERED": ""}
    with os.fdopen(writing, "wb") as stdout:
        done = subprocess.run([*AIRVEC, "info"], stdout=stdout, stderr=subprocess.PIPE, env=buffered, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_json_lines_are_utf8_whatever_the_locale():
    done = airvec("similarity", "é 世", "ü", "--format", "jsonl", PYTHONIOENCODING="ascii")
    assert done.stderr == b""
    assert '"é 世"' in done.stdout.decode("utf-8")


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colour_and_a_table(environment, coloured):
    ours, terminal = os.openpty()
    with os.fdopen(ours, "rb", buffering=0) as seen:
        more = os.environ | {"TERM": "xterm"} | environment
        subprocess.run([*AIRVEC, "encode", "a", "b"], stdout=terminal, env=more, check=True)
        os.close(terminal)
        shown = seen.read(10_000).decode()
    assert shown.replace("\033[1m", "").startswith("text  first 6 of 256 values")
    assert ("\033[" in shown) is coloured


def test_standard_input_is_read_in_a_pipe():
    done = airvec("encode", stdin="one\ntwo\n")
    assert done.returncode == 0
    assert done.stdout.count(b"\n") == 2


def test_the_commands_that_need_no_model_import_none_of_its_packages():
    seen = probe("from airvec.cli.main import main\nmain(['info'])\nmain(['encode', '--help'])")
    assert seen.problem is not None
    assert seen.problem[0] == "SystemExit"
    assert not {"onnxruntime", "tokenizers"} & seen.modules


WITHOUT_TORCH = """
import io, sys
from airvec.cli.main import main
sys.stderr = told = io.StringIO()
code = main(["{command}", "in", "out"])
raise RuntimeError(f"{{code}} {{told.getvalue()}}")
"""


@pytest.mark.parametrize("command", ["export", "train"])
def test_a_command_without_its_extra_gives_the_pip_line(command):
    seen = probe(WITHOUT_TORCH.format(command=command), absent=("torch", "transformers"))
    assert seen.problem is not None
    assert seen.problem[2].startswith(f"1 airvec: error: airvec {command}: needs the package torch, which is not ")
    assert seen.problem[2].endswith(f'Run: pip install "airvec[{command}]"\n')


@pytest.mark.parametrize(("command", "module"), [("export", "airvec_exporter.cli"), ("train", "airvec_trainer.cli")])
def test_what_another_package_does_gets_its_arguments(run, monkeypatch, command, module):
    class Other:
        @staticmethod
        def main(arguments: list[str], *name: str) -> int:
            assert name == (() if command == "export" else ("airvec train",))  # as which its help names itself
            print("it got", arguments)
            return 7

    monkeypatch.setattr(program, "require", lambda *_: None)
    monkeypatch.setattr(program, "import_module", {module: Other}.__getitem__)
    seen = run(command, "in", "--help")
    assert seen == (7, "it got ['in', '--help']\n", "")
