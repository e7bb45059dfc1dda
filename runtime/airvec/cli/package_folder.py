"""`airvec package folder` and `airvec package dockerfile`: a folder that runs as it is, or one that becomes an image.

Knows nothing of how packages are made.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airvec.cli.package import add_build_arguments, add_contents_arguments, check_not_packaged, contents_of

FOLDER_EXAMPLES = """examples:
  airvec package folder ./airvec-here
  airvec package folder ./all-MiniLM-L6-v2 ./for-the-pi --variant int8 --platform linux-arm64

The folder runs wherever it is copied, with a Python of that version, installing nothing and without a network:
./for-the-pi/airvec encode "a text". Its README.txt says more. If it can run here, it is run before it is written.
A folder package that lies at OUT_DIR is replaced; a folder with anything else in it is refused.
"""
DOCKERFILE_EXAMPLES = """examples:
  airvec package dockerfile ./image
  airvec package dockerfile ./all-MiniLM-L6-v2 ./image --variant int8 --platform linux-x86_64,linux-arm64

Then: docker build -t airvec ./image. The image serves JSON over HTTP; README.txt says more.
Such a folder that lies at OUT_DIR is replaced, a Dockerfile that you changed too; one with anything else is refused.
"""


def add_folder_parser(kinds: Any) -> None:
    """Add `folder`."""
    parser: argparse.ArgumentParser = kinds.add_parser(
        "folder", help="a folder that needs no installation", epilog=FOLDER_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add_contents_arguments(parser, Path, "OUT_DIR", "the folder to write")
    parser.add_argument("--platform", metavar="NAME", help="such as linux-arm64 (default: this machine's)")
    parser.add_argument("--no-wheelhouse", action="store_true", help="without the whole wheels, which are for pip")
    add_build_arguments(parser)
    parser.set_defaults(run=run_folder)


def add_dockerfile_parser(kinds: Any) -> None:
    """Add `dockerfile`."""
    parser: argparse.ArgumentParser = kinds.add_parser(
        "dockerfile", help="a folder to build a container image from", epilog=DOCKERFILE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add_contents_arguments(parser, Path, "OUT_DIR", "the folder to write")
    parser.add_argument(
        "--platform",
        metavar="NAMES",
        help="linux-x86_64, linux-arm64, as Docker names them too, or both with a comma (default: this processor's)",
    )
    add_build_arguments(parser)
    parser.set_defaults(run=run_dockerfile)


def run_folder(arguments: argparse.Namespace) -> int:
    """Write the folder, print what it is."""
    check_not_packaged()
    from airvec.deploy.disk import writing
    from airvec.deploy.folder import package_folder
    from airvec.deploy.target import target_on, this_platform

    target = target_on(arguments.platform or this_platform(), arguments.python)
    with writing(arguments.out):
        package = package_folder(
            arguments.out, target, contents_of(arguments),
            constraint=arguments.constraint, interpreter=arguments.interpreter,
            with_wheelhouse=not arguments.no_wheelhouse,
        )  # fmt: skip
    _report(package.path, [package.trial], [*package.contents.notes, *package.staged.notes])
    return 0


def run_dockerfile(arguments: argparse.Namespace) -> int:
    """Write the Dockerfile and what it copies, print what it is."""
    check_not_packaged()
    from airvec.deploy.disk import writing
    from airvec.deploy.dockerfile import package_dockerfile
    from airvec.deploy.target import targets_of_image, this_platform

    names = arguments.platform or f"linux-{this_platform().partition('-')[2]}"
    targets = targets_of_image(names, arguments.python)
    with writing(arguments.out):
        image = package_dockerfile(
            arguments.out, targets, contents_of(arguments),
            constraint=arguments.constraint, interpreter=arguments.interpreter,
        )  # fmt: skip
    _report(image.path, image.trials, [note for part in (*image.contents, *image.staged) for note in part.notes])
    return 0


def _report(folder: Path, trials: Sequence[str], notes: Sequence[str]) -> None:
    lines = [(folder / "README.txt").read_text(encoding="utf-8"), *(f"self-check: {trial}" for trial in trials)]
    lines += [*(f"note: {note}" for note in dict.fromkeys(notes)), f"wrote {folder}"]
    sys.stdout.write("\n".join(lines) + "\n")
