"""Mirrors running.py, planning.py, models.py, evaluators.py and making.py of trainer/airvec_trainer/recipes."""

import json
import signal
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from transformers import TrainerCallback

import airvec
from airvec.errors import ArgumentError, MissingPackageError
from airvec_trainer import SentenceTransformer
from airvec_trainer.recipes import making
from airvec_trainer.recipes.planning import in_words, planned_steps
from airvec_trainer.recipes.reading import read_recipe
from airvec_trainer.recipes.running import plan, run

EXPORT = '\n[export]\nout = "exported"\n'
SEVERAL = """
[[data]]
name = "scored"
file = "scored.tsv"
columns = ["left", "right", "score"]
divide = {score = 5}

[data.loss]
name = "CoSENTLoss"
"""


class Interrupt(TrainerCallback):
    """Presses Ctrl-C in a step."""

    def __init__(self, step):
        self.step = step

    def on_step_begin(self, args, state, control, **_):
        if state.global_step == self.step:
            signal.getsignal(signal.SIGINT)(signal.SIGINT, None)  # see test_callbacks.deliver


def losses(folder):
    lines = (folder / "out" / "metrics.jsonl").read_text().splitlines()
    return {entry["step"]: entry["loss"] for entry in map(json.loads, lines) if "loss" in entry}


def test_a_recipe_trains_saves_logs_and_draws(recipe, tmp_path):
    outcome = run(plan(read_recipe(recipe())))
    assert (outcome.stopped, outcome.steps) == (False, 6)
    assert set(outcome.metrics) == {"loss", "eval_loss", "eval_dev_pearson_cosine", "eval_dev_spearman_cosine"}
    assert sorted(losses(tmp_path)) == [1, 2, 3, 4, 5, 6]
    assert losses(tmp_path)[6] < losses(tmp_path)[1]
    assert (tmp_path / "out" / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert outcome.places["model"] == tmp_path / "out" / "model"
    assert SentenceTransformer(str(outcome.places["model"])).encode("a red fox").shape == (32,)
    for place in outcome.places.values():
        assert str(place) in str(outcome)


@pytest.mark.slow
def test_a_recipe_with_export_ends_in_a_folder_of_the_runtime(recipe, tmp_path):
    outcome = run(plan(read_recipe(recipe(more=EXPORT))))
    texts = ["a red fox", "snow on the hills"]
    exported = airvec.SentenceTransformer(str(tmp_path / "exported")).encode(texts)
    trained = SentenceTransformer(str(tmp_path / "out" / "model")).encode(texts)
    assert outcome.places["exported"] == tmp_path / "exported"
    assert np.abs(exported - trained).max() < 1e-5


@pytest.mark.slow
def test_ctrl_c_saves_a_checkpoint_and_a_resumed_training_has_the_same_losses(recipe, tmp_path):
    path = recipe()
    run(plan(read_recipe(path)))
    whole = losses(tmp_path)
    path = recipe(('output_dir = "out"', 'output_dir = "other/out"'))
    stopped = run(plan(read_recipe(path)), shown=[Interrupt(3)])
    assert (stopped.stopped, stopped.steps) == (True, 4)
    assert stopped.places["checkpoint"] == tmp_path / "other" / "out" / "checkpoint-4"
    assert "model" not in stopped.places
    assert "stopped after 4 steps" in str(stopped)
    resumed = run(plan(read_recipe(path)), resume=True)
    assert (resumed.stopped, resumed.steps) == (False, 6)
    assert losses(tmp_path / "other") == whole


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("learning_rate = 1e-3", "learning_rate = 2e-3"), "arguments.learning_rate was 0.001 and is 0.002 now"),
        (("held_out = 4", "held_out = 5"), "data.data has other content now"),
    ],
)
def test_another_recipe_does_not_go_on_with_a_checkpoint(recipe, change, message):
    run(plan(read_recipe(recipe())), shown=[Interrupt(3)])
    with pytest.raises(ArgumentError, match=f"of another recipe: {message}"):
        run(plan(read_recipe(recipe(change))), resume=True)
    longer = recipe(
        ("max_steps = 6", "max_steps = 7\nper_device_eval_batch_size = 2"), ("eval_steps = 3", "eval_steps = 2")
    )
    assert run(plan(read_recipe(longer)), resume=True).steps == 7


def test_ctrl_c_does_not_wait_for_an_evaluation(recipe):
    path = recipe(('eval_strategy = "steps"\neval_steps = 3', 'eval_strategy = "epoch"'))
    stopped = run(plan(read_recipe(path)), shown=[Interrupt(1)])
    assert (stopped.stopped, stopped.steps) == (True, 2)
    assert "eval_loss" not in stopped.metrics


def test_without_a_checkpoint_there_is_nothing_to_resume(recipe):
    with pytest.raises(ArgumentError, match=r"--resume: no checkpoint in .*out"):
        run(plan(read_recipe(recipe())), resume=True)


def test_an_earlier_run_is_never_written_over(recipe, tmp_path):
    (tmp_path / "out" / "checkpoint-3").mkdir(parents=True)
    with pytest.raises(ArgumentError, match=r"checkpoint-3: of an earlier run. Go on from it with --resume"):
        run(plan(read_recipe(recipe())))


def test_several_data_sets_have_losses_of_their_own(recipe, tmp_path):
    found = plan(read_recipe(recipe(("held_out = 4", "held_out = 4\n" + SEVERAL), ("max_steps = 6", "max_steps = 2"))))
    assert {name: type(loss).__name__ for name, loss in found.losses.items()} == {
        "data": "MultipleNegativesRankingLoss",
        "scored": "CoSENTLoss",
    }
    assert run(found).steps == 2


def test_a_data_set_without_a_loss_gets_the_default_beside_one_with_its_own(recipe, tmp_path):
    columns = 'columns = {anchor = "left", positive = "right"}'
    with_label = 'columns = ["left", "right", "score"]\ndivide = {score = 5}'
    own = '[loss]\nname = "MultipleNegativesRankingLoss"\n'
    other = SEVERAL.replace("CoSENTLoss", "CosineSimilarityLoss")
    changes = (own, ""), (columns, with_label), ("held_out = 4", "held_out = 4\n" + other), ("steps = 6", "steps = 2")
    found = plan(read_recipe(recipe(*changes)))
    assert found.losses["data"] is None
    outcome = run(found)
    assert outcome.steps == 2
    card = (tmp_path / "out" / "model" / "README.md").read_text(encoding="utf-8")
    assert "loss:CoSENTLoss" in card
    assert "loss:CosineSimilarityLoss" in card


@pytest.mark.parametrize(
    ("export", "message"),
    [
        ('out = "there"', r"\[export\]: .*there: is there already .*or set export.overwrite = true"),
        ('out = "out"', r"\[export\]: .*out: holds the checkpoint 'model'"),
        ('out = "out/model"', r"\[export\]: .*model: holds the checkpoint 'model'"),
        ('out = "exported"\nvariants = ["fp31"]', r"\[export\]: variants: 'fp31', expected any of fp32"),
    ],
)
def test_an_export_that_would_fail_is_refused_before_training(recipe, tmp_path, export, message):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "notes.txt").write_text("mine")
    with pytest.raises(ArgumentError, match=message):
        plan(read_recipe(recipe(more=f"\n[export]\n{export}\n")))


def test_what_an_export_needs_is_asked_for_before_training(recipe, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingPackageError, match=r"onnxscript.*airvec\[export\]"):
        plan(read_recipe(recipe(more=EXPORT)))


def test_a_model_of_an_earlier_run_is_never_written_over(recipe, tmp_path):
    (tmp_path / "out" / "model").mkdir(parents=True)
    (tmp_path / "out" / "model" / "notes.txt").write_text("mine")
    with pytest.raises(ArgumentError, match=r"model: of an earlier run, expected no model yet. Name another output"):
        run(plan(read_recipe(recipe())))
    assert (tmp_path / "out" / "model" / "notes.txt").read_text() == "mine"


def test_a_guide_is_loaded_when_training_begins_and_not_to_plan(recipe, tiny, monkeypatch):
    own = 'name = "MultipleNegativesRankingLoss"'
    path = recipe((own, f'name = "GISTEmbedLoss"\nguide = "{tiny}"'), ("max_steps = 6", "max_steps = 1"))
    loaded = []
    make = making.model_class
    monkeypatch.setattr(making, "model_class", lambda kind: lambda name: loaded.append(name) or make(kind)(name))
    found = plan(read_recipe(path))
    assert str(tiny) in str(found)
    assert loaded == []
    assert run(found).steps == 1
    assert loaded == [str(tiny)]
    with pytest.raises(ArgumentError, match="guide: 'x' was asked for 2 texts before it was loaded"):
        making.NamedGuide("x").encode(["a", "b"])


def test_an_evaluator_may_take_held_out_rows(recipe):
    tail = 'columns = {sentences1 = "left"'
    change = (f'file = "dev.tsv"\n{tail}', 'data = "data"\ncolumns = {sentences1 = "anchor"')
    columns = ('columns = {anchor = "left", positive = "right"}', "")
    with pytest.raises(ArgumentError, match=r"the held-out rows: no column 'anchor', expected one of left, right, sc"):
        run(plan(read_recipe(recipe(change, columns))))
    with pytest.raises(ArgumentError, match=r"\[\[evaluation\]\] 0.data: 'data', expected .* with held_out, of \[\]"):
        run(plan(read_recipe(recipe(change, ("held_out = 4", "")))))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("max_steps", "max_step"), r"\[arguments\]: unknown key 'max_step'.*Did you mean 'max_steps'\?"),
        (("max_steps = 6", 'max_steps = "6"'), r"\[arguments\].max_steps: '6', expected a whole number"),
        (('eval_strategy = "steps"', 'eval_strategy = "often"'), r"\[arguments\]: .* cannot be used: .*often"),
        (('name = "MultipleNeg', 'name = "MultipleMeg'), r"\[loss\].name: .* Did you mean 'MultipleNegativesRankingL"),
        (('RankingLoss"', 'RankingLoss"\nscal = 2'), r"\[loss\]: unknown key 'scal'.*Did you mean 'scale'\?"),
        (('RankingLoss"', 'RankingLoss"\nscale = "2"'), r"\[loss\].scale: '2', expected a number"),
        (
            ('RankingLoss"', 'RankingLoss"\nsimilarity_fct = "cosine"'),
            r"similarity_fct: 'cosine', expected one of cos_",
        ),
        (('RankingLoss"', 'RankingLoss"\npartition_mode = "x"'), "partition_mode"),
        (("pairs.tsv", "gone.tsv"), r"gone.tsv: no such file"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_model_is_loaded(recipe, change, message):
    with pytest.raises(ArgumentError, match=message):
        plan(read_recipe(recipe(change)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('evaluator = "Emb', 'evaluator = "Enb'), r"\[\[evaluation\]\] 0.evaluator: .* Did you mean 'Embedding"),
        (('name = "dev"', 'name = "dev"\nbatch = 3'), r"\[\[evaluation\]\] 0: unknown key 'batch'.*'batch_size'\?"),
        ((', scores = "score"}\ndivide = {scores = 5}', "}"), r"\[\[evaluation\]\] 0: no 'scores' among"),
        (('kind = "dense"', 'kind = "dense"\nnum_labels = 2'), r"\[model\].num_labels: 2 for a dense model"),
        (('kind = "dense"', 'kind = "dense"\nlora = {rank = 2}'), r"\[model\].lora: unknown key 'rank', expected one"),
        (('kind = "dense"', 'kind = "dense"\nmodules = [{type = "Pool"}]'), r"\[model\].modules\[0\].type: 'Pool'"),
    ],
)
def test_a_wrong_model_or_evaluation_is_refused_before_training(recipe, tmp_path, change, message):
    with pytest.raises(ArgumentError, match=message):
        run(plan(read_recipe(recipe(change))))
    assert not (tmp_path / "out" / "metrics.jsonl").exists()


def test_a_wrong_card_is_refused(recipe):
    with pytest.raises(ArgumentError, match=r"\[card\]: unknown key 'licence'.*Did you mean 'license'\?"):
        run(plan(read_recipe(recipe(more='\n[card]\nlicence = "mit"\n'))))


@pytest.mark.parametrize(
    ("rows", "changes", "steps"),
    [
        ({"a": 33}, {}, 9), ({"a": 33}, {"dataloader_drop_last": True}, 8), ({"a": 33}, {"num_train_epochs": 2.0}, 18),
        ({"a": 33}, {"gradient_accumulation_steps": 2}, 5), ({"a": 33}, {"max_steps": 3}, 3),
        ({"a": 33, "b": 5}, {}, 11), ({"a": 33, "b": 5}, {"multi_dataset_batch_sampler": "round_robin"}, 4),
    ],
)  # fmt: skip
def test_steps_are_counted_before_training(rows, changes, steps):
    default = {
        "max_steps": -1, "train_batch_size": 4, "dataloader_drop_last": False, "gradient_accumulation_steps": 1,
        "num_train_epochs": 1.0, "multi_dataset_batch_sampler": "proportional",
    }  # fmt: skip
    assert planned_steps(rows, SimpleNamespace(**{**default, **changes})) == steps


def test_a_plan_says_what_would_be_done(recipe, tmp_path):
    shown = str(plan(read_recipe(recipe(more=EXPORT))))
    assert "data: 20 rows, 4 held out; columns anchor, positive" in shown
    assert "loss       MultipleNegativesRankingLoss()" in shown
    assert "steps      6, 4 rows a batch, seed 7" in shown
    assert f"writes     {tmp_path / 'out'}" in shown
    assert f"exports    {tmp_path / 'exported'} (fp32)" in shown


def test_a_loss_is_told_with_what_is_not_as_by_default():
    from airvec_trainer.losses import MatryoshkaLoss, MultipleNegativesRankingLoss

    loss = MatryoshkaLoss(loss=MultipleNegativesRankingLoss(scale=5), matryoshka_dims=[8, 4])
    told = in_words(loss)
    assert "loss=MultipleNegativesRankingLoss(scale=5)" in told
    assert "(8, 4)" in told
    assert in_words(None) == "the default of this kind"
