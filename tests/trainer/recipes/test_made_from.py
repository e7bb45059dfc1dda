"""--resume goes on with what the same recipe left, and with nothing of another: made_from.py and stage_origins.py."""

import shutil

import numpy as np
import pytest
from datasets import Dataset

from airvec.errors import ArgumentError
from airvec_trainer.recipes import mined
from airvec_trainer.recipes.made_from import MADE_FROM
from airvec_trainer.recipes.mined import mined_rows
from airvec_trainer.recipes.reading import read_recipe
from airvec_trainer.recipes.running import plan, run
from airvec_trainer.recipes.sections import MiningSection
from tests.trainer.recipes.in_stages import static_base, written
from tests.trainer.recipes.test_staged import Interrupt

PAIRS = {"anchor": ["apple pie", "cat"], "positive": ["recipe of apple pie", "a furry cat"]}
CORPUS = ["apple juice", "dog", "pear pie", "cat food", "house"]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that was stopped while the third stage trained on what it had mined."""
    folder = tmp_path_factory.mktemp("stopped")
    assert run(plan(read_recipe(written(folder))), shown=[Interrupt("3-mined-1", 1)]).stopped
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("learning_rate = 0.5", "learning_rate = 0.4"),
            "1-general: .* arguments.learning_rate was 0.5 and is 0.4 now",
        ),
        (("num_negatives = 2", "num_negatives = 3"), "3-mined-1: .* mining.num_negatives was 2 and is 3 now"),
        (("seed = 7", "seed = 8"), "1-general: .* arguments.seed was 7 and is 8 now"),
        (('[loss]\nname = "Multiple', '[loss]\nscale = 9.0\nname = "Multiple'), "loss.scale was None and is 9.0 now"),
        (
            (
                'data = ["task"]\nrounds',
                'data = ["task"]\nloss = {name = "MegaBatchMarginLoss"}\nrounds',
            ),
            "3-mined-1: .*loss.name was",
        ),
        (('file = "pairs.tsv"', 'file = "pairs.tsv"\nlimit = 30'), "1-general: .* data.pairs has other content now"),
        (
            ('name = "held-out"', 'name = "held-out"\nndcg_at_k = [5]'),
            r"out: of another recipe: \[\[evaluation\]\] 0.sett",
        ),
        (
            ("held_out_queries = 0.25", "held_out_queries = 0.3"),
            r"out: .*\[\[evaluation\]\] 0.rows has other",
        ),
    ],
)
def test_what_another_recipe_left_is_not_gone_on_with(stopped, tmp_path, change, message):
    shutil.copytree(stopped, tmp_path / "copy")
    path = written(tmp_path / "copy", change)
    with pytest.raises(ArgumentError, match=f"(?s){message}.*Set that back, or name another output_dir"):
        run(plan(read_recipe(path)), resume=True)


def test_another_model_at_the_same_place_is_not_gone_on_with(stopped, tmp_path):
    shutil.copytree(stopped, tmp_path / "copy")
    static_base(tmp_path / "new")
    (tmp_path / "copy" / "base" / "modules.json").write_bytes((tmp_path / "new" / "modules.json").read_bytes() + b"\n")
    with pytest.raises(ArgumentError, match="1-general: of another recipe: model.files has other content now"):
        run(plan(read_recipe(tmp_path / "copy" / "recipe.toml")), resume=True)


def test_a_stage_that_does_not_say_what_it_is_made_from_is_not_gone_on_with(stopped, tmp_path):
    shutil.copytree(stopped, tmp_path / "copy")
    (tmp_path / "copy" / "out" / "stages" / "2-task" / MADE_FROM).unlink()
    with pytest.raises(
        ArgumentError, match="2-task/made_from.json: not there, expected beside what an earlier run left"
    ):
        run(plan(read_recipe(tmp_path / "copy" / "recipe.toml")), resume=True)


def test_a_run_that_was_moved_and_logs_more_goes_on_and_later_stages_may_change(stopped, tmp_path):
    shutil.copytree(stopped, tmp_path / "copy")
    # A fourth training in place of the second round: nothing of it has begun.
    last = '[[stages]]\nname = "more"\ndata = ["task"]\n\n[loss]'
    path = written(tmp_path / "copy", ("save_steps = 2", "save_steps = 4"), ("rounds = 2\n", ""), ("[loss]", last))
    (tmp_path / "copy" / "out" / "stages" / "3-mined-1").rename(tmp_path / "copy" / "out" / "stages" / "3-mined")
    assert not run(plan(read_recipe(path)), resume=True).stopped
    assert (tmp_path / "copy" / "out" / "stages" / "4-more" / "stage.json").is_file()


def mine_again(folder, rows=PAIRS, corpus=CORPUS, seed=1, **settings):
    section = MiningSection(model="bm25", settings={"num_negatives": 1, **settings})
    return mined_rows(section, {"a": Dataset.from_dict(rows)}, {"a": corpus}, None, folder, seed)[0]["a"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_negatives": 2}, "mining.num_negatives was 1 and is 2 now"),
        ({"output_format": "n-tuple"}, "mining.output_format was None and is 'n-tuple' now"),
        ({"rows": {name: texts[:1] for name, texts in PAIRS.items()}}, "data.a has other"),
        ({"corpus": CORPUS[:3]}, "mining.corpora.a has other"),
        ({"seed": 2}, "seed was 1 and is 2 now"),
    ],
)
def test_mined_rows_of_other_rows_or_settings_are_not_taken(tmp_path, changed, message):
    mine_again(tmp_path)
    with pytest.raises(ArgumentError, match=f"of another recipe: {message}"):
        mine_again(tmp_path, **changed)


def test_mined_rows_of_the_same_are_read_again(tmp_path, monkeypatch):
    found = list(mine_again(tmp_path))
    monkeypatch.setattr(mined, "mine", None)
    assert list(mine_again(tmp_path, show_progress_bar=True)) == found


def test_a_cross_encoder_is_opened_once_for_all_data_sets(tmp_path, monkeypatch):
    opened = []

    class Scores:
        def predict(self, pairs, **_):
            return np.float32([len(first) - len(second) for first, second in pairs])

    monkeypatch.setattr(mined, "open_model", lambda name, kind: opened.append((name, kind)) or Scores())
    section = MiningSection(model="bm25", cross_encoder="some", settings={"num_negatives": 1, "max_score": 100.0})
    rows = {name: Dataset.from_dict(PAIRS) for name in "ab"}
    mined_rows(section, rows, {"a": CORPUS, "b": CORPUS}, None, tmp_path, 1)
    assert opened == [("some", "rerank")]
