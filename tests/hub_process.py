"""Runs airvec in processes of their own, against a hub on the loopback address.

The client reads HF_ENDPOINT when it is imported, so that one process cannot know two hubs.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hub_server import commit

TRY = """
import json, time, warnings
from airvec.errors import AirvecError
{before}
result = problem = None
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    try:
        {code}
    except AirvecError as error:
        problem = [type(error).__name__, str(error)]
print("\\n" + json.dumps([result, problem, [str(warning.message) for warning in told]]))
"""
ENCODE = "from airvec import SentenceTransformer; result = SentenceTransformer({}).encode('a b').tolist()"
FIND = """from airvec.hub import HubOptions, find_model
        result = str(find_model({}, "sentence-transformers", ("model.onnx",), HubOptions({})))"""
NO_WAITING = "time.sleep = lambda seconds: None  # the client waits a second before it resumes"
DROPPED = (
    "HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "AIRVEC_CACHE", "SENTENCE_TRANSFORMERS_HOME", "HTTP_PROXY",
    "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HF_HUB_DISABLE_PROGRESS_BARS",
)  # fmt: skip


@dataclass
class Outcome:
    """What a process found: the result or airvec's error (its name and message), and the warnings' messages."""

    result: Any
    problem: tuple[str, str] | None
    warnings: list[str]
    stderr: str

    @property
    def message(self) -> str:
        assert self.problem is not None, f"no error, but {self.result!r}"
        return self.problem[1]


@dataclass
class Client:
    """Runs code in a fresh process that knows the hub's address and has a cache of its own."""

    home: Path
    endpoint: str

    @property
    def cache(self) -> Path:
        return self.home / "hub"

    def snapshot(self, name: str = "org/words") -> Path:
        return self.cache / f"models--{name.replace('/', '--')}" / "snapshots" / commit(name)

    def leftovers(self) -> list[str]:
        return [file.name for file in self.cache.rglob("*.incomplete")]

    def blobs(self) -> set[bytes]:
        return {file.read_bytes() for file in self.cache.glob("models--*/blobs/*") if file.is_file()}

    def environment(self, **more: str) -> dict[str, str]:
        quiet = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        clean = {name: value for name, value in os.environ.items() if name not in DROPPED}
        return clean | {"HF_ENDPOINT": self.endpoint, "HF_HOME": str(self.home), "AIRVEC_THREADS": "1"} | quiet | more

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(command, env=self.environment(**more), capture_output=True, text=True, check=False)

    def start(self, code: str, **more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment(**more), stdout=pipe, stderr=pipe, text=True)

    def encode(self, arguments: str, **more: str) -> tuple[list[float] | None, tuple[str, str] | None]:
        """The embedding of "a b", and the name and message of airvec's error; one of them is None."""
        found = self.attempt(ENCODE.format(arguments), **more)
        assert found.warnings == []
        return found.result, found.problem

    def find(self, name: str = "org/words", options: str = "", before: str = NO_WAITING, **more: str) -> Outcome:
        """The folder that `find_model` gives."""
        return self.attempt(FIND.format(repr(name), options), before, **more)

    def attempt(self, code: str, before: str = "", **more: str) -> Outcome:
        done = self.run("-c", TRY.format(before=before, code=code), **more)
        assert done.returncode == 0, done.stderr
        result, problem, warnings = json.loads(done.stdout.splitlines()[-1])
        return Outcome(result, tuple(problem) if problem else None, warnings, done.stderr)
