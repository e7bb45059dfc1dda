"""Mirrors log.py, live.py, figure.py and stopping.py of trainer/airvec_trainer/recipes, without a trainer."""

import io
import json
import signal
import threading

import pytest
from rich.console import Console
from transformers import TrainerControl, TrainerState

from airvec_trainer.recipes.figure import curves, draw, is_loss
from airvec_trainer.recipes.live import METRICS, ROWS, LiveTable
from airvec_trainer.recipes.log import MetricsLog
from airvec_trainer.recipes.stopping import StopOnSignal

HISTORY = [
    {"loss": 2.0, "learning_rate": 1e-5, "epoch": 0.1, "step": 1},
    {"loss": 1.0, "learning_rate": 5e-6, "epoch": 0.2, "step": 2},
    {"eval_loss": 1.5, "eval_runtime": 3.0, "eval_dev_spearman_cosine": 0.7, "epoch": 0.2, "step": 2},
    {"train_runtime": 9.0, "train_loss": 1.5, "step": 2},
]


@pytest.fixture
def state():
    return TrainerState(max_steps=4, is_world_process_zero=True, is_local_process_zero=True)


def logged(callback, state, step, logs):
    state.global_step, state.epoch = step, step / 10
    callback.on_step_end(None, state, TrainerControl())
    callback.on_log(None, state, TrainerControl(), logs=logs)


def test_every_log_is_a_line_as_it_happens(tmp_path, state):
    log = MetricsLog(tmp_path / "new")
    log.on_train_begin(None, state, TrainerControl())
    logged(log, state, 1, {"loss": 2.0})
    lines = (tmp_path / "new" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"step": 1, "epoch": 0.1, "loss": 2.0}]


def test_a_resumed_log_starts_with_what_the_checkpoint_had_seen(tmp_path, state):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"step": 3, "of": "the killed run"}\n')
    state.log_history = HISTORY[:2]
    log = MetricsLog(tmp_path)
    log.on_train_begin(None, state, TrainerControl())
    logged(log, state, 3, {"loss": 0.5})
    steps = [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3]


def test_another_process_of_the_same_training_writes_nothing(tmp_path):
    other = TrainerState(is_world_process_zero=False)
    log = MetricsLog(tmp_path)
    log.on_train_begin(None, other, TrainerControl())
    logged(log, other, 1, {"loss": 2.0})
    assert list(tmp_path.iterdir()) == []


def test_the_table_shows_loss_rate_and_metrics_and_one_row_a_step(state):
    seen = io.StringIO()
    table = LiveTable(Console(file=seen, force_terminal=True, width=120))
    table.on_train_begin(None, state, TrainerControl())
    for entry in HISTORY:
        logged(table, state, entry["step"], {name: value for name, value in entry.items() if name != "step"})
    table.on_train_end(None, state, TrainerControl())
    shown = io.StringIO()
    Console(file=shown, width=120).print(table.table())
    head, first, second, *others = shown.getvalue().splitlines()
    assert head.split() == ["step", "epoch", "loss", "learning_rate", "eval_loss", "dev_spearman_cosine"]
    assert first.split() == ["1", "0.10", "2.0000", "1.00e-05"]
    assert second.split() == ["2", "0.20", "1.0000", "5.00e-06", "1.5000", "0.7000"]
    assert others == []
    assert "2/4" in seen.getvalue()
    assert table.live is None  # the terminal is given back


def test_the_table_keeps_to_the_last_rows_and_a_few_metrics(state):
    table = LiveTable(Console(file=io.StringIO()))
    for step in range(1, 40):
        logged(table, state, step, {"loss": 1.0, **{f"eval_m{number}": 1.0 for number in range(9)}})
    made = table.table()
    assert (made.row_count, len(made.columns)) == (ROWS, 3 + METRICS)


def test_stopping_the_table_twice_does_nothing(state):
    table = LiveTable(Console(file=io.StringIO(), force_terminal=True))
    table.on_train_begin(None, state, TrainerControl())
    table.stop()
    table.stop()


def test_curves_are_losses_and_metrics_and_nothing_else():
    assert curves(HISTORY) == {
        "loss": ([1, 2], [2.0, 1.0]), "eval_loss": ([2], [1.5]), "eval_dev_spearman_cosine": ([2], [0.7]),
    }  # fmt: skip


def test_held_out_rows_of_several_data_sets_have_a_loss_each():
    found = curves([{"eval_pairs_loss": 1.0, "eval_pairs_runtime": 2.0, "train_loss": 3.0, "step": 1}])
    assert found == {"eval_pairs_loss": ([1], [1.0])}
    assert is_loss("eval_pairs_loss")
    assert not is_loss("eval_dev_spearman")


def test_the_figure_is_a_picture_and_nothing_else_is_left(tmp_path):
    assert draw(HISTORY, tmp_path / "loss.png", "a title")
    assert [path.name for path in tmp_path.iterdir()] == ["loss.png"]
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_metrics_have_a_panel_of_their_own(tmp_path):
    from matplotlib.image import imread

    draw(HISTORY, tmp_path / "both.png", "")
    draw(HISTORY[:2], tmp_path / "loss.png", "")
    assert imread(tmp_path / "both.png").shape[0] == 2 * imread(tmp_path / "loss.png").shape[0]


def test_without_logs_there_is_no_figure(tmp_path):
    assert not draw([], tmp_path / "loss.png", "")
    assert list(tmp_path.iterdir()) == []


def test_without_a_signal_training_goes_on(state):
    control, stopper = TrainerControl(), StopOnSignal()
    with stopper.listening():
        stopper.on_step_end(None, state, control)
    assert not control.should_save
    assert not control.should_training_stop


def deliver(number):
    """What Python does when a signal has come.

    A real one would come on whatever stack other libraries of this process have set for signals: with the registers of
    AMX on it 12 KB are needed, and 8 KB end the process. tests/trainer/test_cli.py sends a real one to a real program.
    """
    signal.getsignal(number)(number, None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends_after_the_step(state, number):
    control, stopper = TrainerControl(), StopOnSignal()
    before = signal.getsignal(number)
    with stopper.listening():
        deliver(number)
        stopper.on_step_end(None, state, control)
    assert control.should_save
    assert control.should_training_stop
    assert signal.getsignal(number) is before


def test_a_second_signal_ends_at_once():
    stopper = StopOnSignal()
    with stopper.listening():
        deliver(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt, match="signal 2"):
            deliver(signal.SIGINT)


def test_beside_the_main_thread_signals_stay_as_they_are():
    stopper, seen = StopOnSignal(), []

    def listen():
        with stopper.listening():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
