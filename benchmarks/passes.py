"""What each pass over a graph brings: throughput, one short text, and the time to open the file.

    python benchmarks/passes.py [--checkpoint FOLDER] [--rounds 15] [--out results/passes.md]

Three models: all-MiniLM-L6-v2, and two of real size with random weights, since speed does not depend on them:
ModernBERT (6 layers of 768, rotary, gated, cls pooling) and MPNet (6 layers of 768, a bias by distance). For each, the
graph as torch's exporter gives it, in a session with ONNX Runtime's settings and in one with airvec's; then the passes
of the default, one more a row; then the default with one of the other passes. Batches of 504 tokens run as airvec runs
bulk, side by side on one thread each. The contenders take turns, and the rates are compared within each turn.
Knows nothing of what the vectors mean: that they stay the same is checked here to 1e-4, and in the tests to 2e-6.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
from measure.datasets import MissingDataError, check_file
from measure.models import CHECKPOINT
from measure.table import markdown
from onnxscript import ir
from torch import nn

from airvec.backends.onnx import SLOW_FUSIONS
from airvec_exporter.graph import trace
from airvec_exporter.heads.pooled import add_head
from airvec_exporter.load import load
from airvec_exporter.modules import Normalize, Pooling
from airvec_exporter.optimize import DEFAULT, optimize
from airvec_exporter.optimize.saving import save

ONE, SHORT, LONG = (1, 12), (42, 12), (6, 84)  # texts, tokens
OTHERS = ("pack_products", "fuse_attention", "skip_layer_norm", "bias_gelu", "gelu_approximation")
PLAIN, OPENED, ALL = "plain, ONNX Runtime's settings", "plain, airvec's settings", "all of them, saved"
BOUND = 1e-4
Batch = dict[str, Any]


@dataclass
class Contender:
    """A graph, what opens it and then its session, and what was measured: seconds by shape, of wall and of CPU."""

    name: str
    session: Any
    matches: int | None = None
    nodes: int = 0
    opening: list[float] = field(default_factory=list)
    wall: dict[tuple[int, int], list[float]] = field(default_factory=dict)
    cpu: dict[tuple[int, int], list[float]] = field(default_factory=dict)


def minilm(checkpoint: Path) -> ir.Model:
    """all-MiniLM-L6-v2 with its modules inside."""
    loaded = load(checkpoint)
    model = trace(loaded.body)
    add_head(model, loaded.route().modules)
    return model


def modernbert(_: Path) -> ir.Model:
    """Six layers of ModernBERT-base, cls pooling."""
    from transformers import ModernBertConfig, ModernBertModel

    special = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
    return _random(ModernBertModel(ModernBertConfig(num_hidden_layers=6, vocab_size=8000, **special)), "cls", True)


def mpnet(_: Path) -> ir.Model:
    """Six layers of MPNet-base, mean pooling."""
    from transformers import MPNetConfig, MPNetModel

    return _random(MPNetModel(MPNetConfig(num_hidden_layers=6, vocab_size=8000)), "mean", False)


def _random(model: nn.Module, mode: str, rotary: bool) -> ir.Model:
    spec = SimpleNamespace(task="feature-extraction")
    body: Any = SimpleNamespace(model=model.eval(), inputs=("input_ids", "attention_mask"), is_rotary=rotary, spec=spec)
    graph = trace(body)
    add_head(graph, [Pooling(768, (mode,)), Normalize()])
    return graph


MODELS: dict[str, Callable[[Path], ir.Model]] = {"all-MiniLM-L6-v2": minilm, "ModernBERT": modernbert, "MPNet": mpnet}


def contenders(plain: Path, scratch: Path) -> Iterator[Contender]:
    """The plain graph twice, then every pass that matches."""
    nodes = len(list(ir.load(plain).graph))
    yield Contender(PLAIN, opened(plain), nodes=nodes)
    yield Contender(OPENED, opened(plain, slow=SLOW_FUSIONS), nodes=nodes)
    for count, name in enumerate(DEFAULT, 1):
        yield from made(f"+ {name}", DEFAULT[:count], plain, scratch / f"{name}.onnx")
    file = scratch / "all.onnx"
    whole = next(made(ALL, DEFAULT, plain, file, needed=False))
    yield Contender(ALL, opened(file, level="ORT_DISABLE_ALL"), nodes=whole.nodes)
    for name in OTHERS:
        yield from made(f"all and {name}", (*DEFAULT, name), plain, scratch / f"{name}.onnx")


def made(name: str, passes: Sequence[str], plain: Path, file: Path, needed: bool = True) -> Iterator[Contender]:
    """The contender of these passes; none if the last of them is `needed` and matches nowhere."""
    model = ir.load(plain)
    matches = optimize(model, passes)[passes[-1]]
    if matches or not needed:
        save(model, file)
        yield Contender(name, opened(file, slow=SLOW_FUSIONS), matches, len(list(model.graph)))


def opened(file: Path, *, level: str = "ORT_ENABLE_ALL", slow: Sequence[str] | None = None) -> Callable[[], Any]:
    """What opens a session on one thread."""

    def session() -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"], disabled_optimizers=list(slow) if slow else None
        )

    return session


def batch(session: Any, shape: tuple[int, int]) -> Batch:
    """Random ids, no padding."""
    ids = np.random.default_rng(0).integers(5, 900, shape)
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    return {node.name: given[node.name] for node in session.get_inputs()}


def measure(found: list[Contender], rounds: int, threads: int) -> None:
    """Open each file a few times, then let the sessions take turns."""
    for _ in range(3):
        for one in found:
            start = time.perf_counter()
            one.session()
            one.opening.append(time.perf_counter() - start)
    for one in found:
        one.session = one.session()
    with ThreadPoolExecutor(threads) as pool:
        for number in range(rounds):
            for shape in (ONE, SHORT, LONG):
                for one in found if number % 2 == 0 else found[::-1]:
                    _turn(one, shape, pool, 1 if shape == ONE else 2 * threads)


def _turn(one: Contender, shape: tuple[int, int], pool: ThreadPoolExecutor, count: int) -> None:
    given = batch(one.session, shape)
    start, used = time.perf_counter(), time.process_time()
    for _ in pool.map(lambda _: one.session.run(None, given), range(count)):
        pass
    one.wall.setdefault(shape, []).append((time.perf_counter() - start) / count)
    one.cpu.setdefault(shape, []).append((time.process_time() - used) / count)


def rows(found: list[Contender]) -> list[dict[str, object]]:
    """A row a contender; rates as multiples of the first two."""
    ours = next(one for one in found if one.name == OPENED)

    def ratio(one: Contender, other: Contender, kind: str, shape: tuple[int, int]) -> float:
        pairs = zip(getattr(other, kind)[shape], getattr(one, kind)[shape], strict=True)
        return statistics.median(before / after for before, after in pairs)

    return [
        {
            "graph": one.name,
            "matches": one.matches,
            "nodes": one.nodes,
            "short ×": ratio(one, found[0], "wall", SHORT),
            "long ×": ratio(one, found[0], "wall", LONG),
            "short, × airvec's": ratio(one, ours, "cpu", SHORT),
            "long, × airvec's": ratio(one, ours, "cpu", LONG),
            "one text, ms": 1000 * statistics.median(one.wall[ONE]),
            "open, ms": 1000 * statistics.median(one.opening),
        }
        for one in found
    ]


def check(found: list[Contender]) -> None:
    """Raise where a contender's vectors are not those of the plain graph, but for GELU by tanh."""
    wanted = found[0].session.run(None, batch(found[0].session, LONG))[0]
    for one in found:
        delta = float(np.abs(one.session.run(None, batch(one.session, LONG))[0] - wanted).max())
        if delta > BOUND and "approximation" not in one.name:
            raise SystemExit(f"{one.name}: vectors differ by {delta:.1e}, expected {BOUND} at most.")


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="all-MiniLM-L6-v2 with torch weights")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS), help="which (all)")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each (%(default)s)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="batches side by side (%(default)s)")
    parser.add_argument("--out", type=Path, help="also write the tables to this file")
    return parser.parse_args()


def main() -> int:
    """Make the graphs, measure, print."""
    options = arguments()
    load_before = os.getloadavg()[0]
    parts: list[str] = []
    for name in options.models:
        with tempfile.TemporaryDirectory() as scratch:
            try:
                check_file(options.checkpoint / "modules.json")
            except MissingDataError as error:
                print(error, file=sys.stderr)
                return 2
            plain = Path(scratch) / "plain.onnx"
            save(MODELS[name](options.checkpoint), plain)
            found = list(contenders(plain, Path(scratch)))
            measure(found, options.rounds, options.threads)
            check(found)
            parts.append(f"**{name}**\n\n{markdown(rows(found))}")
    about = (
        f"onnxruntime {onnxruntime.__version__}, {options.threads} batches side by side on {os.cpu_count()} CPUs, load "
        f"{load_before:.1f} before the start; medians of {options.rounds} turns. short ×, long ×: texts a second "
        "against the first row; × airvec's: CPU time against the second row."
    )
    text = "\n\n".join([*parts, about])
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
