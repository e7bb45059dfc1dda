"""Fixtures that many tests share, and the rule that no test leaves this machine."""

import hashlib
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import pytest
from filelock import FileLock

from tests import checkpoint as real

ROOT = Path(__file__).resolve().parents[1]
IN_CI = os.environ.get("CI", "").lower() == "true"
A_DAY = 24 * 60 * 60
EXPORT = "import sys; from airvec_exporter import export; export(sys.argv[1], sys.argv[2])"

# Started in the background, pytest ignores Ctrl-C, and so would every process that a test starts to interrupt it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def only_loopback():
    """A connection to anywhere but this machine is an error, in every test."""
    connect = socket.socket.connect

    def guarded(self, address):
        if isinstance(address, tuple) and not is_loopback(str(address[0])):
            raise AssertionError(f"a test connects to {address!r}; tests use the loopback address only")
        return connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


def is_loopback(host: str) -> bool:
    """Whether a host is this machine; any name but localhost counts as another one."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of benchmark and evaluation texts beside the checkout."""
    folder = Path(os.environ.get("AIRVEC_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(
            f"no folder {folder.name}/ beside the checkout; set AIRVEC_SHARED to one that holds bench/ and data/"
        )
    return folder


@pytest.fixture(scope="session")
def checkpoint() -> Path:
    """The folder of the torch checkpoint all-MiniLM-L6-v2."""
    real.CACHE.mkdir(exist_ok=True)
    try:
        with FileLock(real.CACHE / "checkpoint.lock"):  # xdist's workers would each download it
            return real.fetch()
    except real.CheckpointError as problem:
        if IN_CI:
            pytest.fail(str(problem))
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def minilm(checkpoint: Path) -> Path:
    """all-MiniLM-L6-v2 as our exporter writes it; made once for each state of the exporter and its libraries."""
    exported = real.CACHE / "exported"
    exported.mkdir(parents=True, exist_ok=True)
    folder = exported / f"all-MiniLM-L6-v2-{export_state()}"
    with FileLock(exported / "export.lock"):
        if not folder.is_dir():
            export_atomically(checkpoint, folder)
    return folder


def export_atomically(source: Path, folder: Path) -> None:
    """Export in a process of its own: torch's memory and warnings stay there, and half a folder is never seen."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export-") as scratch:
        out = Path(scratch) / "all-MiniLM-L6-v2"
        done = subprocess.run(
            [sys.executable, "-c", EXPORT, str(source), str(out)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.fail(f"exporting {source.name} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}", pytrace=False)
        for old in folder.parent.glob("all-MiniLM-L6-v2-*"):
            if time.time() - old.stat().st_mtime > A_DAY:  # a younger one may be in use by another run
                shutil.rmtree(old)
        out.rename(folder)


def export_state() -> str:
    """Twelve digits that change when the exporter, the manifest's format or a library under them changes."""
    digest = hashlib.sha256(real.SHA256.encode())
    for file in [*sorted((ROOT / "exporter").rglob("*.py")), ROOT / "runtime" / "airvec" / "manifest.py"]:
        digest.update(file.read_bytes())
    for package in ("torch", "transformers", "onnx", "onnxscript", "onnxruntime", "tokenizers"):
        digest.update(f"{package} {version(package)}".encode())
    return digest.hexdigest()[:12]
