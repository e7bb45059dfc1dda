"""`make parity`: run the whole matrix and write docs/parity.md.

    python -m tests.parity.table

Nothing in the page depends on the day: two runs on one machine write the same bytes; another CPU changes last digits.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from tests import tiny
from tests.parity.matrix import (
    BACKENDS,
    BOUNDS,
    FAILED,
    FAMILY_VARIANTS,
    PASSED,
    REFUSED,
    Cell,
    Outcome,
    cells,
    measure,
)
from tests.parity.refusals import refusals
from tests.parity.subjects import BODIES, DENSE, RERANK, ROOT, SPARSE, prepare_all
from tests.parity.variants import VARIANTS
from tests.tiny.families import FAMILIES

PAGE = ROOT / "docs" / "parity.md"
PACKAGES = ("sentence-transformers", "transformers", "torch", "onnxruntime", "tokenizers")
TITLES = {DENSE: "Dense vectors", SPARSE: "Sparse vectors", RERANK: "Scores of pairs"}
SHORT = {
    "mean_sqrt_len_tokens": "√len", "weightedmean": "weighted", "lasttoken": "last", "other padding side": "other side",
    "prompt left out": "no prompt", "three labels, softmax": "3 labels", "cut to 16 tokens": "cut",
    "max, log1p_relu": "max, log1p", "sum, log1p_relu": "sum, log1p", "max, relu": "max", "sum, relu": "sum",
}  # fmt: skip
NAMES = {
    "bert": "BERT", "distilbert": "DistilBERT", "roberta": "RoBERTa", "xlm-roberta": "XLM-RoBERTa", "mpnet": "MPNet",
    "albert": "ALBERT", "electra": "ELECTRA", "deberta-v2": "DeBERTa-v2", "modernbert": "ModernBERT",
    "nomic-bert": "NomicBERT", "gte": "GTE", "eurobert": "EuroBERT", "jina-v3": "JinaEmbeddingsV3", "t5": "T5 encoder",
    "mt5": "mT5 encoder", "qwen3": "Qwen3", "gemma3": "Gemma 3",
}  # fmt: skip
EXPLAINED = """\
# Parity

What airvec computes without torch, beside sentence-transformers on torch. `make parity` writes this page, and every
cell is a test of `make test`.

Versions: {versions}.

**{passed} cells passed, {failed} failed, {refused} refused.**

A cell is one checkpoint in one setting on one backend. The checkpoints are tiny and random, their weights drawn widely,
and in every cell the reference's answers are far apart, so that a comparison can fail; the tokenizers (WordPiece, BPE,
Unigram; pad ids 0, 1 and above 400) are trained for the purpose.

A number is the largest |difference| over texts of 1 to 100 words, or pairs of such, in batches by tokens and in mixed
batches of 5. Dense: of elements of unit vectors, and of the vectors' lengths; at most {dense:.0e}. Sparse values and
scores: divided by the reference's largest |value| where that is above 1; at most {sparse:.0e}. A dash is a cell that
cannot be.

- *no prompt*: a prompt that pooling leaves out. *cut*: pairs cut to 16 tokens. *3 labels*: softmax over three labels.
- *other side*: padding on the side that the family does not use. Where that moves the reference's own answer (positions
  counted from the first column, heads that read it), ours equals its answer for the text alone.
- *no token types*: a tokenizer that gives none to a model that takes them.
- *saved by 6.2*: the folder as the reference writes it today; the other columns are of its older generations.
- *as exported*: the folder that `airvec export` wrote, in airvec and in the reference; elsewhere the graph lies beside
  the reference's own files, as on the Hub.
- Gemma has no *cls*: it looks back only and opens every text with one token, so all texts have one first vector.
"""


def main() -> int:
    """Measure every cell and write the page; 1 where a cell failed."""
    chosen = tuple(cells())
    prepare_all(tuple(dict.fromkeys(cell.subject for cell in chosen)))
    outcomes: dict[Cell, Outcome] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for row, cell in enumerate(chosen):
            outcomes[cell] = measure(cell, Path(scratch) / str(row))
        refused = refusals(Path(scratch))
    PAGE.write_text(page(outcomes, refused), encoding="utf-8")
    counts = count(outcomes, refused)
    print(
        f"{PAGE.relative_to(ROOT)}: " + ", ".join(f"{counts[status]} {status}" for status in (PASSED, FAILED, REFUSED))
    )
    return int(counts[FAILED] > 0)


def count(outcomes: dict[Cell, Outcome], refused: dict[str, Outcome]) -> Counter[str]:
    """How many cells of each status there are."""
    return Counter(outcome.status for outcome in (*outcomes.values(), *refused.values()))


def page(outcomes: dict[Cell, Outcome], refused: dict[str, Outcome]) -> str:
    """The whole of docs/parity.md."""
    counts = count(outcomes, refused)
    versions = ", ".join(f"{package} {version(package).partition('+')[0]}" for package in PACKAGES)
    head = EXPLAINED.format(
        versions=versions, dense=BOUNDS[DENSE], sparse=BOUNDS[SPARSE],
        **{status: counts[status] for status in (PASSED, FAILED, REFUSED)},
    )  # fmt: skip
    parts = [head, *summary(outcomes)]
    for backend in BACKENDS:
        parts += [part for task in VARIANTS for part in architectures(outcomes, task, backend)]
        parts += families(outcomes, backend)
    parts += [*refusal_rows(refused), *reasons(outcomes)]
    return "\n".join(parts).rstrip("\n") + "\n"


def summary(outcomes: dict[Cell, Outcome]) -> Iterator[str]:
    """The largest difference of every architecture, task and backend."""
    columns = [(task, backend) for backend in BACKENDS for task in VARIANTS]
    yield "\n## Largest difference of each architecture\n"
    yield from header(["", *(f"{TITLES[task].lower()}, {backend}" for task, backend in columns)])
    for name in tiny.ARCHITECTURES:
        values = []
        for task, backend in columns:
            chosen = list(of_task(outcomes, task, backend, name).values())
            values.append(worst(chosen) if chosen else no_head(name, task))
        yield line([NAMES[name], *values])


def no_head(name: str, task: str) -> str:
    """What stands where transformers has no class of that head."""
    return "no such head" if BODIES[task] not in tiny.ARCHITECTURES[name].tasks else "–"


def of_task(
    outcomes: dict[Cell, Outcome], task: str, backend: str, name: str | None = None
) -> dict[tuple[str, str], Outcome]:
    """The cells of architectures, of one or all, by architecture and setting."""
    return {
        (cell.subject.name, cell.variant): outcome
        for cell, outcome in outcomes.items()
        if (cell.subject.task, cell.backend, cell.subject.family) == (task, backend, False)
        and name in (None, cell.subject.name)
    }


def architectures(outcomes: dict[Cell, Outcome], task: str, backend: str) -> Iterator[str]:
    """One table: the architectures in every setting of a task."""
    found = of_task(outcomes, task, backend)
    yield f"\n## {TITLES[task]}, {backend}\n"
    yield from header(["", *(SHORT.get(variant, variant) for variant in VARIANTS[task])])
    for name in dict.fromkeys(name for name, _ in found):
        row = [found.get((name, variant)) for variant in VARIANTS[task]]
        yield line([NAMES[name], *(shown(outcome) for outcome in row)])


def families(outcomes: dict[Cell, Outcome], backend: str) -> Iterator[str]:
    """The twins of published models."""
    yield f"\n## Published families, {backend}\n"
    yield "Their folders' modules, settings, tokenizer options and file layout, with tiny random weights.\n"
    yield from header(["family", "shape of", "task", *FAMILY_VARIANTS], texts=3)
    found = {(cell.subject.name, cell.variant): (cell, outcome) for cell, outcome in outcomes.items()
             if cell.subject.family and cell.backend == backend}  # fmt: skip
    for name, family in FAMILIES.items():
        task = next(task for task, body in BODIES.items() if body == family.task)
        row = [found[name, variant][1] for variant in FAMILY_VARIANTS]
        yield line([name, (family.build.__doc__ or "").partition(":")[0], task, *(shown(outcome) for outcome in row)])


def refusal_rows(refused: dict[str, Outcome]) -> Iterator[str]:
    """Models that airvec must refuse, and what it says."""
    yield "\n## Refused: code of their own\n"
    yield from header(["model", "status", "what `airvec export` says"], texts=3)
    for name, outcome in refused.items():
        yield line([name, outcome.status, outcome.reason])


def reasons(outcomes: dict[Cell, Outcome]) -> Iterator[str]:
    """Every cell that failed, and why."""
    failed = {cell: outcome for cell, outcome in outcomes.items() if outcome.status == FAILED}
    if failed:
        yield "\n## Failed\n"
        yield from header(["cell", "|Δ|", "reason"], texts=3)
    for cell, outcome in failed.items():
        yield line([str(cell), f"{outcome.delta:.1e}", outcome.reason])


def worst(outcomes: Sequence[Outcome]) -> str:
    """The largest difference, and how many cells failed."""
    failed = sum(outcome.status == FAILED for outcome in outcomes)
    found = f"{max(outcome.delta for outcome in outcomes):.1e}"
    return f"{found}, **{failed} failed**" if failed else found


def shown(outcome: Outcome | None) -> str:
    """One cell."""
    if outcome is None:
        return "–"
    return f"{outcome.delta:.1e}" if outcome.status == PASSED else f"**{outcome.status}**"


def header(names: Sequence[str], texts: int = 1) -> Iterator[str]:
    """The first two lines of a table whose first `texts` columns are texts, the others numbers."""
    yield line(names)
    yield line([*["---"] * texts, *["--:"] * (len(names) - texts)])


def line(values: Sequence[str]) -> str:
    """One line of a table."""
    return "| " + " | ".join(value.replace("|", "\\|") for value in values) + " |"


if __name__ == "__main__":
    sys.exit(main())
