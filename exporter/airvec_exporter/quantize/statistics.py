"""What the states at each site look like on the calibration texts.

Knows nothing of integers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from onnxscript import ir

from airvec_exporter.quantize.products import Floats, Site
from airvec_exporter.quantize.sessions import Batch, outputs

MEMORY = 2**29  # bytes of samples, all sites together
ROWS = 4096  # samples of a site


@dataclass(frozen=True)
class States:
    """`rows` (n, k): some of the states; `low` and `high` (k,): the range of all."""

    rows: Floats
    low: Floats
    high: Floats


def observe(model: ir.Model, sites: Sequence[Site], batches: Sequence[Batch]) -> dict[str, States]:
    """The states at each site, by its name; padding does not count."""
    total = sum(site.width for site in sites)
    wanted = max(64, min(ROWS, MEMORY // (4 * max(1, total))))
    tokens = sum(int(batch["attention_mask"].sum()) for batch in batches)
    step = max(1, tokens // wanted)
    found: dict[str, list[Floats]] = {site.name: [] for site in sites}
    ranges: dict[str, list[tuple[Floats, Floats]]] = {site.name: [] for site in sites}
    for batch, arrays in _run(model, sites, batches):
        for site, array in zip(sites, arrays, strict=True):
            rows = _real(array, batch["attention_mask"])
            found[site.name].append(rows[::step].copy())
            ranges[site.name].append((rows.min(axis=0), rows.max(axis=0)))
    return {name: _joined(found[name], ranges[name]) for name in found}


def _joined(parts: list[Floats], ranges: list[tuple[Floats, Floats]]) -> States:
    low, high = (np.stack(side) for side in zip(*ranges, strict=True))
    return States(np.concatenate(parts), low.min(axis=0), high.max(axis=0))


def _run(model: ir.Model, sites: Sequence[Site], batches: Sequence[Batch]) -> Iterator[tuple[Batch, list[Floats]]]:
    """Each batch with the states of all sites: for the time being they are the graph's outputs."""
    graph = model.graph
    before = list(graph.outputs)
    graph.outputs.clear()
    try:
        for site in sites:
            site.source.type = site.source.type or ir.TensorType(ir.DataType.FLOAT)
            graph.outputs.append(site.source)
        yield from outputs(model, batches)
    finally:
        graph.outputs.clear()
        graph.outputs.extend(before)


def _real(array: Floats, mask: np.ndarray) -> Floats:
    """The states of real tokens, (n, k)."""
    width = array.shape[-1]
    if array.shape[:-1] == mask.shape or array.shape[:-1] == (mask.size,):
        return array.reshape(-1, width)[mask.reshape(-1) > 0]
    return array.reshape(-1, width)
