"""docs/losses.md says what the docstrings of the losses say, and has every one of them."""

import runpy

from airvec_trainer import losses
from airvec_trainer.losses import rerank
from tests.house.sources import ROOT

MAKER = runpy.run_path(str(ROOT / "docs" / "make_losses.py"), run_name="make_losses")


def test_the_page_is_as_new_as_the_docstrings():
    found = (ROOT / "docs" / "losses.md").read_text(encoding="utf-8")
    assert found == MAKER["page"](), "docs/losses.md is out of date: run python docs/make_losses.py"


def test_every_loss_has_a_row():
    rows = [line for line in MAKER["page"]().splitlines() if line.startswith("| `")]
    named = [name for module in (losses, rerank) for name in module.__all__ if name.endswith("Loss")]
    assert MAKER["left_out"]() == []
    assert [name for name in named if not any(row.startswith(f"| `{name}` |") for row in rows)] == []
    assert all(row.count("|") == 5 for row in rows)


def test_a_docstring_is_read_by_its_parts():
    def example():
        """What it does.

        More of it.

        Data: two texts
            and a score.
        Formula: a: b.

        Source: Somebody 2020, "A Title", https://example.org/paper; more.
        """

    parts = MAKER["parts_of"](example)
    assert (parts[""], parts["Data"]) == ("What it does.", "two texts and a score.")
    assert MAKER["source"](parts["Source"]) == '[Somebody 2020, "A Title"](https://example.org/paper)'
