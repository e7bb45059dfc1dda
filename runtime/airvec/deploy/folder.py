"""`airvec package folder`: a folder that runs wherever it is copied, with no network and nothing to install there.

    airvec  airvec.cmd  run.py     start airvec from the folder itself
    lib/                           airvec and its packages, pruned and compiled, for sys.path
    model/  reranker/  index/      where asked for
    wheelhouse/                    the whole wheels, for pip
    README.txt                     how to use it, and what takes how much
    airvec-package.json            what it is, and its files: what is ours to replace

Knows nothing of how packages are fetched and models packed.
"""

from dataclasses import dataclass
from pathlib import Path

from airvec.deploy.airvec_wheel import write_airvec_wheel
from airvec.deploy.contents import Contents, PackedContents, pack_contents
from airvec.deploy.folder_readme import folder_readme
from airvec.deploy.launchers import write_launchers
from airvec.deploy.place import new_package, write_marker
from airvec.deploy.target import Target
from airvec.deploy.tree import Staged, stage_packages
from airvec.deploy.trial import try_package


@dataclass(frozen=True)
class FolderPackage:
    """A folder that was written: its packages, the models and the index in it, and what trying it here showed."""

    path: Path
    staged: Staged
    contents: PackedContents
    trial: str


def package_folder(
    out: Path,
    target: Target,
    contents: Contents,
    *,
    constraint: Path | None = None,
    interpreter: Path | None = None,
    with_wheelhouse: bool = True,
) -> FolderPackage:
    """Write a folder package, whole or not at all; one that lies at `out` is replaced.

    Args:
        out: the folder to write.
        target: the machine that it is for.
        contents: the models and the index.
        constraint: a pip constraints file that fixes versions.
        interpreter: a Python of the target's version, which compiles; found if not given.
        with_wheelhouse: whether the whole wheels are kept, which about doubles the packages' size.

    Raises:
        ArgumentError: `out` holds something that no folder package wrote; or an option that cannot be.
        ProcessError: the packages do not run, or give other numbers than this process.
        AirvecError: as `pack_contents` and `stage_packages` raise it.
        OSError: the disk is full, or cannot be written to.
    """
    with new_package(out, "folder") as fresh:
        packed = pack_contents(contents, fresh, target.arch)
        wheelhouse = fresh / "wheelhouse" if with_wheelhouse else None
        if wheelhouse is not None:
            wheelhouse.mkdir()
        staged = stage_packages(
            target, fresh / "lib", with_onnxruntime=packed.needs_onnxruntime, without=(),
            constraint=constraint, interpreter=interpreter, wheelhouse=wheelhouse,
        )  # fmt: skip
        trial = try_package(staged, packed)
        if wheelhouse is not None:
            write_airvec_wheel(wheelhouse)
        write_launchers(fresh, target.python)
        (fresh / "README.txt").write_text(folder_readme(fresh, staged, packed), encoding="utf-8", newline="\n")
        write_marker(fresh, "folder", staged)
    return FolderPackage(out, staged, packed, trial)
