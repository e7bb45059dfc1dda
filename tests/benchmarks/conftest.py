"""The benchmarks are scripts: their folder is on the path of whoever runs them, so it is on ours."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))


@pytest.fixture
def own_python():
    """This interpreter, and what it imports from: for workers that need airvec and the reference."""
    root = Path(__file__).resolve().parents[2]
    return Path(sys.executable), os.pathsep.join([str(root / "runtime")])
