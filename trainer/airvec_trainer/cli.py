"""`airvec-train RECIPE`, which is also `airvec train`.

Knows nothing of how training is done.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airvec.errors import AirvecError, ArgumentError, require

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
EXAMPLES = """\
examples:
  PROGRAM recipe.toml
  PROGRAM recipe.toml --dry-run                     rows, columns and steps; no model is loaded
  PROGRAM recipe.toml --set arguments.max_steps=10 --set data.0.limit=500
  PROGRAM recipe.toml --resume                      go on from the last checkpoint
  PROGRAM recipe.toml --no-progress                 for scripts: a summary at the end, messages on stderr

A recipe has the sections [model], [[data]], [loss], [arguments], [[evaluation]], [export], [card] and, for trainings
one after the other, [[stages]]; docs/training.md explains them, and models/*/recipe.toml are whole ones (their
data lies beside the checkout, or where --set data.0.file=… says). Relative paths are relative to the recipe. Ctrl-C
saves a checkpoint and ends; once more ends at once. Exit codes: 0 trained, saved and exported, 1 failed, 2 a wrong
recipe or argument, 130 interrupted.
"""


def main(argv: Sequence[str] | None = None, program: str = "airvec-train") -> int:
    """Run the command; errors go to stderr.

    Args:
        argv: arguments without the program's name; None = those of this process.
        program: what it calls itself: it is `airvec train`, too.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong recipe or arguments, 130 interrupted.
    """
    arguments = _parser(program).parse_args(argv)
    try:
        return _train(arguments, program)
    except (ArgumentError, FileNotFoundError) as error:
        return _tell(program, error, MISUSED)
    except (AirvecError, OSError) as error:
        return _tell(program, error, FAILED)
    except KeyboardInterrupt:
        return _tell(program, f"interrupted. {_resuming(arguments)}", INTERRUPTED)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Train a model as a recipe says, and export it for the runtime.",
        epilog=EXAMPLES.replace("PROGRAM", program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recipe", metavar="RECIPE", type=Path, help="a TOML file")
    parser.add_argument(
        "--set", dest="overrides", metavar="KEY=VALUE", action="append", default=[],
        help="in place of what the recipe says, such as arguments.max_steps=10; may be given often",
    )  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint of output_dir")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done")
    parser.add_argument("--no-progress", action="store_true", help="no bar and no table (so also off a terminal)")
    return parser


def _train(arguments: argparse.Namespace, program: str) -> int:
    from airvec_trainer.recipes.reading import read_recipe

    recipe = read_recipe(arguments.recipe, arguments.overrides)
    for package in ("datasets", "accelerate", "rich", "matplotlib"):
        require(package, extra="train", purpose="airvec train")
    # Late: torch takes seconds to import, and --help and a wrong recipe need none of it.
    from airvec_trainer.recipes.running import plan, run

    found = plan(recipe)
    if arguments.dry_run:
        _show(found)
        return OK
    table = _table(arguments)
    try:
        outcome = run(found, resume=arguments.resume, shown=[] if table is None else [table])
    finally:
        if table is not None:
            table.stop()
    _show(outcome)
    return _tell(program, f"interrupted. {_resuming(arguments)}", INTERRUPTED) if outcome.stopped else OK


def _table(arguments: argparse.Namespace) -> Any:
    """The live table, where somebody looks at stderr."""
    if arguments.no_progress or not sys.stderr.isatty():
        return None
    from rich.console import Console

    from airvec_trainer.recipes.live import LiveTable

    return LiveTable(Console(stderr=True), arguments.recipe.parent.name or "training")


def _show(told: object) -> None:
    """Print for whoever still reads: `head` leaves early, and Python would complain of it at its end."""
    try:
        print(told, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _resuming(arguments: argparse.Namespace) -> str:
    sets = "".join(f" --set {override}" for override in arguments.overrides)
    return f"Go on with: airvec train {arguments.recipe}{sets} --resume"


def _tell(program: str, error: object, code: int) -> int:
    print(f"{program}: {' '.join(str(error).split())}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
