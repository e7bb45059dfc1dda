"""Starts workers and asks them things.

Knows nothing of what is measured and of the libraries that workers load.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from airvec import blas

WORKER = Path(__file__).with_name("worker.py")
# No peer may wait for a network that it does not need.
OFFLINE = {
    "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "ORT_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}  # fmt: skip


class WorkerError(RuntimeError):
    """A worker answered with an error, or not at all."""


def environment_of(more: Mapping[str, str]) -> dict[str, str]:
    """The variables of a process to be measured: those of ours, offline, and more.

    Without what airvec, imported by the process that measures, has told NumPy there: a peer would not be told.
    """
    return {name: value for name, value in os.environ.items() if name != blas.VARIABLE} | OFFLINE | dict(more)


class Process:
    """A running worker: `python` is its interpreter, `import_path` holds folders to import from as well.

    `script` is what runs: it answers a JSON line with one. `environment` holds variables besides ours.
    """

    def __init__(
        self,
        python: Path,
        import_path: str = "",
        name: str = "worker",
        script: Path = WORKER,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop()
        # -P: the worker's own folder must not shadow what a library imports.
        self._child = subprocess.Popen(
            [str(python), "-P", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            encoding="utf-8",
            env=environment_of({"PYTHONPATH": import_path, **(environment or {})}),
        )

    def ask(self, do: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to one request: `do` is a method of the worker.

        Raises:
            WorkerError: the worker answered with an error, or died; the message ends with what it printed.
        """
        try:
            self._child.stdin.write(json.dumps({"do": do, **(arguments or {})}) + "\n")
            self._child.stdin.flush()
            line = self._child.stdout.readline()
        except BrokenPipeError:
            line = ""
        answer = json.loads(line) if line else {"error": f"the process ended with code {self._child.wait()}"}
        if "error" in answer:
            raise WorkerError(f"{self.name}: {do}: {answer['error']}\n{self._printed()}")
        return answer

    def stop(self) -> None:
        """End the worker and wait for it."""
        self._child.stdin.close()
        self._child.stdout.close()
        self._child.terminate()
        self._child.wait()
        self._stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _printed(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read().decode("utf-8", "replace")[-2000:]
