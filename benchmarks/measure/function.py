"""A Lambda function in a process: an unzipped layer, run by awslambdaric as AWS runs it.

The environment is AWS's: the same variables, `/opt/python` before the client's folder on the path, no HOME, nobody's
site-packages.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
Knows nothing of how the process is confined: that is sandbox.py.
"""

import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from measure.runtime_api import RuntimeApi, Told, runtime_api

from airvec.deploy.bytecode import find_interpreter
from airvec.deploy.target import Target

CLIENT = "awslambdaric==4.2.2"
HANDLER = "airvec.serverless.handler"


class MissingPythonError(RuntimeError):
    """There is no interpreter of the function's version here."""


@dataclass(frozen=True)
class Place:
    """Where a function runs: its folders as the process sees them, its interpreter, and the words before it.

    `options` of the interpreter: -S -s where it has packages of its own, which a function must not see.
    """

    python: str
    opt: str
    task: str
    client: str
    version: str = "3.13"
    options: Sequence[str] = ("-S", "-s")
    before: Sequence[str] = ()

    def command(self, *words: str) -> list[str]:
        """The interpreter with these arguments, in its place."""
        return [*self.before, self.python, *self.options, *words]

    def inside(self, words: Sequence[str]) -> "Place":
        """The same place, with more words before every command, such as those of `sandbox.limits`."""
        return replace(self, before=[*words, *self.before])

    def environment(self, memory_mb: int, api: str = "") -> dict[str, str]:
        """All of the variables that the process gets."""
        return {
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{self.version}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": "airvec",
            "AWS_LAMBDA_RUNTIME_API": api,
            "AWS_REGION": "us-east-1",
            "LAMBDA_TASK_ROOT": self.task,
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
            "PYTHONPATH": f"{self.task}:{self.opt}/python:{self.client}",
            "TZ": ":UTC",
        }


@dataclass
class Function:
    """A running function: its process, its API, and when it was started (perf_counter)."""

    process: subprocess.Popen[bytes]
    api: RuntimeApi
    started: float
    log: list[bytes] = field(default_factory=list)

    def invoke(self, event: object, timeout: float = 60.0) -> Told:
        """The answer to one event."""
        return self.api.invoke(event, timeout)

    def ready(self, timeout: float = 60.0) -> float:
        """Wait until it asks for its first event; the seconds since its process was started."""
        return self.api.expect("next", timeout=timeout).at - self.started

    def cpu_s(self) -> float:
        """The CPU time that all its threads have used so far, seconds in steps of 0.01."""
        values = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime, fields 14 and 15

    def peak_mb(self) -> float:
        """The most memory that it held so far, MB (10^6 bytes)."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM"))

    def logged(self) -> str:
        """What it printed so far."""
        return b"".join(self.log).decode(errors="replace")


@contextmanager
def function(
    place: Place, *, memory_mb: int = 1769, handler: str = HANDLER, variables: Mapping[str, str] | None = None
) -> Generator[Function]:
    """Start a function; end its process with the block."""
    with runtime_api() as api:
        environment = {**place.environment(memory_mb, api.address), "_HANDLER": handler, **(variables or {})}
        command = place.command("-m", "awslambdaric", handler)
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        running = Function(process, api, started)
        watch = threading.Thread(target=_watch, args=(running,), daemon=True)
        watch.start()
        try:
            yield running
        finally:
            process.kill()
            process.wait()
            watch.join()


def _watch(running: Function) -> None:
    """Keep what the process prints; tell its end."""
    assert running.process.stdout is not None
    with running.process.stdout as lines:
        for line in lines:
            running.log.append(line)
    code = running.process.wait()
    text = f"code {code}; it printed: {running.logged()[-1500:]}"
    running.api.told.put(Told("ended", text.encode(), time.perf_counter()))


def unzip(archive: Path, folder: Path) -> Path:
    """Unpack a layer with the files' permissions, as Lambda does."""
    with zipfile.ZipFile(archive) as source:
        for entry in source.infolist():
            out = Path(source.extract(entry, folder))
            mode = entry.external_attr >> 16 & 0o777
            if mode:
                out.chmod(mode)
    return folder


def fetch_client(folder: Path, version: str = "3.13") -> Path:
    """AWS's runtime client for one Python on x86-64 Linux, by pip, into a new folder.

    Raises:
        subprocess.CalledProcessError: pip failed; it says why on standard error.
    """
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-compile"]
    target = ["--target", str(folder), "--python-version", version, "--only-binary=:all:"]
    platforms = ["--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_28_x86_64"]
    subprocess.run([*pip, *target, *platforms, CLIENT], check=True)
    return folder


def find_python(version: str = "3.13") -> str:
    """An interpreter of this version on this machine, by its real path.

    Raises:
        MissingPythonError: there is none.
    """
    found = find_interpreter(Target(version))
    if found is None:
        raise MissingPythonError(f"Python {version}: none is on this machine, expected one. Install it.")
    ask = [str(found), "-I", "-S", "-c", "import sys; print(sys.executable)"]  # pyenv's on the path are scripts
    return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
