"""What docs/training.md trains: a tiny plain checkpoint under a usual name, and the files of its recipe.

Knows nothing of how they are trained.
"""

import re
from pathlib import Path

from tests.tiny.architectures import tiny_model
from tests.tiny.checkpoints import write_body

TRAINED = "./distilbert-base-uncased"
PAIRS = [("a red fox", "an animal"), ("rain falls", "it is wet"), ("a big ship", "a boat"), ("the sun", "a star")]


def training_files(folder: Path, text: str) -> None:
    """Write the checkpoint, and the recipe that a document shows with its data.

    Args:
        folder: where.
        text: of the document; its last block of TOML is the recipe.
    """
    model = tiny_model("distilbert", "fill-mask")
    write_body(folder / TRAINED, model, "distilbert", padding_side="right", limit=64)
    for recipe in re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        (folder / "recipe.toml").write_text(recipe, encoding="utf-8")
    rows = "".join(f"entailment\t{left} {number}\t{right}\n" for number in range(5) for left, right in PAIRS)
    (folder / "pairs.tsv").write_text(f"label\tsentence1\tsentence2\n{rows}", encoding="utf-8")
    scored = "".join(f"{number}\t{left}\t{right}\n" for number, (left, right) in enumerate(PAIRS))
    (folder / "dev.tsv").write_text(f"score\tsentence1\tsentence2\n{scored}", encoding="utf-8")
