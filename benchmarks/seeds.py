"""Runs every Python block of a folder of documents about sentence-transformers with only the import changed.

    python benchmarks/seeds.py DOCUMENTS [--dense FOLDER] [--sparse FOLDER] [--reranker FOLDER]

Each document is read in order: its blocks share one namespace, which starts with the names that the documents take for
granted (`sentences`, `query`, `corpus` …). Model names become folders that lie in the working directory under these
names: stand-ins, since the documents' own models cannot be fetched everywhere. torch, transformers and
sentence_transformers cannot be imported. Prints a table and how many blocks ran; docs/migrating.md says why the others
must differ.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.abc import MetaPathFinder
from pathlib import Path

BLOCKED = ("torch", "transformers", "sentence_transformers")
DENSE = (
    "all-MiniLM-L6-v2", "bert-base-uncased", "intfloat/e5-base-v2", "BAAI/bge-base-en-v1.5", "BAAI/bge-small-en-v1.5",
    "Alibaba-NLP/gte-large-en-v1.5", "nomic-ai/nomic-embed-text-v1.5", "msmarco-distilbert-base-v4",
)  # fmt: skip
SPARSE = ("naver/splade-cocondenser-ensembledistil",)
RERANKER = ("cross-encoder/ms-marco-MiniLM-L6-v2",)
# What the documents use without saying what it is.
GRANTED = """
import numpy as np
from sklearn.metrics.pairwise import cosine_similarity
from airvec import SentenceTransformer
bert = sbert = model = SentenceTransformer("all-MiniLM-L6-v2")
texts = sentences = ["The cat sat on the mat.", "A feline rested on the rug.", "Python is a language."]
query, passages = "Where is the cat?", list(texts)
corpus = candidate_docs = ["The cat sleeps.", "Rain falls.", "Bread rises.", "Trains leave.", "Birds sing.", "Snow."]
text = "one two three " * 50
query_doc_pairs = [(query, texts[0])]
test_pairs = [(texts[0], texts[1], 0.9), (texts[0], texts[2], 0.1), (texts[1], texts[2], 0.2)]
emb_a, emb_b = model.encode(texts), model.encode(texts)
pairs = list(zip(emb_a, emb_b))
query_emb, corpus_emb = model.encode(query), model.encode(corpus)
split_text = lambda text, size: [text[start : start + size] for start in range(0, len(text), size)]
"""


class Blocked(MetaPathFinder):
    """Refuses the packages that airvec does without, as if they were not installed."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Raise for a blocked name; leave all others to Python."""
        if fullname.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


@dataclass(frozen=True)
class Result:
    """A block: its number over all documents, where it is, what it begins with, and the error it ended with."""

    number: int
    document: str
    line: int
    begins: str
    error: str | None


def blocks(text: str) -> list[tuple[int, str]]:
    """Line number and code of every Python block of a document."""
    found = re.finditer(r"^[ ]*```python\n(.*?)^[ ]*```", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, match.start()) + 2, textwrap.dedent(match.group(1))) for match in found]


def changed(code: str) -> str:
    """The code with airvec imported in the place of sentence_transformers."""
    return re.sub(r"\b(from|import) sentence_transformers\b", r"\1 airvec", code)


def run_blocks(codes: Sequence[str]) -> list[str | None]:
    """In this process and one namespace: the error of each block, None where it ran."""
    sys.meta_path.insert(0, Blocked())
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec(GRANTED, namespace)  # noqa: S102  (running documents is what this script is for)
    errors: list[str | None] = []
    for code in codes:
        try:
            exec(compile(changed(code), "block", "exec"), namespace)  # noqa: S102
            errors.append(None)
        except Exception as error:  # noqa: BLE001  (whatever a block raises is its result)
            message = re.sub(r" \(/[^)]*\)$", "", " ".join(str(error).split()))  # where a package is installed
            errors.append(f"{type(error).__name__}: {message}")
    return errors


def run_document(path: Path, folder: Path, first: int) -> list[Result]:
    """Run a document's blocks in a process of their own, with `folder` as its working directory."""
    found = blocks(path.read_text(encoding="utf-8"))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--worker"], input=json.dumps([code for _, code in found]),
        capture_output=True, text=True, cwd=folder, check=False, env=_environment(),
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{path.name}: exit code {done.returncode}: {done.stderr[-2000:]}")
    errors = json.loads(done.stdout.splitlines()[-1])
    return [
        Result(first + place, path.name, line, _begins(code), error)
        for place, ((line, code), error) in enumerate(zip(found, errors, strict=True))
    ]


def run_documents(documents: Path, dense: Path, sparse: Path, reranker: Path) -> list[Result]:
    """Run all documents (`*.txt`, `*.md`) of a folder, in the order of their names."""
    results: list[Result] = []
    for path in sorted([*documents.glob("*.txt"), *documents.glob("*.md")]):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for names, stand_in in ((DENSE, dense), (SPARSE, sparse), (RERANKER, reranker)):
                for model in names:
                    (folder / model).parent.mkdir(exist_ok=True)
                    (folder / model).symlink_to(stand_in.resolve())
            results += run_document(path, folder, len(results) + 1)
    return results


def table(results: Sequence[Result]) -> str:
    """The results as a Markdown table, and the count."""
    rows = [
        f"| {one.number} | {one.document.split('_')[0]}:{one.line} | `{one.begins}` | {_cell(one.error)} |"
        for one in results
    ]
    ran = sum(one.error is None for one in results)
    head = ["| block | where | begins | result |", "|--:|---|---|---|"]
    return "\n".join([*head, *rows, "", f"{ran} of {len(results)} blocks run with only the import changed."])


def _cell(error: str | None) -> str:
    return "runs" if error is None else error[:160].replace("|", "/")


def _begins(code: str) -> str:
    return next((line.strip() for line in code.splitlines() if line.strip()), "")[:60].replace("|", "/")


def _environment() -> dict[str, str]:
    return os.environ | {"MPLBACKEND": "Agg", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def main() -> None:
    """Run the documents and print the table; `--json` prints the results for a test to read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", type=Path, nargs="?", help="folder of documents")
    for kind in ("dense", "sparse", "reranker"):
        parser.add_argument(f"--{kind}", type=Path, required="--worker" not in sys.argv, help=f"stand-in: {kind} model")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        errors = run_blocks(json.loads(sys.stdin.read()))
        print("\n" + json.dumps(errors))
        return
    results = run_documents(arguments.documents, arguments.dense, arguments.sparse, arguments.reranker)
    print(json.dumps([asdict(one) for one in results]) if arguments.json else table(results))


if __name__ == "__main__":
    main()
