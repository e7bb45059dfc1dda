"""int8 that does not depend on the neighbours in a batch: the products of a graph in integers, each text by itself.

In order: the states at each site are observed on calibration texts, their outliers smoothed into the weights, products
replaced, tables of embeddings made int8. If a text then moves further than the bound, the sites that cost most stay in
float32, ranked by quantising one at a time.
Knows nothing of tokenizers, torch and files.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from onnxscript import ir
from onnxscript.ir.passes.common import LiftConstantsToInitializersPass, RemoveUnusedNodesPass

from airvec_exporter.errors import ExportError
from airvec_exporter.quantize.distance import Pool, answers, distances
from airvec_exporter.quantize.embedding_table import quantize_tables
from airvec_exporter.quantize.families import Family, find_family
from airvec_exporter.quantize.folding import fold_weights
from airvec_exporter.quantize.operators import replace_site
from airvec_exporter.quantize.products import Floats, Site, find_sites, is_constant
from airvec_exporter.quantize.scheme import scheme_for
from airvec_exporter.quantize.sensitivity import to_keep
from airvec_exporter.quantize.sessions import Batch
from airvec_exporter.quantize.smoothing import smooth
from airvec_exporter.quantize.statistics import States, observe
from airvec_exporter.quantize.writer import CONTRIB

ACTIVATIONS = ("mixed", "static", "row")
NORMALISED = (
    "LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization", "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization",
)  # fmt: skip
# Of the distance to float32 on calibration texts: a cosine of 0.995, so that other texts, too, stay above 0.99.
# At 0.12, tiny random models came to 0.989 on texts that were not among them.
BOUND = 0.1

Plan = tuple[Mapping[str, States], Family, str]  # states by site, family, activations


@dataclass(frozen=True)
class Recipe:
    """What was done to a graph, for the manifest.

    `kept` names the products that stay in float32; `distance` is the largest over the calibration texts.
    """

    family: str
    bits: int
    activations: str
    static: int
    row: int
    tables: int
    kept: tuple[str, ...]
    distance: float
    calibration: str

    def record(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {**asdict(self), "kept": list(self.kept)}


def quantize_rows(
    model: ir.Model,
    batches: Sequence[Batch],
    family: str,
    *,
    activations: str = "mixed",
    bound: float = BOUND,
    smoothing: bool = True,
    pool: Pool | None = None,
) -> Recipe:
    """Change a float32 graph to int8, in place.

    Args:
        model: with inputs `input_ids`, `attention_mask` and perhaps `token_type_ids`.
        batches: calibration texts as the graph takes them, int64 (batch, tokens) each.
        family: `"x86"`, `"vnni"` or `"arm64"`.
        activations: how states become integers: `"row"`, each row by its own magnitude; `"static"`, by the range of the
            calibration texts; `"mixed"`, static behind normalisations, whose range is bounded, and by row elsewhere.
        bound: the distance from float32 above which products stay as they are, from 0 up.
        smoothing: move outliers into the weights.
        pool: what the model makes of the states, if they are what the graph gives; None = their mean.

    Raises:
        ExportError: no such family or way, no calibration texts, or no product to change.
    """
    chosen = find_family(family)
    if activations not in ACTIVATIONS:
        raise ExportError(f"activations: {activations!r}, expected one of {', '.join(ACTIVATIONS)}. Choose one.")
    sites = check(model, batches)
    reference = answers(model, batches, pool)
    states = observe(model, sites, batches)
    if smoothing:
        kinds = {site.name: _kind(site, activations) for site in sites}
        sites, states = smooth(model, sites, states, kinds, chosen)
    kept = _kept(model, batches, reference, (states, chosen, activations), bound, pool)
    left = {site.name: _kind(site, activations) for site in sites if site.name not in kept}
    names = tuple(product.name for site in sites if site.name in kept for product in site.products)
    _replace(model, list(left), states, chosen, activations)
    tables = quantize_tables(model)
    finish(model)
    kinds = list(left.values())
    return Recipe(
        family, chosen.bits, activations, kinds.count("static"), kinds.count("row"), tables,
        names, float(distances(reference, answers(model, batches, pool)).max()), calibration_digest(batches),
    )  # fmt: skip


def check(model: ir.Model, batches: Sequence[Batch]) -> list[Site]:
    """The sites of a float32 graph, made ready to be changed.

    Raises:
        ExportError: no calibration texts, or no product to change.
    """
    if not batches:
        raise ExportError(f"calibration: {len(batches)} batches of texts, expected some. Give texts.")
    LiftConstantsToInitializersPass(lift_all_constants=False)(model)
    fold_weights(model.graph)
    sites = find_sites(model.graph)
    if not sites:
        kinds = sorted({node.op_type for node in model.graph})
        raise ExportError(
            f"graph: no product with a constant float32 matrix among {', '.join(kinds)}, expected some. "
            "Quantise the float32 graph, and only once."
        )
    return sites


def _kind(site: Site, activations: str) -> str:
    """Static where a normalisation bounds the range, a factor behind it aside; by row elsewhere."""
    if activations != "mixed":
        return activations
    node = site.source.producer()
    if node is not None and node.op_type == "Mul" and any(is_constant(value, 1) for value in node.inputs):
        node = next((value.producer() for value in node.inputs if value and not is_constant(value, 1)), None)
    return "static" if node is not None and node.op_type in NORMALISED else "row"


def _replace(
    model: ir.Model, names: Sequence[str], states: Mapping[str, States], family: Family, activations: str
) -> None:
    for name in names:
        # Anew each time: one site's product may make the states of the next, as in factorised embeddings.
        site = next(site for site in find_sites(model.graph) if site.name == name)
        scheme = scheme_for(_kind(site, activations), states[site.name].rows, site.weights, family, site.bottom)
        replace_site(model.graph, site, scheme, family, states[site.name].rows)


def finish(model: ir.Model) -> None:
    """Drop what nothing reads any more, and name the operators' domain."""
    model.graph.opset_imports.setdefault(CONTRIB, 1)
    RemoveUnusedNodesPass()(model)


def _kept(
    model: ir.Model, batches: Sequence[Batch], reference: Floats, plan: Plan, bound: float, pool: Pool | None
) -> frozenset[str]:
    """The sites that stay in float32: as few of the costliest as bring every text within the bound."""

    def distance(names: Sequence[str]) -> float:
        trial = model.clone()
        _replace(trial, names, *plan)
        finish(trial)
        return float(distances(reference, answers(trial, batches, pool)).max())

    names = [site.name for site in find_sites(model.graph)]
    return frozenset(to_keep(names, distance, bound))


def calibration_digest(batches: Sequence[Batch]) -> str:
    """Twelve digits that stand for the calibration texts."""
    digest = hashlib.sha256()
    for batch in batches:
        digest.update(repr(batch["input_ids"].shape).encode() + batch["input_ids"].astype("<i8").tobytes())
    return digest.hexdigest()[:12]
