"""`airvec doctor`: is this model used as it should be?

Knows nothing of the checks themselves.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airvec.cli.style import BOLD, DIM, GREEN, RED, YELLOW, paint
from airvec.cli.texts import read_file

if TYPE_CHECKING:
    from airvec.doctor import Finding

EXAMPLES = """examples:
  airvec doctor ./e5-small-v2
  airvec doctor ./model corpus.txt             also looks at your own texts, one a line or JSONL
  airvec doctor ./model --format jsonl         for scripts

Exit code 1 if something is to be fixed, else 0.
"""
COLOURS = {"ok": GREEN, "warn": YELLOW, "fix": RED}


def add_parser(subparsers: Any) -> None:
    """Add the sub-command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "doctor",
        help="ten pitfalls, looked for in a model and your texts",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="FOLDER", help="model folder")
    parser.add_argument("texts", nargs="?", type=Path, metavar="TEXTS", help="file of texts that the model is used on")
    parser.add_argument("--field", default="text", help="the key of the text in JSONL objects (default: text)")
    parser.add_argument("--format", choices=("table", "jsonl"), default="table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Examine and print."""
    from airvec.doctor import examine

    texts = list(read_file(arguments.texts, arguments.field)) if arguments.texts else []
    findings = examine(arguments.folder, texts)
    if arguments.format == "jsonl":
        sys.stdout.writelines(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in findings)
    else:
        print("\n".join(map(_lines, findings)))
    return int(any(one.state == "fix" for one in findings))


def _lines(finding: "Finding") -> str:
    state = paint(finding.state.ljust(4), COLOURS[finding.state])
    head = f"{state}  {paint(finding.check, BOLD)}: {finding.found}"
    return f"{head}\n      {paint(finding.advice, DIM)}" if finding.advice else head
