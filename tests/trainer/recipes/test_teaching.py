"""Mirrors trainer/airvec_trainer/recipes/teaching.py, and `[model] layers`: a teacher in a recipe."""

import pytest

from airvec.errors import ArgumentError
from airvec_trainer import SentenceTransformer
from airvec_trainer.recipes.layers import check_layers
from airvec_trainer.recipes.models import make_model
from airvec_trainer.recipes.reading import read_recipe
from airvec_trainer.recipes.running import plan, run
from airvec_trainer.recipes.sections import ModelSection, TeacherSection
from airvec_trainer.recipes.teaching import check_taught, taught
from tests.tiny.checkpoints import reranker_checkpoint
from tests.trainer.recipes.test_running import losses
from tests.trainer.static_models import static_model
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
    (tmp_path / "texts.txt").write_text(
        "one\n\n two \nthree\n" + "".join(f"line {number}\n" for number in range(15)), encoding="utf-8"
    )
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


@pytest.mark.parametrize("kind", ["margins", "scores"])
def test_a_dense_teacher_scores_nothing_which_the_plan_tells(kind, recipe, tiny):
    told = rf"\[teacher\]\.kind: '{kind}' of .*, which is a SentenceTransformer, expected a CrossEncoder"
    with pytest.raises(ArgumentError, match=told):
        plan(read_recipe(recipe(more=teacher(tiny, f"kind = '{kind}'"))))


def test_a_reranker_gives_no_vectors_which_the_plan_tells(recipe, tmp_path):
    model = reranker_checkpoint(tmp_path / "reranker")
    with pytest.raises(ArgumentError, match=r"'vectors' of .*, which is a CrossEncoder, .* kind 'margins' or 'scores'"):
        plan(read_recipe(recipe(MSE, more=teacher(model))))


@pytest.mark.parametrize(
    ("columns", "kind", "told"),
    [
        (
            '{anchor = "left", label = "score"}',
            "kind = 'vectors'",
            r"\[\[data\]\] data: columns = {…} takes anchor, label, expected no 'label': \[teacher\] gives the labels",
        ),
        (
            '{anchor = "left", positive = "right"}',
            "kind = 'margins'",
            r"\[\[data\]\] data: columns = {…} takes anchor, positive, expected 3 columns of texts or more for ",
        ),
        ('{anchor = "left"}', "kind = 'scores'", "expected 2 columns of texts or more"),
        (
            '{anchor = "left"}',
            "kind = 'vectors'\ncolumn = 'left'",
            r"\[teacher\].column: 'left', but in \[\[data\]\] data columns = {…} takes anchor",
        ),
    ],
)
def test_columns_that_a_teacher_cannot_label_are_told_in_the_recipe_s_words(
    columns, kind, told, recipe, tiny, tmp_path
):
    model = tiny if "vectors" in kind else reranker_checkpoint(tmp_path / "reranker")
    change = ('{anchor = "left", positive = "right"}', columns)
    with pytest.raises(ArgumentError, match=told):
        plan(read_recipe(recipe(MSE, change, more=teacher(model, kind))))


def test_columns_that_a_mining_adds_are_not_missed():
    section = TeacherSection(model="org/reranker", kind="margins")
    check_taught(section, {"data": pairs(4)}, mined=True)
    with pytest.raises(ArgumentError, match="expected 3 columns"):
        check_taught(section, {"data": pairs(4)})


@pytest.mark.parametrize(
    ("layers", "told"), [("[0, 9]", r"\[0, 9\], expected numbers from 0 to 1"), ("3", "3 layers of 2")]
)
def test_layers_that_are_not_there_are_told_by_the_plan(layers, told, recipe, tiny):
    path = recipe(('kind = "dense"', f'kind = "dense"\nlayers = {layers}'))
    with pytest.raises(ArgumentError, match=rf"^\[model\]\.layers, of {tiny}: {told}"):
        plan(read_recipe(path))


def test_layers_of_what_has_none_are_told_in_the_recipe_s_words(tmp_path):
    static_model().save_pretrained(str(tmp_path / "static"))
    section = ModelSection(kind="dense", name=str(tmp_path / "static"), layers=2)
    check_layers(section)  # a table has no config that would tell
    with pytest.raises(ArgumentError, match=r"\[model\]\.layers, of the model: .*StaticEmbedding reads the texts"):
        make_model(section, {})


def test_a_folder_that_is_not_there_is_refused_before_the_training(recipe):
    with pytest.raises(ArgumentError, match=r"\[teacher\]\.model: .*nowhere: no such folder"):
        plan(read_recipe(recipe(more=teacher("./nowhere"))))
