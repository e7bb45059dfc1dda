"""Mirrors staged.py, staged_planning.py, mined.py and stage_records.py of trainer/airvec_trainer/recipes."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import TrainerCallback

import airvec
from airvec.errors import ArgumentError
from airvec.search.beir import read_beir
from airvec_trainer import SentenceTransformer
from airvec_trainer.mining import MiningSettings, mine
from airvec_trainer.recipes import mined, staged
from airvec_trainer.recipes.reading import read_recipe
from airvec_trainer.recipes.running import plan, run
from tests.trainer.recipes.in_stages import ASKED, written

STAGES = ["1-general", "2-task", "3-mined-1", "4-mined-2"]


class Interrupt(TrainerCallback):
    """Presses Ctrl-C in a step of the given stage."""

    def __init__(self, stage, step):
        self.stage, self.step = stage, step

    def on_step_begin(self, args, state, control, **_):
        if args.output_dir.endswith(self.stage) and state.global_step == self.step:
            signal.getsignal(signal.SIGINT)(signal.SIGINT, None)  # see test_callbacks.deliver


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder in which all stages were run."""
    folder = tmp_path_factory.mktemp("staged")
    run(plan(read_recipe(written(folder))))
    return folder


def rows(folder, stage):
    lines = (folder / "out" / "stages" / stage / "mined-task.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def weights(folder):
    return SentenceTransformer(str(folder)).encode(["ask1 again", "told7 of", "the ask3"])


def losses(folder, stage):
    lines = (folder / "out" / "stages" / stage / "metrics.jsonl").read_text().splitlines()
    return {entry["step"]: entry["loss"] for entry in map(json.loads, lines) if "loss" in entry}


def test_every_stage_is_trained_measured_and_saved(done):
    assert sorted(path.name for path in (done / "out" / "stages").iterdir()) == STAGES
    report = json.loads((done / "out" / "report.json").read_text())
    assert [line["name"] for line in report["lines"]] == [
        "before the first stage", "general", "task", "mined, round 1", "mined, round 2",
    ]  # fmt: skip
    values = [line["metrics"]["held-out_cosine_ndcg@10"]["mean"] for line in report["lines"]]
    assert len(set(values)) == 5  # each stage changed the model, and each was measured after it
    last = done / "out" / "stages" / STAGES[-1] / "model"
    assert np.array_equal(weights(last), weights(done / "out" / "model"))
    assert not np.array_equal(weights(last), weights(done / "out" / "stages" / STAGES[-2] / "model"))


def test_the_numbers_of_a_stage_are_those_of_the_model_that_it_saved(done):
    found = plan(read_recipe(done / "recipe.toml"))
    record = json.loads((done / "out" / "stages" / "2-task" / "stage.json").read_text())
    again = found.evaluators[0](SentenceTransformer(str(done / "out" / "stages" / "2-task" / "model")))
    assert {key: pytest.approx(value, abs=1e-6) for key, value in again.items()} == record["measure"]["metrics"]


@pytest.mark.parametrize(("stage", "before"), [("3-mined-1", "2-task"), ("4-mined-2", "3-mined-1")])
def test_each_round_mines_with_the_model_that_the_stage_before_left(done, stage, before):
    pairs = plan(read_recipe(done / "recipe.toml")).stages[2].plan.train["task"]
    corpus = list(read_beir(done / "task", "train").corpus.values())
    settings = MiningSettings(num_negatives=2, output_format="n-tuple", show_progress_bar=False)
    mine_by = {name: done / "out" / "stages" / name / "model" for name in STAGES[:3]} | {"base": done / "base"}
    by = {
        name: list(mine(pairs, SentenceTransformer(str(path)), settings, corpus=corpus)[0])
        for name, path in mine_by.items()
    }
    assert rows(done, stage) == by[before]
    assert all(found != by[before] for name, found in by.items() if name != before)


def test_no_query_is_trained_on_and_evaluated(done):
    found = plan(read_recipe(done / "recipe.toml"))
    out = set(found.evaluated[0].queries.values())
    trained = {row["anchor"] for stage in found.stages for part in stage.plan.train.values() for row in part}
    trained |= {row["anchor"] for stage in STAGES[2:] for row in rows(done, stage)}
    assert len(out) == 10
    assert not out & trained
    assert out | {text for text in trained if not text.endswith("again")} == {f"the {word}" for word in ASKED}


def test_a_stage_that_would_train_on_a_held_out_query_is_refused(tmp_path):
    more = '\n[[stages.data]]\nname = "all"\nbeir = "task"\nsplit = "train"\n'
    path = written(tmp_path, ('name = "task"\ndata = ["task"]\n', f'name = "leak"\n{more}'))
    with pytest.raises(ArgumentError, match=r"\[\[data\]\] all: 10 texts of column 'anchor' are queries that are eval"):
        plan(read_recipe(path))


def test_a_file_with_a_held_out_query_is_refused_however_it_is_written(tmp_path):
    path = written(tmp_path)
    (tmp_path / "pairs.tsv").write_text(
        "left\tright\n" + "\n".join(f"The  {word.upper()}\tanything" for word in ASKED) + "\n"
    )
    with pytest.raises(ArgumentError, match=r"\[\[data\]\] pairs: 10 texts of column 'anchor'"):
        plan(read_recipe(path))


def test_training_on_what_another_evaluation_asks_is_refused(tmp_path):
    change = ('data = "task"\n', 'beir = "task"\nsplit = "train"\n')
    path = written(tmp_path, change, ("held_out_queries = 0.25\n", ""))
    with pytest.raises(ArgumentError, match=r"\[\[data\]\] task: 40 texts"):
        plan(read_recipe(path))


def test_mined_rows_that_hold_an_evaluated_query_stop_the_run(tmp_path, monkeypatch):
    found = plan(read_recipe(written(tmp_path)))
    asked = next(iter(found.evaluated[0].queries.values()))

    def leaking(*given):
        made, told = mined.mined_rows(*given)
        return {name: part.map(lambda row: {**row, "negative_1": asked}) for name, part in made.items()}, told

    monkeypatch.setattr(staged, "mined_rows", leaking)
    with pytest.raises(ArgumentError, match="30 texts of column 'negative_1' are queries that are evaluated"):
        run(found)


@pytest.mark.parametrize(("stage", "step"), [("2-task", 1), ("3-mined-1", 3), ("1-general", 1)])
def test_a_run_that_was_stopped_goes_on_at_its_stage_and_ends_the_same(done, tmp_path, monkeypatch, stage, step):
    path = written(tmp_path)
    stopped = run(plan(read_recipe(path)), shown=[Interrupt(stage, step)])
    assert stopped.stopped
    assert stopped.places["checkpoint"] == tmp_path / "out" / "stages" / stage / f"checkpoint-{step + 1}"
    trained, own = [], staged.trained

    def noted(found, *given, **more):
        trained.append(Path(found.arguments.output_dir).name)
        return own(found, *given, **more)

    monkeypatch.setattr(staged, "trained", noted)
    resumed = run(plan(read_recipe(path)), resume=True)
    assert not resumed.stopped
    assert trained == STAGES[STAGES.index(stage) :]
    for name in STAGES:
        assert losses(tmp_path, name) == losses(done, name)
    assert rows(tmp_path, "4-mined-2") == rows(done, "4-mined-2")
    assert np.array_equal(weights(tmp_path / "out" / "model"), weights(done / "out" / "model"))


def test_a_killed_mining_is_not_repeated_once_its_rows_are_written(tmp_path, monkeypatch):
    path = written(tmp_path)

    def killed(found, *given, **more):
        if "3-mined-1" in found.arguments.output_dir:
            raise KeyboardInterrupt
        return own(found, *given, **more)

    own = staged.trained
    monkeypatch.setattr(staged, "trained", killed)
    with pytest.raises(KeyboardInterrupt):
        run(plan(read_recipe(path)))
    monkeypatch.setattr(staged, "trained", own)
    calls = []
    again = mined.mine
    monkeypatch.setattr(mined, "mine", lambda *given, **more: calls.append(given) or again(*given, **more))
    run(plan(read_recipe(path)), resume=True)
    assert len(calls) == 1  # that of round 2


def test_an_earlier_run_in_stages_is_never_written_over(done):
    with pytest.raises(ArgumentError, match=r"out: of an earlier run. Go on from it with --resume"):
        run(plan(read_recipe(done / "recipe.toml")))


def test_a_run_that_never_began_is_not_resumed(tmp_path):
    with pytest.raises(ArgumentError, match="--resume: no stage has begun in .*out. Train without --resume"):
        run(plan(read_recipe(written(tmp_path))), resume=True)


def test_a_finished_run_is_reported_again_without_training(done, monkeypatch):
    before = (done / "out" / "report.md").read_text()
    monkeypatch.setattr(staged, "trained", None)
    run(plan(read_recipe(done / "recipe.toml")), resume=True)
    assert (done / "out" / "report.md").read_text() == before


def test_a_finished_stage_keeps_its_model_and_no_checkpoints(done):
    for name in STAGES:
        assert not list((done / "out" / "stages" / name).glob("checkpoint-*"))


def test_seeds_repeat_the_whole_and_the_report_has_mean_and_spread(tmp_path):
    path = written(tmp_path)
    path.write_text("seeds = [1, 2]\n" + path.read_text())
    outcome = run(plan(read_recipe(path)))
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["seeds"] == [1, 2]
    assert outcome.steps == 2 * 4 * 4
    for name in ("stages.png", "loss.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")
    found = report["lines"][2]["metrics"]["held-out_cosine_ndcg@10"]
    assert found["mean"] == pytest.approx(sum(found["values"]) / 2)
    assert found["standard_deviation"] == pytest.approx(abs(found["values"][0] - found["values"][1]) / 2**0.5)
    assert len(report["lines"][1]["metrics"]["held-out_cosine_ndcg@10"]["values"]) == 2
    one, two = ((tmp_path / "out" / f"seed-{seed}" / "model") for seed in (1, 2))
    assert not np.array_equal(weights(one), weights(two))


def test_bf16_full_eval_measures_in_bfloat16(tmp_path, monkeypatch):
    seen = []
    real = staged.measured
    monkeypatch.setattr(
        staged, "measured", lambda *given: seen.append(torch.is_autocast_enabled("cpu")) or real(*given)
    )
    path = written(tmp_path, ("[arguments]\n", "[arguments]\nbf16_full_eval = true\n"))
    run(plan(read_recipe(path)))
    assert seen == [True] * 5
    path.write_text(path.read_text().replace("bf16_full_eval = true\n", ""))
    with pytest.raises(ArgumentError, match="bf16_full_eval was True and is None now"):
        run(plan(read_recipe(path)), resume=True)


def test_seeds_alone_make_one_stage_of_a_recipe(tmp_path):
    text = written(tmp_path).read_text()
    head, _, rest = text.partition("[[stages]]")
    path = tmp_path / "recipe.toml"
    path.write_text("seeds = [4]\n" + head + rest[rest.index("[loss]") :])
    found = plan(read_recipe(path))
    assert [stage.name for stage in found.stages] == ["training"]
    run(found)
    assert (tmp_path / "out" / "seed-4" / "stages" / "1-training" / "stage.json").is_file()


@pytest.mark.slow
def test_the_exported_folder_is_scored_by_the_runtime(tmp_path):
    run(plan(read_recipe(written(tmp_path, more='\n[export]\nout = "exported"\n'))))
    text = (tmp_path / "out" / "report.md").read_text()
    assert "The last line is scored by airvec " in text
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["lines"][-1]["name"] == "exported, scored by airvec"
    values = [line["metrics"]["held-out_cosine_ndcg@10"]["mean"] for line in report["lines"]]
    assert values[-1] == pytest.approx(values[-2], abs=1e-6)
    assert "## Training in Stages" in (tmp_path / "exported" / "README.md").read_text()


@pytest.mark.slow
def test_a_stage_that_is_added_later_is_exported_too(tmp_path):
    more = '\n[export]\nout = "exported"\n'
    run(plan(read_recipe(written(tmp_path, ("rounds = 2", "rounds = 1"), more=more))))
    before = airvec.SentenceTransformer(str(tmp_path / "exported")).encode(["ask1 again"])
    run(plan(read_recipe(written(tmp_path, more=more))), resume=True)
    exported = airvec.SentenceTransformer(str(tmp_path / "exported")).encode(["ask1 again"])
    assert not np.allclose(exported, before, rtol=0, atol=1e-3)
    assert np.allclose(exported, weights(tmp_path / "out" / "model")[:1], rtol=0, atol=1e-6)


@pytest.mark.slow
def test_a_run_that_was_killed_while_it_exported_exports_when_it_is_resumed(tmp_path, monkeypatch):
    path = written(tmp_path, more='\n[export]\nout = "exported"\n')
    with monkeypatch.context() as killed:
        killed.setattr(SentenceTransformer, "export", half_exported)
        with pytest.raises(KeyboardInterrupt):
            run(plan(read_recipe(path)))
    assert not (tmp_path / "out" / "exported.json").exists()
    monkeypatch.setattr(staged, "trained", None)  # no stage is repeated
    outcome = run(plan(read_recipe(path)), resume=True)
    assert outcome.places["exported"] == tmp_path / "exported"
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    values = [line["metrics"]["held-out_cosine_ndcg@10"]["mean"] for line in report["lines"]]
    assert len(values) == 6
    assert values[-1] == pytest.approx(values[-2], abs=1e-6)
    exported = airvec.SentenceTransformer(str(tmp_path / "exported")).encode(["ask1 again"])
    assert np.allclose(exported, weights(tmp_path / "out" / "model")[:1], rtol=0, atol=1e-6)


def half_exported(model, path, **_):
    """As an export that was killed after it had begun to write."""
    Path(path).mkdir()
    (Path(path) / "modules.json").write_text("[]")
    raise KeyboardInterrupt
