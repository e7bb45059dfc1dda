"""What `make demo` shows: semantic search in a text file and a table of similarities, with nothing but the runtime.

Knows nothing of torch, and needs no download.
"""

import sys
import sysconfig
import time
from pathlib import Path

START = time.perf_counter()

from airvec import SentenceTransformer, util  # noqa: E402  (the clock starts before the imports)
from airvec.cli.search import results_table  # noqa: E402
from airvec.cli.similarity import similarity_table  # noqa: E402
from airvec.cli.style import BOLD, DIM, paint  # noqa: E402

CORPUS = Path(__file__).with_name("demo.txt")
QUERIES = ("how do I get my money back?", "do you have food without meat?", "is it waterproof?")
SENTENCES = (
    "A man is playing the guitar.",
    "Someone plays a musical instrument.",
    "A woman is cooking dinner.",
    "She prepares a meal in the kitchen.",
    "Share prices fell sharply today.",
)
INSTALLERS = ("pip", "setuptools", "wheel", "pkg_resources", "_distutils_hack")
INSTALLED_BY_PIP = Path(sysconfig.get_paths()["purelib"])


def main() -> None:
    """Search, compare, and say what it took."""
    corpus = CORPUS.read_text(encoding="utf-8").splitlines()
    model = SentenceTransformer()
    print(
        paint(f"Semantic search: {len(QUERIES)} questions to the {len(corpus)} lines of docs/{CORPUS.name}", BOLD),
        end="\n\n",
    )
    hits = util.semantic_search(model.encode_query(QUERIES), model.encode_document(corpus), top_k=3)
    for query, found in zip(QUERIES, hits, strict=True):
        print(results_table(query, [(hit["score"], hit["corpus_id"], corpus[hit["corpus_id"]]) for hit in found]))
    print("\n" + paint(f"Similarity of {len(SENTENCES)} sentences", BOLD), end="\n\n")
    embeddings = model.encode(SENTENCES)
    print(similarity_table(list(SENTENCES), model.similarity(embeddings, embeddings).tolist()))
    elapsed = time.perf_counter() - START
    size = installed_megabytes(INSTALLED_BY_PIP)
    print(
        "\n"
        + paint(f"{elapsed:.2f} s from the first import to here; {size:.0f} MB installed; torch: {torch_state()}", DIM)
    )


def installed_megabytes(folder: Path) -> float:
    """Size of all that lies in site-packages, but for pip itself, in 10^6 bytes."""
    files = (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    ours = (file for file in files if not file.relative_to(folder).parts[0].startswith(INSTALLERS))
    return sum(file.stat().st_size for file in ours) / 1e6


def torch_state() -> str:
    """Whether torch was loaded on the way."""
    return "loaded" if "torch" in sys.modules else "not needed"


if __name__ == "__main__":
    main()
