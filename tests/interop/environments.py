"""One Python environment for each file of pinned packages, `.venv-interop-NAME` in the checkout; made when missing.

Knows nothing of what is done in them.
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = Path(__file__).parent / "environments"
STAMP = "ready"  # holds what the environment was made from


class PackagesError(RuntimeError):
    """pip could not fill an environment."""


def python_of(name: str) -> Path:
    """The interpreter of the environment of `environments/NAME.txt`.

    Raises:
        PackagesError: pip failed; the message ends with what it printed.
    """
    place = ROOT / f".venv-interop-{name}"
    requirements = REQUIREMENTS / f"{name}.txt"
    wanted = hashlib.sha256(sys.version.encode() + requirements.read_bytes()).hexdigest()
    (ROOT / ".cache").mkdir(exist_ok=True)
    with FileLock(ROOT / ".cache" / f"interop-{name}.lock"):  # xdist's workers would each make it
        stamp = place / STAMP
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
            _make(place, requirements)
            stamp.write_text(wanted, encoding="utf-8")
    return place / "bin" / "python"


def _make(place: Path, requirements: Path) -> None:
    venv.create(place, with_pip=True, clear=True)
    # With dependencies, which the file names all, but for those of torch's CUDA build where PyPI serves that.
    command = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, "--requirement", str(requirements)], capture_output=True, text=True, check=False)
    if done.returncode:
        said = f"{done.stdout.strip()}\n{done.stderr.strip()}"[-1500:]
        raise PackagesError(f"{requirements.name}: pip failed in {place.name}: {said}")
