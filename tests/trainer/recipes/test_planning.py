"""What a plan refuses before anything is loaded, and what it fills in: planning.py, defaults.py, models.py."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.recipes.reading import read_recipe
from airvec_trainer.recipes.running import plan, run

# What says when to log and to evaluate goes out of the recipe.
PLAIN = ("logging_steps = 1\n", ""), ('eval_strategy = "steps"\neval_steps = 3\n', "")
EVALUATION = "[[evaluation]]"
RECIPES = [  # static-en's is of another kind, distilled and not trained
    path
    for path in sorted((Path(__file__).parents[3] / "models").glob("*/*.toml"))
    if "[[data]]" in path.read_text(encoding="utf-8")
]


def test_held_out_rows_and_evaluators_are_used_without_being_asked_for(recipe, tmp_path):
    outcome = run(plan(read_recipe(recipe(*PLAIN))))
    assert {"eval_loss", "eval_dev_spearman_cosine"} <= set(outcome.metrics)
    lines = [json.loads(line) for line in (tmp_path / "out" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4, 5, 6]
    assert (tmp_path / "out" / "loss.png").exists()


def test_what_is_asked_for_stays(recipe):
    found = plan(
        read_recipe(recipe(("logging_steps = 1\n", "logging_steps = 4\n"), ("eval_steps = 3", "eval_steps = 2")))
    )
    assert (found.arguments.logging_steps, found.arguments.eval_strategy, found.arguments.eval_steps) == (4, "steps", 2)
    found = plan(read_recipe(recipe(PLAIN[0], ('eval_strategy = "steps"\neval_steps = 3\n', 'eval_strategy = "no"\n'))))
    assert found.arguments.eval_strategy == "no"


@pytest.mark.parametrize(("steps", "every"), [(6, 1), (100, 2), (5000, 100), (10**6, 500)])
def test_a_training_logs_about_fifty_times_at_least(recipe, steps, every):
    found = plan(read_recipe(recipe(*PLAIN, ("max_steps = 6", f"max_steps = {steps}"))))
    assert found.arguments.logging_steps == every


def test_without_evaluators_and_held_out_rows_nothing_is_evaluated(recipe):
    text = recipe(*PLAIN, ("held_out = 4", "")).read_text().partition(EVALUATION)[0]
    path = recipe()
    path.write_text(text)
    assert plan(read_recipe(path)).arguments.eval_strategy == "no"


def test_eval_steps_alone_mean_steps_and_the_best_model_is_saved_as_often_as_it_is_sought(recipe):
    found = plan(read_recipe(recipe(PLAIN[0], ('eval_strategy = "steps"\n', ""))))
    assert (found.arguments.eval_strategy, found.arguments.eval_steps) == ("steps", 3)
    best = ("save_steps = 3", "load_best_model_at_end = true")
    found = plan(read_recipe(recipe(*PLAIN, best)))
    assert (found.arguments.eval_strategy, found.arguments.save_strategy) == ("epoch", "epoch")


def test_a_summary_shows_a_loss_where_none_was_logged_in_between(recipe):
    outcome = run(
        plan(read_recipe(recipe(("logging_steps = 1\n", "logging_steps = 100\n"), ("steps = 6", "steps = 2"))))
    )
    assert outcome.metrics["train_loss"] > 0
    assert "train_loss" in str(outcome)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('evaluator = "Emb', 'evaluator = "Enb'), r"\[\[evaluation\]\] 0.evaluator: .* Did you mean 'Embedding"),
        (('kind = "dense"', 'kind = "dense"\nnum_labels = 2'), r"\[model\].num_labels: 2 for a dense model"),
        (('kind = "dense"', 'kind = "dense"\nlora = {rank = 2}'), r"\[model\].lora: unknown key 'rank'"),
        (('kind = "dense"', 'kind = "dense"\nmodules = [{type = "Pool"}]'), r"\[model\].modules\[0\].type: 'Pool'"),
        (
            ('kind = "dense"', 'kind = "dense"\nmodules = [{type = "Pooling", mode = "cls"}]'),
            r"\[model\].modules\[0\]: unknown key 'mode'",
        ),
        (
            ('name = "Mul', 'name = "MatryoshkaLoss"\nmatryoshka_dims = "32"\nloss.name = "Mul'),
            r"matryoshka_dims: '32'",
        ),
        (("held_out = 4", "held_out = 4\n[card]\nlicence = 'mit'"), r"\[card\]: unknown key 'licence'.*'license'\?"),
        (('output_dir = "out"', 'output_dir = "pairs.tsv"'), r"output_dir: .*pairs.tsv is a file, expected a folder"),
        (('output_dir = "out"', 'output_dir = "pairs.tsv/x"'), r"output_dir: .*pairs.tsv is a file, expected a folder"),
    ],
)
def test_what_would_stop_a_training_stops_its_plan(recipe, change, message):
    with pytest.raises(ArgumentError, match=message):
        plan(read_recipe(recipe(change)))


def test_a_model_folder_that_is_not_there_stops_the_plan(recipe, tmp_path, monkeypatch):
    path = recipe()
    monkeypatch.chdir(tmp_path)
    for base in (path, path.relative_to(tmp_path)):
        found = read_recipe(base, ["model.name=./nope"])
        assert found.model.name == str(tmp_path / "nope")  # not "nope", which would be looked for on the Hub
        with pytest.raises(ArgumentError, match=r"\[model\].name: .*nope: no such folder"):
            plan(found)


def test_a_model_of_the_hub_is_not_looked_for_by_a_plan(recipe):
    assert plan(read_recipe(recipe(), ["model.name=org/base"])).recipe.model.name == "org/base"


def test_there_are_whole_recipes():
    assert len(RECIPES) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_whole_recipe_can_be_planned(path):
    found = read_recipe(path, [f"arguments.output_dir={path.parent / 'unused'}"])
    if Path(found.model.name).is_absolute():  # made by a script beside it
        found = replace(found, model=replace(found.model, name="org/base"))
    rooms = [rows.file or rows.beir for rows in (*found.data, *found.evaluation)]
    files = [place for place in rooms if place and not Path(place).exists()]
    if files:
        pytest.skip(f"{files[0]} is not in this checkout")
    assert len(plan(found).evaluators) == len(found.evaluation)
