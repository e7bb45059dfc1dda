"""Mirrors trainer/airvec_trainer/recipes/mined.py: what a stage's mining decides of its own accord."""

import pytest

from airvec_trainer.recipes.mined import mined_rows
from airvec_trainer.recipes.sections import MiningSection
from tests.trainer.mining.stand_in import pairs

ANSWERS = {"an ore of gold", "AN ORE OF GOLD", "an ore of silver"}


@pytest.mark.parametrize("given", [{}, {"join_same_texts": False}])
def test_no_negative_is_a_positive_in_another_spelling_unless_the_recipe_says_so(given, tmp_path):
    section = MiningSection(model="bm25", settings={"num_negatives": 2, **given})
    rows = {"ores": pairs(("which ore", "an ore of gold"), ("Which  ORE", "an ore of silver"))}
    corpora = {"ores": ["AN ORE OF GOLD", "an ore of tin and of lead", "there is no ore in it"]}
    found, _ = mined_rows(section, rows, corpora, None, tmp_path, 0)
    negatives = {row["negative"] for row in found["ores"]}
    assert bool(negatives & ANSWERS) == bool(given)
    assert negatives - ANSWERS or given
