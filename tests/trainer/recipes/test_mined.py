"""Mirrors trainer/airvec_trainer/recipes/mined.py: what a stage's mining decides of its own accord."""

import pytest

from airvec_trainer.recipes.mined import mined_rows
from airvec_trainer.recipes.sections import MiningSection
from tests.trainer.mining.stand_in import pairs

ANSWERS = {"a rock of gold", "A ROCK OF GOLD", "a rock of silver"}


@pytest.mark.parametrize("given", [{}, {"join_same_texts": False}])
def test_no_negative_is_a_positive_in_another_spelling_unless_the_recipe_says_so(given, tmp_path):
    section = MiningSection(model="bm25", settings={"num_negatives": 2, **given})
    rows = {"rocks": pairs(("which rock", "a rock of gold"), ("Which  ROCK", "a rock of silver"))}
    corpora = {"rocks": ["A ROCK OF GOLD", "a rock of tin and of lead", "there is no rock in it"]}
    found, _ = mined_rows(section, rows, corpora, None, tmp_path, 0)
    negatives = {row["negative"] for row in found["rocks"]}
    assert bool(negatives & ANSWERS) == bool(given)
    assert negatives - ANSWERS or given
