"""The tables of docs/parity.md, from what became of each cell.

Knows nothing of models and of files.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from tests import tiny
from tests.parity.graphs import FUSED, GRAPHS, INT8, ONNX, OPENVINO
from tests.parity.matrix import (
    BOUNDS,
    FAILED,
    LIKENESS,
    NEIGHBOURS,
    PASSED,
    REFUSED,
    Cell,
    Outcome,
)
from tests.parity.subjects import BODIES, DENSE, RERANK, SPARSE
from tests.parity.variants import VARIANTS
from tests.tiny.families import FAMILIES

PACKAGES = ("sentence-transformers", "transformers", "torch", "onnxruntime", "openvino", "tokenizers")
TITLES = {DENSE: "Dense vectors", SPARSE: "Sparse vectors", RERANK: "Scores of pairs"}
GRAPH_NAMES = {ONNX: "onnx", OPENVINO: "OpenVINO", FUSED: "fused", INT8: "int8"}
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
cell is a test of `make test-parity`.

Versions: {versions}. int8 is that for CPUs of the family `{family}`.

**{passed} cells passed, {failed} failed, {refused} refused.**

A cell is one checkpoint in one setting, run from one graph: *onnx* is the body in float32, *OpenVINO* the same in
OpenVINO's files, *fused* has what comes behind the body inside, *int8* computes with integers. The first two are tried
in every setting, the others as `airvec export` writes them. The checkpoints are tiny and random, their weights drawn
widely, and in every cell the reference's answers are far apart, so that a comparison can fail; the tokenizers
(WordPiece, BPE, Unigram; pad ids 0, 1 and above 400) are trained for the purpose.

A number is the largest |difference| over texts of 1 to 100 words, or pairs of such, in batches by tokens and in mixed
batches of 5. Dense: of elements of unit vectors, and of the vectors' lengths; at most {dense:.0e}. Sparse values and
scores: divided by the reference's largest |value| where that is above 1; at most {sparse:.0e}. A dash is a cell that
cannot be.

int8 states the smallest cosine of a text's vector to the reference's, at least {cosine}; for pairs, how well their
scores follow the reference's (Pearson's correlation), at least {order}. Alone, in batches by tokens and in batches of
5, its answers differ by {moved:.0e} at most.

- *no prompt*: a prompt that pooling leaves out. *cut*: pairs cut to 16 tokens. *3 labels*: softmax over three labels.
- *other side*: padding on the side that the family does not use. Where that moves the reference's own answer (positions
  counted from the first column, heads that read it), ours equals its answer for the text alone.
- *no token types*: a tokenizer that gives none to a model that takes them.
- *saved by 6.2*: the folder as the reference writes it today; the other columns are of its older generations.
- *as exported*: the folder that `airvec export` wrote, in airvec and in the reference; elsewhere the graph lies beside
  the reference's own files, as on the Hub.
- Gemma has no *cls*: it looks back only and opens every text with one token, so all texts have one first vector.
"""

Outcomes = Mapping[Cell, Outcome]


def page(outcomes: Outcomes, refused: Mapping[str, Outcome], family: str) -> str:
    """The whole of docs/parity.md; `family` is of the CPU that int8 was made for."""
    counts = count(outcomes, refused)
    head = EXPLAINED.format(
        versions=", ".join(f"{package} {version(package).partition('-')[0].partition('+')[0]}" for package in PACKAGES),
        dense=BOUNDS[DENSE], sparse=BOUNDS[SPARSE], cosine=LIKENESS[DENSE], order=LIKENESS[RERANK], moved=NEIGHBOURS,
        family=family, **{status: counts[status] for status in (PASSED, FAILED, REFUSED)},
    )  # fmt: skip
    parts = [head, *(part for task in VARIANTS for part in summary(outcomes, task)), *families(outcomes)]
    parts += [*int8_rows(outcomes), *reasons(outcomes), *refusal_rows(refused)]
    parts += [part for name in (ONNX, OPENVINO) for task in VARIANTS for part in in_settings(outcomes, task, name)]
    return "\n".join(parts).rstrip("\n") + "\n"


def count(outcomes: Outcomes, refused: Mapping[str, Outcome]) -> Counter[str]:
    """How many cells of each status there are."""
    return Counter(outcome.status for outcome in (*outcomes.values(), *refused.values()))


def summary(outcomes: Outcomes, task: str) -> Iterator[str]:
    """A line for each architecture: its worst in each graph."""
    yield f"\n## {TITLES[task]}\n"
    yield from header(["", *columns(task)])
    for name in tiny.ARCHITECTURES:
        found = {graph: list(of(outcomes, task, graph, name).values()) for graph in GRAPHS}
        if found[ONNX]:
            yield line([NAMES[name], *(worst(graph, chosen) for graph, chosen in found.items())])
    missing = [NAMES[name] for name, one in tiny.ARCHITECTURES.items() if BODIES[task] not in one.tasks]
    if missing:
        yield f"\nWithout such a head in transformers: {', '.join(missing)}."


def families(outcomes: Outcomes) -> Iterator[str]:
    """The twins of published models."""
    yield "\n## Published families\n"
    yield "Their folders' modules, settings, tokenizer options and file layout, with tiny random weights.\n"
    yield from header(["family", "shape of", "task", *columns(DENSE)[:-1], "int8, cosine or correlation"], texts=3)
    for name, family in FAMILIES.items():
        task = next(task for task, body in BODIES.items() if body == family.task)
        found = [of(outcomes, task, graph, name, family=True).values() for graph in GRAPHS]
        values = [worst(graph, list(chosen)) for graph, chosen in zip(GRAPHS, found, strict=True)]
        yield line([name, (family.build.__doc__ or "").partition(":")[0], task, *values])


def int8_rows(outcomes: Outcomes) -> Iterator[str]:
    """All that is measured of int8."""
    yield "\n## int8\n"
    yield from header(["", "task", "cosine or correlation", "largest |Δ|", "neighbours move"], texts=2)
    for cell, outcome in outcomes.items():
        if cell.graph == INT8:
            numbers = (f"{outcome.likeness:.4f}", f"{outcome.delta:.1e}", f"{outcome.moved:.1e}")
            yield line([NAMES.get(cell.subject.name, cell.subject.name), cell.subject.task, *numbers])


def reasons(outcomes: Outcomes) -> Iterator[str]:
    """Every cell that failed or that the exporter refuses, and why."""
    for status in (FAILED, REFUSED):
        chosen = {cell: outcome for cell, outcome in outcomes.items() if outcome.status == status}
        if chosen:
            yield f"\n## {status.capitalize()}\n"
            yield from header(["cell", "reason"], texts=2)
        yield from (line([str(cell), outcome.reason]) for cell, outcome in chosen.items())


def refusal_rows(refused: Mapping[str, Outcome]) -> Iterator[str]:
    """Models that airvec must refuse, and what it says."""
    yield "\n## Refused: code of their own\n"
    yield from header(["model", "status", "what `airvec export` says"], texts=3)
    for name, outcome in refused.items():
        yield line([name, outcome.status, outcome.reason])


def in_settings(outcomes: Outcomes, task: str, graph: str) -> Iterator[str]:
    """One table: the architectures in every setting of a task."""
    found = of(outcomes, task, graph)
    yield f"\n## {TITLES[task]} in every setting, {GRAPH_NAMES[graph]}\n"
    yield from header(["", *(SHORT.get(variant, variant) for variant in VARIANTS[task])])
    for name in dict.fromkeys(name for name, _ in found):
        row = [found.get((name, variant)) for variant in VARIANTS[task]]
        yield line([NAMES[name], *("–" if one is None else worst(graph, [one]) for one in row)])


def of(
    outcomes: Outcomes, task: str, graph: str, name: str | None = None, *, family: bool = False
) -> dict[tuple[str, str], Outcome]:
    """The cells of one architecture or of all, or of a family, by name and setting."""
    return {
        (cell.subject.name, cell.variant): outcome
        for cell, outcome in outcomes.items()
        if (cell.subject.task, cell.graph, cell.subject.family) == (task, graph, family)
        and name in (None, cell.subject.name)
    }


def worst(graph: str, outcomes: Sequence[Outcome]) -> str:
    """The largest difference or the smallest likeness, and how many cells failed or were refused."""
    passed = [outcome for outcome in outcomes if outcome.status == PASSED]
    found = ""
    if passed:
        exact = GRAPHS[graph].exact
        found = f"{max(one.delta for one in passed):.1e}" if exact else f"{min(one.likeness for one in passed):.4f}"
    others = Counter(outcome.status for outcome in outcomes if outcome.status != PASSED)
    told = [f"**{status}**" if len(outcomes) == 1 else f"**{number} {status}**" for status, number in others.items()]
    return ", ".join([*([found] if found else []), *told])


def columns(task: str) -> tuple[str, ...]:
    """The headings of the graphs: int8 states another number."""
    like = "correlation" if task == RERANK else "cosine"
    return tuple(f"{name}, {like}" if graph == INT8 else name for graph, name in GRAPH_NAMES.items())


def header(names: Sequence[str], texts: int = 1) -> Iterator[str]:
    """The first two lines of a table whose first `texts` columns are texts, the others numbers."""
    yield line(names)
    yield line([*["---"] * texts, *["--:"] * (len(names) - texts)])


def line(values: Sequence[str]) -> str:
    """One line of a table."""
    return "| " + " | ".join(value.replace("|", "\\|") for value in values) + " |"
