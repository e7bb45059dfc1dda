"""`airvec explain`: which words a query and a document share, and what each adds to their score.

Knows nothing of where models come from.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airvec.cli.model import add_graph_arguments, positive, stated_model
from airvec.cli.style import BOLD, DIM, GREEN, bar, paint, shorten
from airvec.cli.texts import documents, json_lines
from airvec.errors import ArgumentError

if TYPE_CHECKING:
    from airvec.sparse_vectors import SparseVector

EXAMPLES = """examples:
  airvec explain "late parcel" "your parcel arrives in two days" --model ./splade
  airvec explain "late parcel" "your parcel arrives in two days" --bm25 faq.txt
"""
Shares = list[tuple[str, float, float]]


def add_parser(subparsers: Any) -> None:
    """Add the sub-command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "explain",
        help="the words that make a sparse score",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("query", metavar="QUERY")
    parser.add_argument("document", metavar="DOCUMENT")
    parser.add_argument("--top-k", "-k", type=positive, default=20, help="words to show (default: 20)")
    parser.add_argument("--format", choices=("table", "jsonl"), default="table")
    group = parser.add_argument_group("model")
    group.add_argument("--model", "-m", help="folder of a sparse model, or its name on the Hub (default: AIRVEC_MODEL)")
    group.add_argument("--bm25", type=Path, metavar="FILE", help="BM25 instead, with the words of these texts counted")
    group.add_argument("--field", default="text", help="the key of the text in --bm25's JSONL objects (default: text)")
    add_graph_arguments(group)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Encode both, multiply word by word, print."""
    if arguments.model is None and arguments.bm25 is None:
        arguments.model = stated_model()
    if (arguments.model is None) == (arguments.bm25 is None):
        given = "neither" if arguments.model is None else "both"
        raise ArgumentError(
            f"model: {given} of --model and --bm25 given, expected one. Give --model with the folder or name of a "
            "sparse model (SPLADE and the like), or --bm25 with a file of texts."
        )
    query, document, vocabulary = _by_model(arguments) if arguments.model else _by_bm25(arguments)
    shares = word_shares(query, document, vocabulary)
    if arguments.format == "jsonl":
        sys.stdout.writelines(json_lines(_records(shares[: arguments.top_k])))
    else:
        print(explanation(shares, len(query.indices), arguments.top_k))
    return 0


def word_shares(query: "SparseVector", document: "SparseVector", vocabulary: list[str]) -> Shares:
    """(word, weight in the query, weight in the document) of the words that both have, the largest product first."""
    weights = document.to_dict()
    both = [(index, value, weights[index]) for index, value in query.to_dict().items() if index in weights]
    both.sort(key=lambda one: -one[1] * one[2])
    return [(vocabulary[index], value, other) for index, value, other in both]


def explanation(shares: Shares, asked: int, top_k: int) -> str:
    """The score, then a line a word: its two weights, what their product adds, and that as a bar."""
    products = [query * document for _, query, document in shares]
    lines = [paint(f"{sum(products):.3f} from {len(shares)} of the query's {asked} words", BOLD)]
    if not shares:
        return lines[0]
    shown = [(shorten(word, 30), *weights) for word, *weights in shares[:top_k]]
    width = max(len("word"), *(len(word) for word, *_ in shown))
    lines.append(paint(f"  {'word'.ljust(width)}    query  document      adds", DIM))
    for (word, query, document), product in zip(shown, products, strict=False):
        drawn = paint(bar(product / max(products[0], 1e-9)), GREEN)
        lines.append(f"  {word.ljust(width)} {query:8.3f} ×{document:8.3f} = {product:8.3f} {drawn}".rstrip())
    if len(shares) > top_k:
        rest = f"{len(shares) - top_k} more"
        lines.append(paint(f"  {rest.ljust(width)} {'':20} {sum(products[top_k:]):8.3f}", DIM))
    return "\n".join(lines)


def _by_model(arguments: argparse.Namespace) -> "tuple[SparseVector, SparseVector, list[str]]":
    from airvec.sparse_encoder import SparseEncoder

    model = SparseEncoder(
        arguments.model,
        variant=arguments.variant,
        threads=arguments.threads,
        max_seq_length=arguments.max_seq_length,
    )
    return model.encode_query(arguments.query), model.encode_document(arguments.document), model.vocabulary


def _by_bm25(arguments: argparse.Namespace) -> "tuple[SparseVector, SparseVector, list[str]]":
    from airvec.search import BM25

    model = BM25().fit([text for _, text in documents(arguments.bm25, arguments.field)])
    (query,), (document,) = model.encode_query([arguments.query]), model.encode_document([arguments.document])
    return query, document, model.vocabulary


def _records(shares: Shares) -> list[dict[str, Any]]:
    rounded = ((word, float(f"{query:.7g}"), float(f"{document:.7g}")) for word, query, document in shares)
    return [
        {"word": word, "query": query, "document": document, "adds": float(f"{query * document:.7g}")}
        for word, query, document in rounded
    ]
