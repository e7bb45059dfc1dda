"""Mirrors benchmarks/training.py: what is counted and drawn, without training; one turn with a stand-in library."""

import io
import json
import types

import pytest
import training
from measure import training_worker
from measure.datasets import MissingDataError
from measure.training_figure import draw
from training import OURS, REFERENCE, Trained


@pytest.fixture
def found():
    ours = Trained([1.0, 0.50002, 0.4, 0.3], [9.0, 9.0, 9.0, 0.104], 900.0)
    return {"dense": {REFERENCE: Trained([1.0, 0.5, 0.4, 0.3], [9.0, 9.0, 9.0, 0.1], 1000.0), OURS: ours}}


def test_the_table_has_a_row_for_each_recipe_and_library(found):
    reference, ours = training.rows_of(found)
    assert (reference["library"], reference["largest difference"]) == (REFERENCE, None)
    assert ours["largest difference"] == pytest.approx(2e-5)
    assert ours["ms a step"] == pytest.approx(104)  # the first three steps do not count
    assert ours["peak MB"] == 900


def test_what_is_within_its_bounds_is_no_fault(found):
    assert training.faults(found) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"losses": [1.0, 0.5002, 0.4, 0.3]}, "dense: largest difference of losses 0.0002, at most 0.0001"),
        ({"seconds": [9.0, 9.0, 9.0, 0.11]}, "dense: time of a step ÷ the reference's 1.1, at most 1.05"),
        ({"peak_mb": 1100.0}, "dense: peak memory ÷ the reference's 1.1, at most 1.05"),
    ],
)
def test_what_is_beyond_a_bound_is_told(found, change, told):
    for name, value in change.items():
        setattr(found["dense"][OURS], name, value)
    assert training.faults(found) == [told]


def test_one_library_alone_is_not_judged(found):
    del found["dense"][OURS]
    assert training.faults(found) == []
    assert len(training.rows_of(found)) == 1


def test_quick_is_short():
    options = training.arguments(["--quick"])
    assert (options.recipes, options.steps, options.turn) == (["dense"], 20, 10)
    assert training.arguments([]).recipes == ["dense", "sparse", "rerank"]


def test_turns_make_up_all_steps():
    assert training.turns(200, 40) == [40] * 5
    assert sum(training.turns(50, 40)) == 50


def test_rows_are_written_as_a_recipe_needs_them(tmp_path, monkeypatch):
    (tmp_path / "snli").mkdir()
    rows = ["label\tsentence1\tsentence2", "entailment\ta\tb", "neutral\tc\td", "entailment\te\tf"]
    (tmp_path / "snli" / "dev.tsv").write_text("\n".join(rows) + "\n")
    monkeypatch.setattr(training, "DATA", tmp_path)
    dense = training.write_data("dense", tmp_path, 2).read_text().splitlines()
    assert [json.loads(line) for line in dense] == [
        {"anchor": "a", "positive": "b"}, {"anchor": "e", "positive": "f"},
    ]  # fmt: skip
    rerank = training.write_data("rerank", tmp_path, 3).read_text().splitlines()
    assert [json.loads(line)["label"] for line in rerank] == [1.0, 0.0, 1.0]
    with pytest.raises(SystemExit, match="dense: 2 rows, expected 3"):
        training.write_data("dense", tmp_path, 3)


def test_missing_data_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "DATA", tmp_path)
    with pytest.raises(MissingDataError, match="dev.tsv: no such file"):
        training.write_data("dense", tmp_path, 3)


def test_the_figure_is_a_picture(found, tmp_path):
    losses = {kind: {name: one.losses for name, one in trained.items()} for kind, trained in found.items()}
    draw(losses, (OURS, REFERENCE), "a machine", tmp_path / "training.png")
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")


def test_a_worker_trains_turn_by_turn_and_ends_when_nothing_more_is_wanted():
    requests = io.StringIO('{"do": "steps", "count": 2}\n{"do": "steps", "count": 1}\n')
    answers = io.StringIO()
    turns = training_worker.make_turns(requests, answers)
    values = iter([0.5, 0.25, 0.125])
    trainer = types.SimpleNamespace(compute_loss=lambda: types.SimpleNamespace(detach=lambda: next(values)))
    training_worker.keep_losses(trainer, turns)
    control = types.SimpleNamespace(should_training_stop=False)
    turns.on_train_begin(None, None, control)
    while not control.should_training_stop:
        trainer.compute_loss()
        turns.on_step_end(None, None, control)
    first, second = [json.loads(line) for line in answers.getvalue().splitlines()]
    assert (first["losses"], second["losses"]) == ([0.5, 0.25], [0.125])
    assert len(first["seconds"]) == 2
    assert first["peak_mb"] > 10
