"""A tiny model, a few rows and a recipe that trains on them."""

from pathlib import Path

import pytest

from tests.tiny.checkpoints import tiny_checkpoint

ROWS = [
    "a red fox",
    "the old dog",
    "rain falls",
    "a blue house",
    "two small cats",
    "snow on hills",
    "the sun",
    "a ship",
]
RECIPE = """
[model]
kind = "dense"
name = "{model}"

[[data]]
file = "pairs.tsv"
columns = {{anchor = "left", positive = "right"}}
held_out = 4

[loss]
name = "MultipleNegativesRankingLoss"

[arguments]
output_dir = "out"
max_steps = 6
per_device_train_batch_size = 4
learning_rate = 1e-3
logging_steps = 1
eval_strategy = "steps"
eval_steps = 3
save_steps = 3
use_cpu = true
seed = 7

[[evaluation]]
evaluator = "EmbeddingSimilarityEvaluator"
name = "dev"
file = "dev.tsv"
columns = {{sentences1 = "left", sentences2 = "right", scores = "score"}}
divide = {{scores = 5}}
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("recipes") / "tiny")


@pytest.fixture
def recipe(tiny, tmp_path):
    """Write the recipe and its data; what is given replaces parts of it."""
    numbered = [f"{text} {word}".strip() for word in ("", "in the north", "at work today") for text in ROWS]
    for name, end in (("pairs", "again"), ("dev", "too"), ("scored", "at sea")):
        lines = [f"{text}\t{text} {end}\t{number % 6}" for number, text in enumerate(numbered)]
        (tmp_path / f"{name}.tsv").write_text("left\tright\tscore\n" + "\n".join(lines) + "\n")

    def written(*changes: tuple[str, str], more: str = "") -> Path:
        text = RECIPE.format(model=tiny)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "recipe.toml").write_text(text + more)
        return tmp_path / "recipe.toml"

    return written
