"""Runs a piece of Python in a fresh interpreter where some packages are absent, and tells what it asked for.

Absent means what it means on a machine that never installed them: `import` and `find_spec` both find nothing.
Knows nothing of what the packages are.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HEAVY = ("torch", "transformers", "sentence_transformers", "scipy", "sklearn", "huggingface_hub", "onnx", "safetensors")

HARNESS = """
import json, sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            ASKED.append(name)
            return None
        return self.finder.find_spec(name, path, target)

ABSENT, ASKED = set(json.loads(sys.argv[1])), []
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
problem = None
try:
    exec(compile(sys.argv[2], "<probe>", "exec"), {"__name__": "probe"})
except BaseException as error:
    problem = [type(error).__name__, [kind.__name__ for kind in type(error).__mro__], str(error)]
print("\\n" + json.dumps({"problem": problem, "asked": sorted(set(ASKED)), "modules": sorted(sys.modules)}))
"""


@dataclass(frozen=True)
class Probe:
    """What happened: the error as (name, names of its classes, message) or None, and what was asked for or imported."""

    problem: tuple[str, list[str], str] | None
    asked: tuple[str, ...]
    modules: frozenset[str]

    def heavy(self) -> set[str]:
        """The heavy packages that were asked for or imported."""
        return {name.partition(".")[0] for name in (*self.asked, *self.modules)}.intersection(HEAVY)


def probe(code: str, absent: tuple[str, ...] = (), path: Path | None = None) -> Probe:
    """Run the code with the packages absent; `path` is a folder to import from as well."""
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    command = [sys.executable, "-c", HARNESS, json.dumps(absent), code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    problem = tuple(told["problem"]) if told["problem"] else None
    return Probe(problem, tuple(told["asked"]), frozenset(told["modules"]))
