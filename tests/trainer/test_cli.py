"""airvec-train: exit codes, messages, what is shown; and `airvec train` is the same."""

import os
import signal
import subprocess
import sys

import pytest

from airvec.cli.main import main as airvec
from airvec_trainer import cli
from airvec_trainer.cli import main
from tests.house.probe import probe
from tests.trainer.recipes.conftest import recipe, tiny

__all__ = ["recipe", "tiny"]


def test_help_shows_examples_and_exit_codes(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    shown = capsys.readouterr().out
    assert stopped.value.code == 0
    assert "airvec-train recipe.toml --dry-run" in shown
    assert "130 interrupted" in shown


def test_under_airvec_it_calls_itself_airvec_train(recipe, capsys):
    with pytest.raises(SystemExit):
        airvec(["train", "--help"])
    shown = capsys.readouterr().out
    assert "usage: airvec train " in shown
    assert "airvec train recipe.toml --dry-run" in shown
    assert "airvec-train" not in shown
    assert airvec(["train", str(recipe(("[loss]", "[los]")))]) == 2
    assert capsys.readouterr().err.startswith("airvec train: ")


def test_help_and_a_wrong_recipe_need_no_torch(tmp_path):
    (tmp_path / "recipe.toml").write_text("[models]\n")
    seen = probe(f"from airvec_trainer.cli import main\nassert main([{str(tmp_path / 'recipe.toml')!r}]) == 2")
    assert seen.problem is None
    assert not {"torch", "transformers", "datasets"} & seen.modules


def test_a_dry_run_prints_the_plan_and_writes_nothing(recipe, tmp_path, capsys):
    before = [*tmp_path.iterdir(), recipe()]
    assert main([str(recipe()), "--dry-run", "--set", "arguments.max_steps=3"]) == 0
    shown = capsys.readouterr()
    assert "steps      3, 4 rows a batch" in shown.out
    assert sorted(tmp_path.iterdir()) == sorted(before)


def test_a_training_ends_with_a_summary_and_nothing_but_it(recipe, tmp_path, capfd):
    assert airvec(["train", str(recipe()), "--no-progress", "--set", "arguments.max_steps=2"]) == 0
    shown = capfd.readouterr()
    assert shown.out.startswith("trained 2 steps in ")
    assert f"model        {tmp_path / 'out' / 'model'}" in shown.out
    assert shown.err == ""


def test_a_terminal_gets_a_bar_and_a_table(recipe, monkeypatch, capfd):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "140")
    assert main([str(recipe()), "--set", "arguments.max_steps=2", "--set", "arguments.eval_steps=1"]) == 0
    shown = capfd.readouterr()
    assert "2/2" in shown.err
    assert "dev_spearman_cosine" in shown.err
    assert "learning_rate" not in shown.out


@pytest.mark.parametrize("arguments", [["--no-progress"], []])
def test_without_a_terminal_or_with_no_progress_there_is_no_table(arguments, recipe):
    parsed = cli._parser("airvec-train").parse_args([str(recipe()), *arguments])
    assert cli._table(parsed) is None


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (("[loss]", "[los]"), 2, "airvec-train: recipe.toml: unknown key 'los'"),
        (("max_steps = 6", "max_stepz = 6"), 2, "airvec-train: [arguments]: unknown key 'max_stepz'"),
        (("pairs.tsv", "gone.tsv"), 2, "gone.tsv: no such file"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(recipe, capsys, change, code, message):
    assert main([str(recipe(change))]) == code
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_a_reader_who_leaves_early_is_no_error(recipe):
    code = f"import sys\nfrom airvec_trainer.cli import main\nsys.exit(main([{str(recipe())!r}, '--dry-run']))"
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as nobody:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=nobody, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_ctrl_c_in_a_process_of_its_own_ends_with_130_and_says_how_to_go_on(recipe, tmp_path):
    path = recipe(("max_steps = 6", "max_steps = 100000"), ("eval_steps = 3", "eval_steps = 100000"))
    command = [sys.executable, "-m", "airvec_trainer.cli", str(path), "--set", "arguments.save_steps=100000"]
    log = tmp_path / "out" / "metrics.jsonl"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while not (log.exists() and log.stat().st_size) and running.poll() is None:
            os.sched_yield()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert out.startswith("stopped after ")
    assert f"Go on with: airvec train {path} --set arguments.save_steps=100000 --resume" in err
    assert list((tmp_path / "out").glob("checkpoint-*/trainer_state.json"))
