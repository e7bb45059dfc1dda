"""Mirrors reading_stages.py of trainer/airvec_trainer/recipes."""

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.recipes.reading import read_recipe
from airvec_trainer.recipes.running import plan
from tests.trainer.recipes.in_stages import written

MINED = 'name = "mined"\n'
NEGATIVES = "num_negatives = 2"


def test_stages_take_data_sets_by_name_or_of_their_own(tmp_path):
    found = read_recipe(written(tmp_path))
    assert [stage.name for stage in found.stages] == ["general", "task", "mined"]
    assert [[rows.name for rows in stage.data] for stage in found.stages] == [["pairs"], ["task"], ["task"]]
    assert [rows.name for rows in found.data] == ["task", "pairs"]
    assert found.stages[2].mining.settings == {"num_negatives": 2, "output_format": "n-tuple"}
    assert found.stages[0].data[0].file == str(tmp_path / "pairs.tsv")


def test_the_cache_of_a_mining_lies_beside_the_recipe(tmp_path):
    found = read_recipe(written(tmp_path, (NEGATIVES, 'cache_folder = "vectors"')))
    assert found.stages[2].mining.settings["cache_folder"] == str(tmp_path / "vectors")


def test_a_stage_is_set_from_the_command_line_by_its_name(tmp_path):
    path = written(tmp_path)
    found = read_recipe(path, ["stages.mined.rounds=3", "stages.general.data.pairs.limit=5", "seeds=[1, 2]"])
    assert found.stages[2].rounds == 3
    assert found.stages[0].data[0].limit == 5
    assert found.seeds == [1, 2]


def test_a_plan_explains_every_stage(tmp_path):
    shown = str(plan(read_recipe(written(tmp_path))))
    assert "stage 1    general\n" in shown
    assert "stage 4    mined, round 2\n  mines    hard negatives with the model so far (num_negatives=2, " in shown
    assert "data       task: 30 rows, 10 queries held out; columns anchor, positive" in shown
    assert "evaluates  InformationRetrievalEvaluator held-out, before the first stage and after every stage" in shown


def test_a_stage_has_its_own_arguments_over_the_recipes(tmp_path):
    found = plan(read_recipe(written(tmp_path)))
    rates = [stage.plan.arguments.learning_rate for stage in found.stages]
    assert rates == [0.5, 0.5, 0.2, 0.2]
    assert {stage.plan.arguments.max_steps for stage in found.stages} == {4}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((MINED, 'nam = "mined"\n'), r"\[\[stages\]\] 2: unknown key 'nam'. Did you mean 'name'\?"),
        ((MINED, MINED + "round = 2\n"), r"\[\[stages\]\] 2: unknown key 'round'. Did you mean 'rounds'\?"),
        ((MINED, 'name = "task"\n'), r"\[\[stages\]\] 1: the name 'task' twice"),
        ((MINED, 'name = "../x"\n'), r"\[\[stages\]\] 2.name: '../x', expected a plain word"),
        (("rounds = 2", "rounds = 0"), r"\[\[stages\]\] 2.rounds: 0"),
        (('name = "task"\ndata = ["task"]', 'name = "task"\ndata = ["tusk"]'), r"key 'tusk'. Did you mean 'task'\?"),
        (('name = "task"\ndata = ["task"]', 'name = "task"\ndata = []'), r"\[\[stages\]\] 1.data: \[\], expected"),
        (
            ('name = "task"\ndata = ["task"]', 'name = "task"\ndata = ["task"]\nrounds = 2'),
            r"rounds: 2 and mining None",
        ),
        (("held_out_queries = 0.25", "held_out_queries = 1.5"), r"held_out_queries: 1.5, expected a share below 1"),
        (
            ("held_out_queries = 0.25", "held_out_queries = 0.25\nheld_out_by = 'authors'"),
            r"'authors', expected one of q",
        ),
        (("held_out_queries = 0.25", "held_out = 0.25"), r"held_out 0.25 .* for the BEIR folder"),
        (('file = "pairs.tsv"', 'file = "pairs.tsv"\nheld_out_queries = 0.1'), r"held_out_queries: 0.1, expected"),
        (("learning_rate = 0.2", "seed = 2"), r"\[\[stages\]\] 2.arguments.seed: 2 for one stage"),
        (('name = "pairs"', 'name = "task"'), r"data set 'task' is another than that of this name elsewhere"),
    ],
)
def test_wrong_stages_are_refused_with_their_place(tmp_path, change, message):
    with pytest.raises(ArgumentError, match=message):
        read_recipe(written(tmp_path, change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((NEGATIVES, "num_negative = 2"), r"mining: unknown key 'num_negative'. Did you mean 'num_negatives'\?"),
        ((NEGATIVES, 'num_negatives = "2"'), r"mining.num_negatives: '2', expected a whole number"),
        ((NEGATIVES, "range_min = -1"), r"range_min"),
        (
            (NEGATIVES, 'cross_encoder = "bm25"'),
            r"mining.cross_encoder: 'bm25', which scores no pairs, expected a",
        ),
        (('name = "task"\nbeir', 'name = "a/b"\nbeir'), r"\[\[data\]\] 0.name: 'a/b', expected a plain word"),
        (('name = "pairs"', 'name = ".."'), r"\[\[stages\]\] 0.data 0.name: '..', expected a plain word"),
        ((NEGATIVES, 'model = "./nowhere"'), r"mining.model: '.*nowhere', expected a model's name or folder"),
        (("learning_rate = 0.2", "learning_rat = 0.2"), r"unknown key 'learning_rat'. Did you mean 'learning_rate'\?"),
        (
            ('name = "held-out"', 'name = "held-out"\nbatchsize = 2'),
            r"unknown key 'batchsize'. Did you mean 'batch_size'",
        ),
        (('kind = "dense"', 'kind = "rerank"'), r"mining.model: None for a reranker, which finds no documents"),
    ],
)
def test_what_would_stop_a_stage_stops_the_plan(tmp_path, change, message):
    with pytest.raises(ArgumentError, match=message):
        plan(read_recipe(written(tmp_path, change)))


def test_two_evaluations_of_one_name_are_refused(tmp_path):
    more = '\n[[evaluation]]\nevaluator = "InformationRetrievalEvaluator"\nname = "held-out"\ndata = "task"\n'
    with pytest.raises(ArgumentError, match=r"\[\[evaluation\]\]: the name 'held-out' 2 times"):
        plan(read_recipe(written(tmp_path, more=more)))


def test_seeds_are_different(tmp_path):
    path = written(tmp_path)
    path.write_text("seeds = [1, 1]\n" + path.read_text())
    with pytest.raises(ArgumentError, match=r"seeds: \[1, 1\], expected different ones"):
        read_recipe(path)
