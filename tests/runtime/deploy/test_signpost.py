"""Mirrors runtime/airvec/deploy/signpost.py."""

import subprocess
import sys

import pytest

from airvec.deploy.signpost import put_signpost

# As NumPy does: its packages are imported once they are named, and `*` names them all.
LAZY = """
__all__ = ["random"]
def __getattr__(name):
    if name == "random":
        import numpy.random as random
        return random
    raise AttributeError(name)
"""


@pytest.mark.parametrize(
    "code",
    [
        "import numpy; numpy.random.default_rng()", "import numpy.random", "import numpy.random.mtrand",
        "from numpy import random", "from numpy import *",
    ],
)  # fmt: skip
def test_whatever_names_the_package_fails_with_what_to_do_about_it(tmp_path, code):
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text(LAZY)
    put_signpost(tmp_path, "numpy.random")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"
    ran = subprocess.run([sys.executable, "-I", "-S", "-B", "-c", program], capture_output=True, text=True, check=False)
    assert ran.stderr.splitlines()[-1] == (
        "ImportError: numpy.random was left out of this layer, since airvec never loads it. For code that needs it, as "
        "`from numpy import *` does, run airvec package lambda with --whole-numpy."
    )


def test_code_that_can_do_without_finds_the_name_of_what_is_missing(tmp_path, monkeypatch):
    put_signpost(tmp_path, "pretended.fft")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError) as caught:
        __import__("pretended.fft")
    assert caught.value.name == "pretended.fft"
