"""Entry point of the program `airvec`: finds the sub-command, and turns errors into one line and an exit code.

0 = done, 1 = an error or a negative answer, 2 = wrong usage, 130 = interrupted.
Knows nothing of what the sub-commands do.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper

from airvec import __version__
from airvec.cli import doctor, encode, explain, info, package, rerank, search, similarity, verify
from airvec.cli.style import RED, paint
from airvec.errors import AirvecError, require

EXAMPLES = """examples:
  airvec search "quiet laptop fans" --corpus notes.txt
  airvec similarity "the cat sleeps" "a kitten naps"
  airvec encode --file corpus.txt --out corpus.npy
  airvec export ./checkpoint ./model              (needs: pip install "airvec[export]")
  airvec train recipe.toml                        (needs: pip install "airvec[train]")
  airvec eval ./model --task stsb:test.tsv
"""
COMMANDS = (encode, similarity, search, rerank, explain, info, verify, doctor, package)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with the arguments of the command line, or those given; answer its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        with _plain_warnings():
            code = _run(arguments)
        sys.stdout.flush()  # here, where a reader that has gone is still caught
    except BrokenPipeError:
        # `airvec … | head`: no more output, and none when Python closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (AirvecError, OSError) as error:
        print(f"{paint('airvec: error:', RED, sys.stderr)} {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _run(arguments: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            # JSON lines are UTF-8 whatever the locale; a terminal shows what it can.
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
    if arguments[:1] == ["export"]:
        return _export(arguments[1:])
    if arguments[:1] == ["train"]:
        return _train(arguments[1:])
    if arguments[:1] == ["eval"]:
        return _eval(arguments[1:])
    parsed = _parser().parse_args(arguments)
    return int(parsed.run(parsed))


@contextmanager
def _plain_warnings() -> Generator[None]:
    """A warning is one line, without the place in the source that Python adds."""

    def plain(message: Warning | str, *_: object) -> str:
        return f"airvec: warning: {message}\n"

    before, warnings.formatwarning = warnings.formatwarning, plain
    try:
        yield
    finally:
        warnings.formatwarning = before


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="airvec",
        description="Sentence embeddings without torch.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"airvec {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers)
    subparsers.add_parser("export", help="checkpoint to model folder (needs torch)", add_help=False)
    subparsers.add_parser("train", help="recipe to trained model folder (needs torch)", add_help=False)
    subparsers.add_parser("eval", help="scores of a model on your data, as MTEB computes them", add_help=False)
    return parser


def _export(arguments: list[str]) -> int:
    require("torch", "export", "airvec export")
    return int(import_module("airvec_exporter.cli").main(arguments))


def _train(arguments: list[str]) -> int:
    for needed in ("torch", "transformers", "datasets", "accelerate"):
        require(needed, "train", "airvec train")
    return int(import_module("airvec_trainer.cli").main(arguments, "airvec train"))


def _eval(arguments: list[str]) -> int:
    require("airvec_trainer", "train", "airvec eval")  # a pruned package leaves it out
    return int(import_module("airvec_trainer.eval_cli").main(arguments, "airvec eval"))


if __name__ == "__main__":
    raise SystemExit(main())
