"""`airvec package dockerfile`: a folder from which `docker build` makes an image, with nothing left to fetch in it.

    Dockerfile  .dockerignore      a server of airvec's JSON interface (airvec.http_server)
    Dockerfile.lambda              the same packages as a Lambda function's image
    amd64/  arm64/                 lib/, model/, reranker/, index/ for each processor, as Docker calls it
    README.txt                     how to build, run and ask
    airvec-package.json            what it is, and its files: what is ours to replace

No instruction runs anything, so images for another processor are built without emulation.
Knows nothing of how packages are fetched and models packed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from airvec.deploy.contents import INDEX, MODEL, RERANKER_FOLDER, Contents, PackedContents, pack_contents
from airvec.deploy.image_texts import image_texts
from airvec.deploy.place import new_package, write_marker
from airvec.deploy.target import ARCHITECTURES, Target
from airvec.deploy.tree import DEFAULT_MODEL, Staged, stage_packages
from airvec.deploy.trial import try_package
from airvec.errors import ArgumentError
from airvec.folder import DENSE

# Our architectures → Docker's names of them.
DOCKER_NAMES = {"x86_64": "amd64", "arm64": "arm64"}


@dataclass(frozen=True)
class ImageFolder:
    """A folder to build an image from: the packages and the contents, and what trying them showed, a target each."""

    path: Path
    staged: tuple[Staged, ...]
    contents: tuple[PackedContents, ...]
    trials: tuple[str, ...]


def package_dockerfile(
    out: Path,
    targets: Sequence[Target],
    contents: Contents,
    *,
    constraint: Path | None = None,
    interpreter: Path | None = None,
) -> ImageFolder:
    """Write a Dockerfile and all that it copies, whole or not at all; such a folder that lies at `out` is replaced.

    Args:
        out: the folder to write.
        targets: Linux targets of one Python version, one for each processor that images are built for.
        contents: the models and the index.
        constraint: a pip constraints file that fixes versions.
        interpreter: a Python of the targets' version, which compiles; found if not given.

    Raises:
        ArgumentError: `out` holds something that no such package wrote, or the targets cannot be those of one image.
        ProcessError: the packages do not run, or give other numbers than this process.
        AirvecError: as `pack_contents` and `stage_packages` raise it.
        OSError: the disk is full, or cannot be written to.
    """
    _check_targets(targets)
    staged: list[Staged] = []
    packed: list[PackedContents] = []
    trials: list[str] = []
    with new_package(out, "dockerfile") as fresh:
        for target in targets:
            part = fresh / DOCKER_NAMES[target.arch]
            part.mkdir()
            packed.append(pack_contents(contents, part, target.arch))
            staged.append(
                stage_packages(
                    target, part / "lib", with_onnxruntime=packed[-1].needs_onnxruntime,
                    without=() if contents.model is None else (DEFAULT_MODEL,), constraint=constraint,
                    interpreter=interpreter,
                )
            )  # fmt: skip
            trials.append(try_package(staged[-1], packed[-1]))
        _write_texts(fresh, targets, packed[0])
        write_marker(fresh, "dockerfile", *staged)
    return ImageFolder(out, tuple(staged), tuple(packed), tuple(trials))


def _check_targets(targets: Sequence[Target]) -> None:
    platforms = [target.platform for target in targets]
    allowed = [f"linux-{arch}" for arch in ARCHITECTURES]
    if not platforms or set(platforms) - set(allowed) or len(set(platforms)) < len(platforms):
        raise ArgumentError(
            f"--platform {','.join(platforms) or 'nothing'}: expected {' or '.join(allowed)}, or both with a comma: "
            "images hold Linux. Correct it."
        )
    if len({target.python for target in targets}) > 1:
        raise ArgumentError(f"targets: Pythons {[target.python for target in targets]}, expected one. Give one.")


def _write_texts(folder: Path, targets: Sequence[Target], packed: PackedContents) -> None:
    names = [DOCKER_NAMES[target.arch] for target in targets]
    there = ((MODEL, packed.model), (RERANKER_FOLDER, packed.reranker), (INDEX, packed.index))
    folders = [name for name, one in there if one is not None]
    kind = packed.model.kind if packed.model is not None else DENSE
    for name, text in image_texts(targets[0].python, names, folders, kind).items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
