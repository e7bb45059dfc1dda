"""Mirrors trainer/airvec_trainer/recipes/reading.py."""

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.recipes.reading import read_recipe
from tests.house.probe import probe

WHOLE = """
[model]
kind = "dense"
name = "org/base"
modules = [{type = "Pooling", pooling_mode = "mean"}]

[[data]]
name = "pairs"
file = "pairs.tsv"
columns = {anchor = "left", positive = "right"}
where = {label = ["entailment"]}
limit = 100
held_out = 0.1

[[data]]
name = "hub"
hub = "org/set"
[data.loss]
name = "CoSENTLoss"

[loss]
name = "MatryoshkaLoss"
matryoshka_dims = [64, 32]
[loss.loss]
name = "MultipleNegativesRankingLoss"

[arguments]
output_dir = "out"
max_steps = 5

[[evaluation]]
evaluator = "EmbeddingSimilarityEvaluator"
data = "pairs"
name = "dev"
batch_size = 8

[export]
out = "../exported"

[card]
license = "apache-2.0"
"""


@pytest.fixture
def recipe(tmp_path):
    def written(text=WHOLE):
        path = tmp_path / "recipe.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_a_whole_recipe_is_read(recipe, tmp_path):
    found = read_recipe(recipe())
    assert (found.model.kind, found.model.name) == ("dense", "org/base")
    assert [rows.name for rows in found.data] == ["pairs", "hub"]
    assert found.data[0].columns == {"anchor": "left", "positive": "right"}
    assert found.data[1].loss == {"name": "CoSENTLoss"}
    assert found.loss["loss"] == {"name": "MultipleNegativesRankingLoss"}
    assert found.arguments["max_steps"] == 5
    assert found.evaluation[0].settings == {"name": "dev", "batch_size": 8}
    assert found.card == {"license": "apache-2.0"}
    assert found.export.variants == ["fp32"]


def test_relative_paths_are_relative_to_the_recipe(recipe, tmp_path):
    (tmp_path / "org" / "base").mkdir(parents=True)
    found = read_recipe(recipe())
    assert found.data[0].file == str(tmp_path / "pairs.tsv")
    assert found.arguments["output_dir"] == str(tmp_path / "out")
    assert found.export.out == str(tmp_path / "../exported")
    assert found.model.name == str(tmp_path / "org" / "base")  # a folder beside it comes before the Hub


def test_a_name_on_the_hub_stays_as_it_is(recipe):
    assert read_recipe(recipe()).model.name == "org/base"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[loss]", "[los]"), r"recipe.toml: unknown key 'los'.*Did you mean 'loss'\?"),
        (('kind = "dense"', 'kind = "tense"'), r"\[model\].kind: 'tense', expected 'dense' or 'sparse' or 'rerank'"),
        (('kind = "dense"', 'sort = "dense"'), r"\[model\]: unknown key 'sort'"),
        (("limit = 100", "limit = 1.5"), r"\[\[data\]\] 0.limit: 1.5, expected a whole number"),
        (("limit = 100", "limits = 100"), r"\[\[data\]\] 0: unknown key 'limits'.* Did you mean 'limit'\?"),
        (('file = "pairs.tsv"', ""), r"\[\[data\]\] 0: file None, hub None and beir None, expected one"),
        (
            ('hub = "org/set"', 'hub = "a"\nfile = "b"'),
            r"\[\[data\]\] 1: file '.*b', hub 'a' and beir None, expected one",
        ),
        (('name = "hub"', 'name = "pairs"'), r"\[\[data\]\] 0: the name 'pairs' twice"),
        (("held_out = 0.1", "held_out = 1.5"), r"held_out: 1.5, expected a number of rows, or a share below 1"),
        (('output_dir = "out"', ""), r"\[arguments\]: no 'output_dir' among \['max_steps'\]"),
        (('output_dir = "out"', "output_dir = 3"), r"\[arguments\].output_dir: 3, expected a string"),
        (('data = "pairs"', ""), r"\[\[evaluation\]\] 0: .* expected one of file, hub, beir and data"),
        (('out = "../exported"', 'outs = "x"'), r"\[export\]: unknown key 'outs'.*Did you mean 'out'\?"),
        (("[arguments]", "[other]"), r"unknown key 'other'"),
        (("[model]", "[[model]]"), r"\[model\]: \[\{.*, expected a table"),
        (("max_steps = 5", "max_steps = "), r"recipe.toml: no TOML \(.*line"),
    ],
)
def test_a_wrong_recipe_is_refused_with_its_place(recipe, change, message):
    assert change[0] in WHOLE
    with pytest.raises(ArgumentError, match=message):
        read_recipe(recipe(WHOLE.replace(*change)))


def test_a_recipe_without_a_needed_section_is_refused(recipe):
    with pytest.raises(ArgumentError, match=r"no \[data\] among \['model'\]"):
        read_recipe(recipe('[model]\nkind = "dense"\nname = "x"\n'))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ArgumentError, match=r"gone.toml: cannot be read"):
        read_recipe(tmp_path / "gone.toml")


def test_values_are_set_from_outside(recipe, tmp_path):
    found = read_recipe(
        recipe(),
        ["arguments.max_steps=10", "data.0.limit=7", "data.hub.split=validation", "model.name=other/base",
         "arguments.bf16=true", "loss.loss.scale=10.0", "card.language=en"],
    )  # fmt: skip
    assert found.arguments == {"output_dir": str(tmp_path / "out"), "max_steps": 10, "bf16": True}
    assert (found.data[0].limit, found.data[1].split, found.model.name) == (7, "validation", "other/base")
    assert found.loss["loss"]["scale"] == 10.0
    assert found.card["language"] == "en"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("max_steps", "no KEY=VALUE"),
        ("arguments.max_steps.x=1", "'max_steps' is 5, expected a table"),
        ("data.none.limit=1", r"'none' is none of \['pairs', 'hub'\]"),
        ("data.5.limit=1", "'5' is none of"),
        ("data.0=1", "picks a whole table"),
        ("arguments.max_steps=[", None),
        ("data.0.limit=many", r"limit: 'many', expected a whole number"),
    ],
)
def test_a_wrong_setting_from_outside_is_refused(recipe, override, message):
    if message is None:  # no TOML is a string, and what reads the arguments refuses it
        assert read_recipe(recipe(), [override]).arguments["max_steps"] == "["
        return
    with pytest.raises(ArgumentError, match=message):
        read_recipe(recipe(), [override])


def test_reading_a_recipe_imports_neither_torch_nor_datasets():
    seen = probe("import airvec_trainer.recipes.reading")
    assert seen.problem is None
    assert not {"torch", "transformers", "datasets"} & seen.modules
