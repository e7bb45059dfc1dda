"""Mirrors runtime/airvec/blas.py. Each test asks fresh processes, since NumPy is imported once."""

import os
import subprocess
import sys
from statistics import median

import pytest

from airvec.blas import VARIABLE

WAITS = f"import os\nprint(os.environ.get({VARIABLE!r}))"
# CPU seconds of all threads but the first, from NumPy's import until 0.1 s later.
IDLE_THREADS = """
import numpy, time
begin = time.perf_counter()
while time.perf_counter() < begin + 0.1:
    pass
print(time.process_time() - time.thread_time())
"""


def run(code: str, **told: str) -> str:
    """What a process prints that was told nothing of this but what is given."""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE} | {"AIRVEC_LOG": "off"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment | told, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("module", "power"), [("airvec", "26"), ("airvec.cli.main", "26"), ("airvec.serverless", "20")]
)
def test_each_way_into_airvec_says_how_long_unless_the_user_has(module, power):
    assert run(f"import {module}\n{WAITS}") == power
    assert run(f"import {module}\n{WAITS}", **{VARIABLE: "24"}) == "24"


def test_a_process_that_airvec_started_has_its_own():
    child = f"import airvec.serverless\n{WAITS}"
    code = f"import airvec, subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}], check=True)"
    assert run(code) == "20"


def test_it_is_said_before_numpy_is_imported_and_nothing_else_is():
    code = """
import os, sys
before = dict(os.environ)
import airvec
assert "numpy" not in sys.modules
airvec.SentenceTransformer
print(set(os.environ.items()) - set(before.items()))
"""
    assert run(code) == str({(VARIABLE, "26")})


@pytest.mark.slow  # these run with nothing beside them, so that a free CPU is there to wait on
@pytest.mark.parametrize("module", ["airvec", "airvec.serverless"])
def test_the_threads_of_numpy_wait_less(module):
    def idle(code: str) -> float:
        return median(float(run(code).splitlines()[-1]) for _ in range(5))

    alone = idle(IDLE_THREADS)
    if alone < 0.04:
        pytest.skip(f"they take {1000 * alone:.1f} ms in any case: one CPU, busy ones, or a NumPy without OpenBLAS")
    assert idle(f"import {module}\n{IDLE_THREADS}") < alone / 2
