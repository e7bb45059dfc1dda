"""`airvec package`: a model and what runs it, packed for another machine.

Knows nothing of how packages are made.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airvec.cli.model import show_progress
from airvec.cli.style import BOLD, paint, table
from airvec.errors import MissingPackageError

if TYPE_CHECKING:
    from airvec.deploy.contents import Contents
    from airvec.deploy.layer import Layer

EXAMPLES = """examples:
  airvec package lambda layer.zip                          the static model inside airvec, no onnxruntime
  airvec package lambda ./all-MiniLM-L6-v2 layer.zip --variant int8 --arch arm64
  airvec package folder ./all-MiniLM-L6-v2 ./for-the-pi --platform linux-arm64
  airvec package dockerfile ./all-MiniLM-L6-v2 ./image

airvec package lambda --help, and so on, show more. Needs pip; no torch.
"""
LAMBDA_EXAMPLES = """examples:
  airvec package lambda layer.zip
  airvec package lambda ./all-MiniLM-L6-v2 layer.zip --variant int8
  airvec package lambda ./all-MiniLM-L6-v2 layer.zip --variant int8 --python 3.14 --arch arm64
  airvec package lambda ./model search.zip --index ./index --reranker ./reranker
  airvec package lambda ./model layer.zip --constraint versions.txt       lines such as numpy==2.3.0

The layer holds python/ (airvec, numpy, onnxruntime, tokenizers, without what is never loaded, compiled) and model/.
Never loaded are numpy.random, numpy.fft and numpy.f2py, too: code of your own that imports them, as SciPy and pandas
do, gets an error that says so, and needs --whole-numpy.
Its handler is airvec.serverless.handler. pip fetches the packages for the function's Python and processor; a Python of
that version on this machine compiles them. A layer that can run here is run here before it is written. At the end come
its sizes and the commands that upload it.
"""


class IntermixedParser(argparse.ArgumentParser):
    """Takes options between MODEL and OUT too, where argparse would call OUT unrecognised."""

    _reading = False

    # The stub has overloads, which an override without them is held against.
    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Read all options, then what is left; that calls this method again, for each of the two."""
        if self._reading:
            return super().parse_known_args(args, namespace)
        self._reading = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._reading = False


def add_parser(subparsers: Any) -> None:
    """Add the sub-command and those below it."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "package",
        help="a Lambda layer, folder or image of a model and what runs it",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(required=True, metavar="KIND", parser_class=IntermixedParser)
    _add_lambda(kinds)
    # Here, since that file takes the arguments that all kinds share from this one.
    from airvec.cli.package_folder import add_dockerfile_parser, add_folder_parser

    add_folder_parser(kinds)
    add_dockerfile_parser(kinds)


def _add_lambda(kinds: Any) -> None:
    parser: argparse.ArgumentParser = kinds.add_parser(
        "lambda",
        help="a layer for AWS Lambda",
        epilog=LAMBDA_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_contents_arguments(parser, Path, "OUT.zip", "the layer to write")
    parser.add_argument(
        "--arch", default="x86_64", metavar="ARCH", help="x86_64, arm64, or as uname says (default: x86_64)"
    )
    parser.add_argument(
        "--whole-numpy", action="store_true",
        help="keep numpy.random, numpy.fft and numpy.f2py, for code of your own (1.6 MB zipped)",
    )  # fmt: skip
    add_build_arguments(parser)
    parser.set_defaults(run=run_lambda)


def add_contents_arguments(parser: argparse.ArgumentParser, kind: type, out: str, what: str) -> None:
    """Add the model, where the package goes, and what else goes into it."""
    parser.add_argument("model", nargs="?", metavar="MODEL", help="folder, or name on the Hub (default: airvec's own)")
    parser.add_argument("out", type=kind, metavar=out, help=what)
    parser.add_argument("--variant", default="auto", help="MODEL's graph to pack: auto (fp32), int8 … (default: auto)")
    parser.add_argument("--name", help="what answers call MODEL (default: its name on the Hub, or its folder's)")
    parser.add_argument("--index", type=Path, metavar="FOLDER", help="what Retriever.save wrote, to search in")
    parser.add_argument("--reranker", metavar="MODEL", help="a reranker's folder or name, to rerank with")
    parser.add_argument("--reranker-variant", default="auto", metavar="VARIANT", help="its graph (default: auto, fp32)")
    parser.add_argument("--python", default="3.13", metavar="VERSION", help="Python there (default: 3.13)")


def add_build_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how the packages are fetched and compiled."""
    parser.add_argument("--constraint", type=Path, metavar="FILE", help="pip constraints that fix versions")
    parser.add_argument(
        "--interpreter", type=Path, metavar="PATH", help="a Python of that version, to compile with (default: found)"
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress bars")


def run_lambda(arguments: argparse.Namespace) -> int:
    """Write the layer, print what it is and how to upload it."""
    check_not_packaged()
    from airvec.deploy.disk import writing
    from airvec.deploy.layer import write_layer
    from airvec.deploy.target import target_for_lambda

    target = target_for_lambda(arguments.python, arguments.arch)
    with writing(arguments.out):
        layer = write_layer(
            arguments.out,
            target,
            contents_of(arguments),
            constraint=arguments.constraint,
            interpreter=arguments.interpreter,
            whole_numpy=arguments.whole_numpy,
            show_progress=show_progress(arguments),
        )
    sys.stdout.write(_report(layer, f"Python {target.python} on {target.arch}"))
    return 0


def check_not_packaged() -> None:
    """Packages are made of an airvec that is installed whole.

    Raises:
        MissingPackageError: this airvec lies in such a package, which has nothing to make packages with.
    """
    if find_spec("airvec.deploy") is None:
        raise MissingPackageError(
            f"airvec package: this airvec, at {Path(__file__).parents[1]}, was itself packed, without airvec.deploy. "
            "Run it where airvec was installed by pip."
        )


def contents_of(arguments: argparse.Namespace) -> "Contents":
    """The models and the index that the arguments name."""
    from airvec.deploy.contents import Contents

    return Contents(
        arguments.model, arguments.variant, arguments.reranker, arguments.index, arguments.reranker_variant,
        arguments.name,
    )  # fmt: skip


def _report(layer: "Layer", where: str) -> str:
    from airvec.deploy.sizes import DIRECT_UPLOAD_LIMIT, UNZIPPED_LIMIT, Part, megabytes, total

    limit = Part("AWS's limit", UNZIPPED_LIMIT, DIRECT_UPLOAD_LIMIT)
    rows = [
        [part.name, megabytes(part.unzipped), megabytes(part.zipped)]
        for part in (*layer.parts, total(layer.parts), limit)
    ]
    lines = [
        table([f"{layer.path.name}, {where}", "unzipped", "zipped"], rows, right=(1, 2)),
        f"\nself-check: {layer.trial}",
        *(f"note: {note}" for note in layer.notes),
        f"wrote {layer.path} and {layer.function}",
        paint("\nto upload them (put in your role's ARN; a large layer also needs a bucket of yours):", BOLD),
        *layer.commands,
    ]
    return "\n".join(lines) + "\n"
