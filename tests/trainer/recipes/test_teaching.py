"""Mirrors trainer/airvec_trainer/recipes/teaching.py, and `[model] layers`: a teacher in a recipe."""

import pytest

from airvec.errors import ArgumentError
from airvec_trainer import SentenceTransformer
from airvec_trainer.recipes.reading import read_recipe
from airvec_trainer.recipes.running import plan, run
from airvec_trainer.recipes.sections import TeacherSection
from airvec_trainer.recipes.teaching import taught
from tests.tiny.checkpoints import reranker_checkpoint
from tests.trainer.recipes.test_running import losses
from tests.trainer.trainings import pairs

MSE = ('name = "MultipleNegativesRankingLoss"', 'name = "MSELoss"')


def teacher(model, more="kind = 'vectors'"):
    return f'\n[teacher]\nmodel = "{model}"\ncache = "cache"\n{more}\n'


def test_a_recipe_with_a_teacher_trains_fewer_layers_on_its_vectors(recipe, tiny, tmp_path):
    path = recipe(MSE, ('kind = "dense"', 'kind = "dense"\nlayers = 1'), more=teacher(tiny))
    found = plan(read_recipe(path))
    assert f"teacher    {tiny} (vectors)" in str(found)
    assert "(dense, 1 layers)" in str(found)
    outcome = run(found)
    assert losses(tmp_path)[6] < losses(tmp_path)[1]
    assert "eval_loss" in outcome.metrics  # held-out rows are labelled, too
    assert SentenceTransformer(str(outcome.places["model"])).config.num_hidden_layers == 1
    assert len(list((tmp_path / "cache").glob("vectors-*.npy"))) == 2


@pytest.mark.parametrize(("kind", "loss"), [("margins", "MarginMSELoss"), ("scores", "DistillKLDivLoss")])
def test_a_reranker_teaches_rows_with_negatives(kind, loss, recipe, tmp_path):
    reranker = reranker_checkpoint(tmp_path / "reranker")
    columns = ('positive = "right"}', 'good = "right", bad = "third"}')
    path = recipe(("MultipleNegativesRankingLoss", loss), columns, more=teacher(reranker, f'kind = "{kind}"'))
    lines = (tmp_path / "pairs.tsv").read_text().splitlines()
    made = [f"{line}\tother {number}" for number, line in enumerate(lines[1:])]
    (tmp_path / "pairs.tsv").write_text("\n".join([f"{lines[0]}\tthird", *made]) + "\n")
    assert run(plan(read_recipe(path))).steps == 6
    assert len(list((tmp_path / "cache").glob("scores-*.npy"))) == 2


def test_sentences_of_a_file_without_a_header_are_learned_in_both_languages(recipe, tiny, tmp_path):
    (tmp_path / "deu.tsv").write_text("".join(f"wort {n}\tword {n}\n" for n in range(24)), encoding="utf-8")
    rows = ('file = "pairs.tsv"\ncolumns = {anchor = "left", positive = "right"}',
            'file = "deu.tsv"\nheader = false\ncolumns = {source = "2", translation = "1"}')  # fmt: skip
    found = plan(read_recipe(recipe(MSE, rows, more=teacher(tiny, 'kind = "vectors"\ncolumn = "source"'))))
    assert found.train["data"][0] == {"source": "word 0", "translation": "wort 0"}
    assert run(found).steps == 6


def test_lines_of_a_text_file_are_texts(recipe, tiny, tmp_path):
    (tmp_path / "texts.txt").write_text("one\n\n two \nthree\n" + "".join(f"line {number}\n" for number in range(15)), encoding="utf-8")
    rows = ('file = "pairs.tsv"\ncolumns = {anchor = "left", positive = "right"}', 'file = "texts.txt"')
    found = plan(read_recipe(recipe(MSE, rows, more=teacher(tiny))))
    assert found.train["data"]["text"][:3] == ["one", "two", "three"]


def test_only_the_data_sets_that_are_named_are_labelled(tiny):
    section = TeacherSection(model=str(tiny), kind="vectors", data=["second"])
    found = taught(section, {"first": pairs(4), "second": pairs(4)})
    assert {name: rows.column_names for name, rows in found.items()} == {
        "first": ["anchor", "positive"],
        "second": ["anchor", "positive", "label"],
    }
    assert len(found["second"][0]["label"]) == 32
    assert taught(None, {"first": section}) == {"first": section}


def test_a_teacher_beside_the_recipe_is_found(recipe, tiny, tmp_path):
    (tmp_path / "large").symlink_to(tiny)
    found = read_recipe(recipe(more=teacher("large"))).teacher
    assert found.model == str(tmp_path / "large")
    assert found.cache == str(tmp_path / "cache")
    assert read_recipe(recipe(more=teacher("org/large"))).teacher.model == "org/large"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("kind = 'logits'", r"recipe.toml: \[teacher\].kind: 'logits', expected 'vectors' or 'scores' or 'margins'"),
        ("kind = 'vectors'\ndata = ['other']", r"\[teacher\].data: 'other', expected some of data"),
        ("kind = 'margins'\ncolumn = 'anchor'", r"\[teacher\].column: 'anchor' for margins"),
        ("kind = 'vectors'\ncolum = 'anchor'", r"unknown key 'colum'\. Did you mean 'column'"),
        ("cached = 1", "unknown key 'cached'"),
    ],
)
def test_what_a_teacher_cannot_be_is_refused_while_reading(recipe, more, told):
    with pytest.raises(ArgumentError, match=told):
        read_recipe(recipe(more=teacher("large", more)))


def test_a_folder_that_is_not_there_is_refused_before_the_training(recipe):
    with pytest.raises(ArgumentError, match=r"\[teacher\]\.model: .*nowhere: no such folder"):
        plan(read_recipe(recipe(more=teacher("./nowhere"))))
