"""Debian's files for another machine, fetched and unpacked without installing anything: an arm64 Python, a newer QEMU.

Needs apt-get and dpkg-deb, and Debian's keyring; no root.
Knows nothing of what is done with them.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
RELEASE = "trixie"  # has Python 3.13
READY = "ready.txt"
# The loader's path in every arm64 program begins with /lib, which is a link in Debian, made by a package's script.
LIBRARIES = "lib"


class DebianError(RuntimeError):
    """Debian's packages could not be fetched here."""


def unpacked(packages: Sequence[str], architecture: str, folder: Path) -> Path:
    """A folder with the files of packages and of all that they need; made unless it is there.

    Raises:
        DebianError: this is no Debian, or the packages could not be fetched.
    """
    root, wanted = folder / "root", " ".join([RELEASE, architecture, *packages])
    ready = folder / READY
    if ready.is_file() and ready.read_text() == wanted:
        return root
    if not KEYRING.is_file():
        raise DebianError(f"{KEYRING}: not there, expected Debian's keys. Run this on Debian, with apt-get.")
    for part in ("etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial", "root"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()  # nothing is installed, so all that is needed comes along
    (folder / "etc" / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_mirror()} {RELEASE} main\n")
    apt = ["apt-get", "--quiet", *_options(folder, architecture)]
    _run([*apt, "update"])
    _run([*apt, "--yes", "--no-install-recommends", "--download-only", "install", *packages])
    for package in sorted((folder / "cache" / "archives").glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(package), str(root)])
    if not (root / LIBRARIES).exists():
        (root / LIBRARIES).symlink_to("usr/lib")
    ready.write_text(wanted)
    return root


def _mirror() -> str:
    """The address of Debian's packages that this machine's apt uses.

    Raises:
        DebianError: apt knows none; its lists have to be fetched first.
    """
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Component: main"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    if not found:
        raise DebianError(
            f"apt-get indextargets: {found}, expected a source of Debian's packages. Run apt-get update first."
        )
    return found[0]


def _options(folder: Path, architecture: str) -> list[str]:
    settings = {
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "Dir::Etc": folder / "etc",
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": os.environ.get("USER", "root"),
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DebianError(f"{' '.join(command[-4:])}: ended with {done.returncode}: {done.stderr.strip()[-600:]}")
