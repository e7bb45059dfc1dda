"""Where a session's time goes: ONNX Runtime's own profile of exported graphs, by kind of operator.

    python benchmarks/operators.py             # half a minute once the models are there; writes results/operators.md
    python benchmarks/operators.py --quick     # to see that it works; prints only

One thread and nothing beside it, random ids without padding, sessions with airvec's settings; airvec itself runs two
batches side by side. Shares are of all operators' time. The rate of the products counts two FLOPs a weight and token.
Knows nothing of other libraries, tokenizers and what is done behind a graph.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from measure.models import CHECKPOINT, make_models
from measure.report import machine, machine_line
from measure.suite import CACHE, RESULTS, exit_code
from measure.table import markdown

from airvec.backends.onnx import SLOW_FUSIONS
from airvec.folder import graph_record, read_folder, variants_of

MODELS = ("airvec", "reranker", "splade")
PRODUCTS, REST = "products with weights", "all else"
KINDS: Mapping[str, tuple[str, ...]] = {
    PRODUCTS: ("MatMul", "Gemm", "FusedMatMul", "FusedGemm", "MatMulIntegerToFloat", "MatMulInteger"),
    "attention": ("Attention",),
    "sums, biases": ("Add",),
    "GELU": ("Gelu",),
    "layer normalisations": ("LayerNormalization", "SkipLayerNormalization"),
}
CONVERSIONS = {"to integers and back": ("ReduceMin", "ReduceMax", "Max", "Neg", "Div", "Mul", "QuantizeLinear")}
LOGITS = {"largest logit of each word": ("ReduceMax",)}
WARM = 3
RUN, KERNEL = "model_run", "_kernel_time"


@dataclass(frozen=True)
class Case:
    """A column: a graph, and the batch that it runs, (texts, tokens)."""

    label: str
    graph: Path
    batch: tuple[int, int]
    optimized: bool = False

    @property
    def kinds(self) -> Mapping[str, tuple[str, ...]]:
        """Operators by kind: graphs in int8 take extremes of values, others of logits."""
        return {**KINDS, **(CONVERSIONS if self.label.startswith("int8") else LOGITS)}


def cases(models: Mapping[str, Path]) -> list[Case]:
    """All columns; batches as the planner cuts them of short texts, long ones, pairs and documents."""
    dense, reranker, splade = (models[name] for name in MODELS)
    return [
        case("fp32, 42 × 12 tokens", dense, "fp32", (42, 12)),
        case("fp32, 6 × 83", dense, "fp32", (6, 83)),
        case("int8, 42 × 12", dense, "int8", (42, 12)),
        case("int8, 6 × 83", dense, "int8", (6, 83)),
        case("reranker, 5 × 97", reranker, "fp32", (5, 97)),
        case("SPLADE, 3 × 83", splade, "fused", (3, 83)),
    ]


def case(label: str, folder: Path, variant: str, batch: tuple[int, int]) -> Case:
    """A variant of a folder; "int8" is whichever the folder has."""
    model = read_folder(folder)
    graphs = variants_of(model).items()
    graph = next(file for name, file in graphs if name == variant or name.startswith(f"{variant}-"))
    record = graph_record(model, graph)
    return Case(label, Path(graph), batch, record is not None and record.optimized)


def profile(one: Case, runs: int) -> list[dict[str, Any]]:
    """The events of a session's profile over so many runs, after some that warm it."""
    with tempfile.TemporaryDirectory() as scratch:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_mem_pattern = False
        if one.optimized:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.enable_profiling, options.profile_file_prefix = True, str(Path(scratch) / "profile")
        session = onnxruntime.InferenceSession(
            str(one.graph), options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOW_FUSIONS
        )
        ids = np.random.default_rng(0).integers(1000, 20_000, one.batch)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        for _ in range(WARM + runs):
            session.run(None, {node.name: given[node.name] for node in session.get_inputs()})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    starts = sorted(event["ts"] for event in events if event["name"] == RUN)
    return [event for event in events if event["ts"] >= starts[WARM]]


def by_kind(events: Iterable[Mapping[str, Any]], kinds: Mapping[str, Sequence[str]], runs: int) -> Counter[str]:
    """Milliseconds of each kind of operator in one run."""
    names = {operator: kind for kind, operators in kinds.items() for operator in operators}
    found: Counter[str] = Counter()
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith(KERNEL):
            found[names.get(event["args"]["op_name"], REST)] += event["dur"] / 1000 / runs
    return found


def product_flops(events: Iterable[Mapping[str, Any]], runs: int) -> float:
    """FLOPs of the products of one run: two for each row, input and output."""
    flops = 0.0
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith(KERNEL) and event["args"]["op_name"] in KINDS[PRODUCTS]:
            (left,), (result,) = (
                next(iter(event["args"][f"{side}_type_shape"])).values() for side in ("input", "output")
            )
            flops += 2 * float(np.prod(result)) * left[-1] / runs
    return flops


def table(found: Mapping[str, tuple[Counter[str], float]]) -> str:
    """A row a kind, a column a case: milliseconds, and the share of the run; last, the rate of the products."""
    kinds = [*KINDS, *CONVERSIONS, *LOGITS, REST]
    rows = [
        {"operators": kind, **{label: _share(times, kind) for label, (times, _) in found.items()}} for kind in kinds
    ]
    rates = {label: f"{flops / times[PRODUCTS] / 1e6:,.0f}" for label, (times, flops) in found.items()}
    return markdown([*rows, {"operators": "products, GFLOP/s", **rates}])


def _share(times: Counter[str], kind: str) -> str:
    return f"{times[kind]:.1f} ms, {100 * times[kind] / times.total():.0f} %" if times[kind] else "–"


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="all-MiniLM-L6-v2 with torch weights")
    parser.add_argument("--environments", type=Path, default=CACHE / "environments", help="folder of environments")
    parser.add_argument("--runs", type=int, default=30, help="runs of each batch (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="two runs; saves nothing")
    return parser.parse_args()


def run(options: argparse.Namespace) -> None:
    """Profile, print, and save a full run."""
    here, runs = machine(), 2 if options.quick else options.runs
    models = make_models(options.checkpoint, None, CACHE, options.environments, MODELS)
    found: dict[str, tuple[Counter[str], float]] = {}
    for one in cases(models):
        events = profile(one, runs)
        found[one.label] = by_kind(events, one.kinds, runs), product_flops(events, runs)
    text = (
        f"{table(found)}\n\nMeans of {runs} runs on one thread, onnxruntime {onnxruntime.__version__}. "
        f"{machine_line(here)}\n"
    )
    print(text)
    if not options.quick:
        (RESULTS / "operators.md").write_text(text, encoding="utf-8")


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    options = arguments()
    return exit_code(lambda: run(options))


if __name__ == "__main__":
    sys.exit(main())
