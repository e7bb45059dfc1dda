"""How fast a graph answers, how long it takes to open, and how large it is.

Medians of as many runs as fit half a second, since the machine does other things too. They tell graphs of one export
apart; they are no benchmark.
Knows nothing of what the answers are.
"""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from airvec.folder import ModelFolder, ModuleSpec, find_graph, weights_beside

SECONDS = 0.4  # that runs of one kind may take together, unless the first alone takes longer
MOST = 25  # runs


def seconds_of(run: Callable[[], object], seconds: float = SECONDS, most: int = MOST) -> float:
    """Median seconds of a run, of at most `most`; no more are begun after `seconds`."""
    found: list[float] = []
    while not found or (sum(found) < seconds and len(found) < most):
        start = perf_counter()
        run()
        found.append(perf_counter() - start)
    return median(found)


def graph_file(folder: ModelFolder, body: ModuleSpec, variant: str) -> Path | None:
    """The graph that a body's variant is; None for tables, which have none."""
    return Path(find_graph(folder, variant, body=body)) if body.type == "Transformer" else None


def graph_bytes(graph: Path) -> int:
    """A graph's size on disk, with its weights where they lie beside it."""
    return sum(Path(file).stat().st_size for file in (graph, *weights_beside(graph)))
