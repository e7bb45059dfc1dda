"""What the house tests share."""

import sys
from collections.abc import Generator

import pytest


def _taken(name: str) -> bool:
    """Whether `airvec.drop_in` puts something of its own there."""
    return name == "airvec.drop_in" or name.partition(".")[0] == "sentence_transformers"


@pytest.fixture
def own_sentence_transformers() -> Generator[None]:
    """Inside, nobody has imported sentence_transformers yet; afterwards all is as it was, whatever was registered."""
    before = {name: module for name, module in sys.modules.items() if _taken(name)}
    for name in before:
        del sys.modules[name]
    yield
    for name in [name for name in sys.modules if _taken(name)]:
        del sys.modules[name]
    sys.modules.update(before)
