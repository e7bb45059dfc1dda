"""`airvec search`: the texts of a file that answer a query best, by meaning, by words or by both.

Knows nothing of where texts and models come from.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from airvec.cli.model import add_model_arguments, open_model, positive, show_progress
from airvec.cli.style import BOLD, bar, paint, shade, shorten
from airvec.cli.texts import documents, json_lines

if TYPE_CHECKING:
    from airvec.search import Hit

EXAMPLES = """examples:
  airvec search "how do I reset my password" --corpus faq.txt
  airvec search "late delivery" "refund" --corpus tickets.jsonl --field body --top-k 3 --format jsonl
  airvec search "error E42" --corpus manual.txt --by both
"""
TEXT_WIDTH = 90


def add_parser(subparsers: Any) -> None:
    """Add the sub-command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "search",
        help="search in a file, by meaning, words or both",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("queries", nargs="+", metavar="QUERY")
    parser.add_argument(
        "--corpus", "-c", type=Path, required=True, metavar="FILE", help="texts: lines, or JSONL; - = standard input"
    )
    parser.add_argument("--field", default="text", help="the key of the text in JSONL objects (default: text)")
    parser.add_argument(
        "--by",
        choices=("meaning", "words", "both"),
        default="meaning",
        help="embeddings, BM25 (opens no model), or both fused by reciprocal ranks (default: meaning)",
    )
    parser.add_argument("--top-k", "-k", type=positive, default=5, help="results a query (default: 5)")
    parser.add_argument("--format", choices=("table", "jsonl"), default="table")
    add_model_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Search, print."""
    lines = documents(arguments.corpus, arguments.field)
    texts = [text for _, text in lines]
    found = _by_meaning(arguments, texts) if arguments.by == "meaning" else _by_words(arguments, texts)
    for query, hits in zip(arguments.queries, found, strict=True):
        results = [(hit["score"], *lines[hit["corpus_id"]]) for hit in hits]
        if arguments.format == "jsonl":
            sys.stdout.writelines(json_lines(_records(query, results)))
        else:
            print(results_table(query, results, 1.0 if arguments.by == "meaning" else 0.0))
    return 0


def results_table(query: str, results: list[tuple[float, int, str]], full: float = 1.0) -> str:
    """The query, then a line a result: score, bar, text; shaded by score. Bars are full at `full` or the best score."""
    best = max((abs(score) for score, _, _ in results), default=1.0)
    share = max(full, best) or 1.0  # cosines fill the bar at 1, other scores at the best one
    lines = [paint(query, BOLD)]
    for score, _, text in results:
        drawn = paint(bar(score / share, 10).ljust(10), shade(score / share))
        lines.append(f"  {score:7.3f} {drawn} {shorten(text, TEXT_WIDTH)}")
    return "\n".join(lines)


def _records(query: str, results: list[tuple[float, int, str]]) -> list[dict[str, Any]]:
    return [
        {"query": query, "rank": rank, "score": round(score, 6), "line": line, "text": text}
        for rank, (score, line, text) in enumerate(results, 1)
    ]


def _by_meaning(arguments: argparse.Namespace, texts: list[str]) -> "list[list[Hit]]":
    """Hits of each query by the model's own similarity."""
    from airvec.search import semantic_search
    from airvec.similarity import SIMILARITIES

    model = open_model(arguments)
    vectors = model.encode_document(texts, show_progress_bar=show_progress(arguments))
    score = SIMILARITIES[model.similarity_fn_name][0]
    return semantic_search(model.encode_query(arguments.queries), vectors, top_k=arguments.top_k, score_function=score)


def _by_words(arguments: argparse.Namespace, texts: list[str]) -> "list[list[Hit]]":
    """Hits of each query by its words, or by words and meaning."""
    from airvec.search import Retriever

    retriever = Retriever(open_model(arguments) if arguments.by == "both" else None, bm25=True)
    retriever.index(texts, show_progress_bar=show_progress(arguments))
    return cast("list[list[Hit]]", retriever.search(arguments.queries, arguments.top_k))
