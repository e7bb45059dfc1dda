"""`airvec rerank`: the texts of a file in the order of their score with a query, by a CrossEncoder.

Knows nothing of where texts and models come from.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from airvec.cli.model import add_graph_arguments, positive, show_progress, stated_model
from airvec.cli.search import results_table
from airvec.cli.texts import documents, json_lines

EXAMPLES = """examples:
  airvec rerank "how do I reset my password" --documents faq.txt --model ./reranker --top-k 3
  airvec rerank "late delivery" --documents tickets.jsonl --field body --model ./reranker --format jsonl
"""


def add_parser(subparsers: Any) -> None:
    """Add the sub-command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "rerank",
        help="order the texts of a file by a reranker's score",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("query", metavar="QUERY")
    parser.add_argument(
        "--documents", "-d", type=Path, required=True, metavar="FILE", help="texts: lines, or JSONL; - = standard input"
    )
    parser.add_argument("--field", default="text", help="the key of the text in JSONL objects (default: text)")
    parser.add_argument("--top-k", "-k", type=positive, help="results to show (default: all)")
    parser.add_argument("--format", choices=("table", "jsonl"), default="table")
    group = parser.add_argument_group("model")
    stated = stated_model("AIRVEC_RERANKER")
    group.add_argument(
        "--model", "-m", default=stated, required=stated is None,
        help="folder of a reranker, or its name on the Hub (default: what AIRVEC_RERANKER or AIRVEC_MODEL names)",
    )  # fmt: skip
    add_graph_arguments(group)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Score every text with the query, sort, print."""
    from airvec.cross_encoder import CrossEncoder

    lines = documents(arguments.documents, arguments.field)
    model = CrossEncoder(
        arguments.model,
        variant=arguments.variant,
        threads=arguments.threads,
        max_length=arguments.max_seq_length,
    )
    hits = model.rank(
        arguments.query, [text for _, text in lines], arguments.top_k, show_progress_bar=show_progress(arguments)
    )
    results = [(hit["score"], *lines[int(hit["corpus_id"])]) for hit in hits]
    if arguments.format == "jsonl":
        sys.stdout.writelines(json_lines(_records(results)))
    else:
        print(results_table(arguments.query, results))
    return 0


def _records(results: list[tuple[float, int, str]]) -> list[dict[str, Any]]:
    return [
        {"rank": rank, "score": float(f"{score:.7g}"), "line": line, "text": text}
        for rank, (score, line, text) in enumerate(results, 1)
    ]
