"""The machine that a package is made for: a Python version, a processor and a system, and what pip calls them.

Knows nothing of wheels, files or models.
"""

import platform as running_on
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from airvec.errors import ArgumentError

OLDEST_PYTHON = (3, 11)  # airvec's own requires-python
# Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, those on Amazon Linux 2023.
LAMBDA_PYTHONS = ("3.12", "3.13", "3.14")
PLATFORMS = ("linux-x86_64", "linux-arm64", "macos-arm64", "macos-x86_64", "windows-x86_64")
ARCHITECTURES = ("x86_64", "arm64")
# Amazon Linux 2023 has glibc 2.34: a wheel for a newer one would not load in Lambda.
NEWEST_GLIBC = 34
# The oldest macOS that NumPy's and ONNX Runtime's wheels of today run on; pip accepts those for older ones with it.
MACOS = "14_0"
# What uname, Docker and Windows call them.
_SAME_ARCHITECTURE = {"amd64": "x86_64", "x86-64": "x86_64", "aarch64": "arm64", "arm64-v8": "arm64"}
_PATCHED = re.compile(r"3\.\d{1,2}\.\w+")
_SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}


@dataclass(frozen=True)
class Target:
    """A CPython on a machine.

    Args:
        python: version, such as `"3.13"`; 3.11 or newer.
        arch: processor, `"x86_64"` or `"arm64"`.
        system: `"linux"` (glibc, not musl), `"macos"` or `"windows"`.

    Raises:
        ArgumentError: one of them is none that airvec's packages are made for.
    """

    python: str = "3.13"
    arch: str = "x86_64"
    system: str = "linux"

    def __post_init__(self) -> None:
        """Check the three."""
        if not re.fullmatch(r"3\.\d{1,2}", self.python) or self.version < OLDEST_PYTHON:
            raise ArgumentError(_no_python(self.python))
        if self.platform not in PLATFORMS:
            raise ArgumentError(_no_platform(self.platform, PLATFORMS))

    @property
    def version(self) -> tuple[int, int]:
        """The Python version as numbers: `(3, 13)`."""
        major, minor = self.python.split(".")
        return int(major), int(minor)

    @property
    def platform(self) -> str:
        """System and processor: `"linux-x86_64"`."""
        return f"{self.system}-{self.arch}"

    @property
    def abi(self) -> str:
        """pip's name of this Python's binary interface: `"cp313"`."""
        return f"cp{self.python.replace('.', '')}"

    @property
    def platform_tags(self) -> tuple[str, ...]:
        """pip's names of the platforms whose wheels run there, the one that runs on most machines first.

        Every glibc version is listed, since pip matches them literally: a wheel for 2.17 is not found with 2.28 alone.
        """
        if self.system == "macos":
            return (f"macosx_{MACOS}_{self.arch}",)
        if self.system == "windows":
            return ("win_amd64",)
        arch = "aarch64" if self.arch == "arm64" else self.arch
        newer = (f"manylinux_2_{glibc}_{arch}" for glibc in range(17, NEWEST_GLIBC + 1))
        return (f"manylinux2014_{arch}", *newer)


def target_for_lambda(python: str, arch: str) -> Target:
    """The target of an AWS Lambda function.

    >>> target_for_lambda("3.13", "aarch64").arch
    'arm64'

    Raises:
        ArgumentError: Lambda has no such Python or processor.
    """
    if _PATCHED.fullmatch(python):
        raise ArgumentError(_no_python(python))
    if python not in LAMBDA_PYTHONS:
        raise ArgumentError(
            f"--python {python}: AWS Lambda's Python runtimes that ONNX Runtime's wheels run on are "
            f"{', '.join(LAMBDA_PYTHONS)}. Choose one of them, the same as the function's runtime."
        )
    named = arch.strip().lower()
    named = _SAME_ARCHITECTURE.get(named, named)
    if named not in ARCHITECTURES:
        raise ArgumentError(f"--arch {arch}: AWS Lambda runs on {' and '.join(ARCHITECTURES)}. Choose one of them.")
    return Target(python, named, "linux")


def target_on(platform: str, python: str, among: Sequence[str] = PLATFORMS) -> Target:
    """The target that a platform's name says, such as `linux-arm64`, or Docker's `linux/arm64`.

    Raises:
        ArgumentError: no such platform among those, or no such Python.
    """
    system, _, arch = platform.strip().lower().replace("/", "-").partition("-")
    arch = _SAME_ARCHITECTURE.get(arch, arch)
    if f"{system}-{arch}" not in among:
        raise ArgumentError(_no_platform(platform, among))
    return Target(python, arch, system)


def targets_of_image(platforms: str, python: str) -> list[Target]:
    """The Linux targets that names with commas between them say: `linux/amd64, linux/arm64`.

    Raises:
        ArgumentError: one of them is none, or there twice; or no such Python.
    """
    among = tuple(f"linux-{arch}" for arch in ARCHITECTURES)
    targets = [target_on(name, python, among) for name in platforms.split(",")]
    twice = [target.platform for place, target in enumerate(targets) if target in targets[:place]]
    if twice:
        raise ArgumentError(
            f"--platform {platforms!r}: names {twice[0]} more than once, expected each platform once. Leave one out."
        )
    return targets


def _no_python(python: str) -> str:
    if _PATCHED.fullmatch(python):
        return (
            f"--python {python}: expected a version such as 3.13. Give it without the patch number: "
            f"{python.rpartition('.')[0]}"
        )
    return f"--python {python}: expected a version such as 3.13. Give 3.11 or newer: airvec needs it."


def _no_platform(platform: str, among: Sequence[str]) -> str:
    why = "images hold Linux" if len(among) < len(PLATFORMS) else "all packages have wheels for these"
    return f"--platform {platform!r}: expected one of {', '.join(among)}: {why}. Correct it."


def this_platform() -> str:
    """The platform that this process runs on, as `Target` names it; not every one is a target."""
    machine = running_on.machine().lower()
    return f"{_SYSTEMS.get(sys.platform, sys.platform)}-{_SAME_ARCHITECTURE.get(machine, machine)}"


def this_python() -> str:
    """The Python version of this process: `"3.13"`."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"
