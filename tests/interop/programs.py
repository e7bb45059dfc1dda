"""Runs the programs of `inside/` in the environments of other tools.

Knows nothing of what the programs do.
"""

import os
import subprocess
from pathlib import Path

from tests.interop.environments import ROOT, python_of

INSIDE = Path(__file__).parent / "inside"
# Only what the environment itself has, no network, and one thread: CI's cores are few.
SETTINGS = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONNOUSERSITE": "1", "TOKENIZERS_PARALLELISM": "false"}


class ProgramError(RuntimeError):
    """A program failed."""


def run(environment: str, program: str, *arguments: Path | str, path: str = "") -> str:
    """Run `inside/PROGRAM.py` in an environment; gives what it printed.

    Args:
        environment: a name of `environments/`.
        program: its file's stem.
        arguments: of its command line.
        path: folder of the checkout to import from as well.

    Raises:
        ProgramError: it failed; the message ends with what it said.
    """
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | SETTINGS
    if path:
        settings["PYTHONPATH"] = str(ROOT / path)
    command = [str(python_of(environment)), str(INSIDE / f"{program}.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=settings, check=False)
    if done.returncode:
        raise ProgramError(f"{program}.py in {environment}: exit code {done.returncode}: {done.stderr[-4000:]}")
    return done.stdout
