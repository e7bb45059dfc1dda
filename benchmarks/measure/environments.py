"""One Python environment for each library, with pinned packages; made when it is missing.

Knows nothing of what is done in them.
"""

import subprocess
import sys
import venv
from pathlib import Path

from measure.process import Process

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "benchmarks" / "environments"
RUNTIME = ROOT / "runtime"
READY = "installed.txt"


class PackagesError(RuntimeError):
    """An environment could not be made."""


def python_of(name: str, folder: Path) -> Path:
    """The interpreter of environment `name` below `folder`; the environment is made and filled unless it is there.

    Raises:
        PackagesError: pip failed; the message ends with what it printed.
    """
    place = folder / name
    python = place / "bin" / "python"
    requirements = REQUIREMENTS / f"{name}.txt"
    foreign = python.exists() and not (place / READY).exists()  # made by hand: checked by `installed`, not by us
    if foreign or (python.exists() and (place / READY).read_text() == requirements.read_text()):
        return python
    print(f"making {name}: minutes the first time", file=sys.stderr)
    venv.create(place, with_pip=True, clear=True)
    done = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PackagesError(
            f"{requirements.name}: pip failed: {done.stderr.strip()[-800:]}\n"
            "Check pip's index and the network, or pass --environments with environments that are there."
        )
    (place / READY).write_text(requirements.read_text())
    return python


def packages_of(name: str) -> list[str]:
    """The pinned packages of an environment, NAME==VERSION each."""
    lines = (REQUIREMENTS / f"{name}.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def installed_mb(name: str, folder: Path) -> float:
    """MB (10^6 bytes) of the pinned packages as they lie on disk, and of airvec in its own environment.

    Raises:
        PackagesError: a package is missing or of another version.
    """
    with Process(python_of(name, folder), name=name) as process:
        found = process.ask("installed", {"packages": packages_of(name)})
    if found["wrong"]:
        raise PackagesError(
            f"{folder / name}: {'; '.join(found['wrong'])}; expected the versions of environments/{name}.txt. "
            "Remove the environment, and it is made again."
        )
    return found["mb"] + (_size(RUNTIME / "airvec") if name == "airvec" else 0.0)


def _size(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
