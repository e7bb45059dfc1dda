"""The arguments that say which model to use, the same in every sub-command.

Without --model, `AIRVEC_MODEL` says which: a folder package sets it to the model that it holds.
Knows nothing of what the model is used for.
"""

import argparse
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airvec.sentence_transformer import SentenceTransformer


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --model and its companions, for sentence embeddings."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model", "-m", default=stated_model(),
        help="folder, or name on the Hub (default: what AIRVEC_MODEL names, else the small English one inside airvec)",
    )  # fmt: skip
    group.add_argument("--truncate-dim", type=positive, help="dimensions to keep (default: all)")
    add_graph_arguments(group)


def stated_model(*first: str) -> str | None:
    """The model that the environment names: in one of the variables given, else in `AIRVEC_MODEL`."""
    return next((os.environ[name] for name in (*first, "AIRVEC_MODEL") if os.environ.get(name)), None)


def add_graph_arguments(group: Any) -> None:
    """Add to a group of arguments those that say how a model of any kind is opened."""
    group.add_argument(
        "--variant", default="auto",
        help="graph to use: auto (fp32), fused, int8, openvino, fastest …: airvec info FOLDER lists them",
    )  # fmt: skip
    group.add_argument("--threads", type=positive, help="CPUs to use (default: all that this process may)")
    group.add_argument("--max-seq-length", type=positive, help="most tokens of a text (default: the model's)")
    group.add_argument("--no-progress", action="store_true", help="no progress bar")


def positive(value: str) -> int:
    """A whole number of at least 1, as an argument's `type`.

    Raises:
        ArgumentTypeError: it is something else; argparse ends with the usage and exit code 2.
    """
    if not (value.isdecimal() and len(value) < 20 and int(value) > 0):
        raise argparse.ArgumentTypeError(f"{value!r:.60}, expected a whole number of at least 1")
    return int(value)


def open_model(arguments: argparse.Namespace) -> "SentenceTransformer":
    """The model that a command's arguments name."""
    from airvec.sentence_transformer import SentenceTransformer

    return SentenceTransformer(
        arguments.model,
        variant=arguments.variant,
        threads=arguments.threads,
        max_seq_length=arguments.max_seq_length,
        truncate_dim=arguments.truncate_dim,
    )


def show_progress(arguments: argparse.Namespace) -> bool:
    """A bar for a person who watches: not with --no-progress, in pipes, or where tqdm is not installed."""
    return not arguments.no_progress and sys.stderr.isatty() and find_spec("tqdm") is not None
