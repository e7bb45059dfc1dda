"""Outliers of a site's states move into its weights: states / s, weights × s, the same function in float32.

`s` is made of powers of two, so that dividing by it is exact. It goes into what makes the states where nothing else
reads them: the gain of a normalisation, a factor. In post-norm encoders the residual connection reads them too; there
the states are multiplied once more, in a pass over them, if that saves enough error.
Source: Xiao et al. 2023, SmoothQuant, https://arxiv.org/abs/2211.10438.
Knows nothing of batches and of integer operators.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from onnxscript import ir

from airvec_exporter.quantize.families import Family
from airvec_exporter.quantize.products import Floats, Site, constant, find_sites, is_constant
from airvec_exporter.quantize.scheme import error, scheme_for
from airvec_exporter.quantize.statistics import States
from airvec_exporter.quantize.writer import Writer

ROWS = 512  # samples that a choice is made on
STRENGTHS = (0.3, 0.5, 0.7)  # the share of a channel's range that moves into the weights
GAIN = 0.8  # where it costs a pass, smoothing must save a fifth of the squared error
# Operator → the places of gain and offset among its inputs.
GAINS = {
    "LayerNormalization": (1, 2),
    "RMSNormalization": (1,),
    "SimplifiedLayerNormalization": (1,),
    "SkipLayerNormalization": (2, 3),
    "SkipSimplifiedLayerNormalization": (2,),
}


def smooth(
    model: ir.Model, sites: Sequence[Site], states: Mapping[str, States], kinds: Mapping[str, str], family: Family
) -> tuple[list[Site], dict[str, States]]:
    """Smooth every site where it pays.

    Args:
        model: changed in place; the function it computes stays.
        sites: of the model.
        states: at each site, by its name.
        kinds: `"static"` or `"row"` for each site, by its name.
        family: the CPU's.

    Returns:
        The sites of the changed model, and the states at each.
    """
    graph, found = model.graph, dict(states)
    for site in sites:
        free = _place(site) is not None
        scale = best_scale(states[site.name], site.weights, family, (kinds[site.name], site.bottom), free)
        if scale is None:
            continue
        seen = states[site.name]
        source = _fold(graph, site, scale) if free else _multiply(graph, site, scale)
        _scale_weights(graph, site, scale)
        found[source.name or ""] = States(seen.rows / scale, seen.low / scale, seen.high / scale)
    return find_sites(graph), found


def best_scale(
    states: States, weights: Sequence[Floats], family: Family, way: tuple[str, float | None], free: bool
) -> Floats | None:
    """The scale (k,) that makes the error of a site's products smallest; None = none is worth it.

    Args:
        states: at the site.
        weights: of its products, (k, n) each.
        family: the CPU's.
        way: `"static"` or `"row"`, and the least that a state can be if there is such a bound.
        free: it costs nothing at run time.
    """
    rows = states.rows[:: max(1, len(states.rows) // ROWS)]
    (kind, bottom), best = way, None
    least = error(rows, weights, scheme_for(kind, rows, weights, family, bottom), family) * (1 if free else GAIN)
    for scale in scales(states, weights):
        less, more = rows / scale, [weight * scale[:, None] for weight in weights]
        found = error(less, more, scheme_for(kind, less, more, family), family)
        if found < least:
            best, least = scale, found
    return best


def scales(states: States, weights: Sequence[Floats]) -> Iterator[Floats]:
    """SmoothQuant's scales (k,) at several strengths, rounded to powers of two (equation 4)."""
    reach = np.maximum(np.maximum(np.abs(states.low), np.abs(states.high)), 1e-5)
    matrix = np.maximum(np.max([np.abs(weight).max(axis=1) for weight in weights], axis=0), 1e-5)
    for strength in STRENGTHS:
        scale = reach**strength / matrix ** (1 - strength)
        yield np.exp2(np.rint(np.log2(scale / np.median(scale)))).astype(np.float32)


def _place(site: Site) -> tuple[ir.Node, tuple[int, ...]] | None:
    """The node, and which of its inputs, that can divide the states for nothing."""
    node = site.source.producer()
    if not site.is_alone or node is None or node.outputs[0] is not site.source:
        return None
    if node.op_type == "Mul":
        places = tuple(place for place, value in enumerate(node.inputs) if is_constant(value, 1))
    else:
        places = GAINS.get(node.op_type, ())
    places = tuple(place for place in places if place < len(node.inputs) and node.inputs[place] is not None)
    wide = all(
        is_constant(node.inputs[place], 1) and constant(node.inputs[place]).shape == (site.width,) for place in places
    )
    return (node, places) if places and wide else None


def _fold(graph: ir.Graph, site: Site, scale: Floats) -> ir.Value:
    node, places = _place(site) or (None, ())
    if node is None:
        return site.source
    writer = Writer(graph, f"{site.name}_smoothed")
    for place in places:
        node.replace_input_with(place, writer.constant(constant(node.inputs[place]) / scale))
    return site.source


def _multiply(graph: ir.Graph, site: Site, scale: Floats) -> ir.Value:
    """The states divided by the scale, for the site's products only."""
    writer = Writer(graph, f"{site.name}_smoothed").after(site.source)
    found = writer("Mul", site.source, writer.constant(1 / scale), like=site.source)
    for product in site.products:
        product.node.replace_input_with(0, found)
    return found


def _scale_weights(graph: ir.Graph, site: Site, scale: Floats) -> None:
    for product in site.products:
        writer = Writer(graph, f"{product.name}_smoothed")
        weight = product.weight * scale[:, None]
        product.node.replace_input_with(1, writer.constant(weight.T if product.transposed else weight))
