"""The variants of a graph: how each is made from the portable one.

    portable graph → [head] → [passes] → [integers] → file

Which variant is made how, is one dict: `MAKERS`.
Knows nothing of how graphs are traced and verified.
"""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from onnxscript import ir
from torch import nn

from airvec.arrays import Floats, Integers
from airvec.cpu import FAMILIES, families
from airvec.errors import ArgumentError
from airvec.folder import CLASSIFY, FILL_MASK, ONNX, OPENVINO, graph_names, runs_here
from airvec_exporter.body import Body
from airvec_exporter.graph import Graph, read_graph
from airvec_exporter.heads.pooled import add_head, check_modules
from airvec_exporter.heads.splade import fuse
from airvec_exporter.modules import Pooling, SpladePooling
from airvec_exporter.openvino import check_packages, write_ir
from airvec_exporter.optimize import LEVELS, optimize
from airvec_exporter.quantize.calibration import batches
from airvec_exporter.quantize.distance import Pool
from airvec_exporter.quantize.dynamic import CONFIGS
from airvec_exporter.quantize.rows import quantize_rows
from airvec_exporter.quantize.weights import quantize_weights
from airvec_exporter.writing import write, write_dynamic, write_openvino_int8, write_optimized

FP32 = "fp32"


@dataclass(frozen=True)
class Source:
    """What a variant is made from.

    `modules` are those behind the body; None where texts take several ways behind it, so that none can be inside.
    `portable` is the graph of the body alone, `home` the body's folder in the new model folder, `texts` those to
    calibrate on (None = our own).
    """

    name: str
    body: Body
    modules: nn.Sequential | None
    portable: Path
    home: Path
    texts: Sequence[str] | None = None

    def file(self, variant: str) -> Path:
        """Where the graph of a variant goes."""
        kind = OPENVINO if variant.startswith(OPENVINO) else ONNX
        return self.home / kind / graph_names(variant)[0]


Maker = Callable[[Source], Graph]


def make_variant(name: str, source: Source) -> Graph:
    """Make a graph beside the portable one.

    Args:
        name: of the variant, one of `MAKERS`.
        source: what to make it from.

    Raises:
        ArgumentError: it needs a head that this model has not, or another CPU.
        ExportError: the graph cannot be changed so.
        MissingPackageError: it needs openvino or nncf.
    """
    source.file(name).parent.mkdir(parents=True, exist_ok=True)
    return MAKERS[name](source)


def check_variants(names: object, *, accept_worse: bool = False) -> tuple[str, ...]:
    """The variants to make, each once and fp32 first, since all others are made from it; `int8` by its family.

    Args:
        names: those that the caller names.
        accept_worse: make graphs too that this CPU cannot verify.

    Raises:
        ArgumentError: there is none of that name, no int8 for this machine's CPU, or one that this CPU cannot verify.
        MissingPackageError: openvino or nncf, for a graph of OpenVINO, is not installed.
    """
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise ArgumentError(f"variants: {names!r}, expected a list of names such as ['fp32', 'int8']. Correct it.")
    for name in names:
        if name not in NAMES:
            raise ArgumentError(f"variants: {name!r}, expected any of {', '.join(NAMES)}. Correct it.")
        family = str(name).removeprefix("int8-")
        if family in FAMILIES and not (runs_here(family) or accept_worse):
            raise ArgumentError(
                f"variants: {name!r}, but this CPU has no {family}, so nobody could verify the graph, expected one "
                "that runs here. Export on a CPU with it, or pass --accept-worse."
            )
        if name.startswith(OPENVINO):
            check_packages(int8=name.endswith("int8"))
    own = [f"int8-{own_family()}" if name == "int8" else name for name in names]
    return tuple(dict.fromkeys((FP32, *own)))


def check_model(names: Sequence[str], title: str, ways: Sequence[tuple[Body, nn.Sequential | None]]) -> None:
    """Refuse variants that a model cannot have, before any work.

    Args:
        names: as `check_variants` gives them.
        title: the model's name.
        ways: its bodies, each with what is behind it, as in `Source`.

    Raises:
        ArgumentError: it is a model of tables, without any graph, or its head cannot be inside one.
        ExportError: a module behind a body cannot be inside a graph.
    """
    graphs = [(body, modules) for body, modules in ways if not body.is_table]
    asked = [name for name in names if name != FP32]
    if asked and not graphs:
        kinds = ", ".join(body.spec.type for body, _ in ways)
        raise ArgumentError(
            f"variants: {asked[0]!r}, but {title} has no Transformer to make a graph of, only {kinds}. Leave it out."
        )
    for body, modules in graphs if "fused" in names else ():
        _check_head(title, body, modules)


def _fused(source: Source) -> Graph:
    model = ir.load(source.portable)
    inside = _add_head(model, source, "fused")
    optimize(model)
    return replace(write(model, source.file("fused")), modules=inside)


def _level(name: str, source: Source) -> Graph:
    """One of the reference's levels: the passes, without the head."""
    return write_optimized(source.portable, source.file(name), LEVELS[name])


def _int8(family: str, source: Source) -> Graph:
    """Integers that do not depend on the neighbours in a batch; logits over a vocabulary are pooled inside."""
    model = ir.load(source.portable)
    name = f"int8-{family}"
    inside = _add_head(model, source, name) if source.body.spec.task == FILL_MASK and is_splade(source.modules) else ()
    optimize(model)
    recipe = quantize_rows(model, batches(source.body, source.texts), family, pool=_pool(source))
    made = {"precision": "int8", "family": family, "recipe": recipe.record()}
    return replace(write(model, source.file(name)), modules=inside, **made)


def _int4(source: Source) -> Graph:
    model = ir.load(source.portable)
    optimize(model)
    recipe = quantize_weights(model, batches(source.body, source.texts))
    return replace(write(model, source.file("int4")), precision="int4", recipe=recipe.record())


def _dynamic(source: Source) -> Graph:
    """The reference's dynamic int8 for this machine's CPU."""
    file = source.file("int8-dynamic")
    config = next(name for name, one in CONFIGS.items() if one.file == file.name)
    return write_dynamic(source.portable, file, config)


def _openvino(source: Source) -> Graph:
    write_ir(source.portable, source.file("openvino"))
    return replace(read_graph(source.portable), path=source.file("openvino"), opset=None)


def _openvino_int8(source: Source) -> Graph:
    found = batches(source.body, source.texts)
    return write_openvino_int8(source.portable, source.file("openvino-int8"), found)


MAKERS: dict[str, Maker] = {
    "fused": _fused,
    **{f"int8-{family}": partial(_int8, family) for family in FAMILIES},
    "int8-dynamic": _dynamic,
    "int4": _int4,
    "openvino": _openvino,
    "openvino-int8": _openvino_int8,
    **{name: partial(_level, name) for name in LEVELS},
}


NAMES = (FP32, "int8", *MAKERS)


def own_family() -> str:
    """The best family of this machine's CPU.

    Raises:
        ArgumentError: airvec has no int8 graphs for it.
    """
    found = families()
    if not found:
        raise ArgumentError(
            f"variants: 'int8' on a CPU of kind {platform.machine()!r}, expected x86-64 or arm64. "
            f"Name the family that the graph is for: {', '.join(f'int8-{family}' for family in FAMILIES)}."
        )
    return found[0]


def is_splade(modules: nn.Sequential | None) -> bool:
    """Whether what is behind a body is SPLADE pooling alone."""
    return modules is not None and len(modules) == 1 and isinstance(modules[0], SpladePooling)


def _pool(source: Source) -> Pool | None:
    """How one vector is made of a text's states; None = by their mean, or its graph does that itself."""
    found = [module for module in source.modules or () if isinstance(module, Pooling)]
    if not found or found[0].modes == ("mean",):
        return None

    def pool(states: Floats, mask: Integers) -> Floats:
        features = {"token_embeddings": torch.from_numpy(states), "attention_mask": torch.from_numpy(mask)}
        with torch.inference_mode():
            return found[0](features)["sentence_embedding"].numpy()

    return pool


def _add_head(model: ir.Model, source: Source, variant: str) -> tuple[str, ...]:
    """Put all that is behind the body into its graph; the types of what is inside now.

    Raises:
        ArgumentError: texts take several ways behind this body, or a module cannot be inside.
        ExportError: as `airvec_exporter.heads` says.
    """
    modules = _check_head(source.name, source.body, source.modules)
    if source.body.spec.task == CLASSIFY:
        return ()  # the head is transformers' own
    if source.body.spec.task != FILL_MASK:
        return add_head(model, modules)
    fuse(model, modules[0], variant)
    return tuple(type(module).__name__ for module in modules)


def _check_head(title: str, body: Body, modules: nn.Sequential | None) -> nn.Sequential:
    """The modules behind a body, if they can be inside its graph; errors as `check_model`."""
    if body.spec.task == CLASSIFY:
        return nn.Sequential()
    if modules is None:
        raise ArgumentError(
            f"variants: 'fused', but texts of {title} take several ways behind one body, expected one. Leave it out."
        )
    if body.spec.task != FILL_MASK:
        check_modules(tuple(modules))
    elif not is_splade(modules):
        kinds = ", ".join(type(module).__name__ for module in modules) or "nothing"
        raise ArgumentError(
            f"variants: 'fused', but {title} has {kinds} behind its body, expected SpladePooling alone. Leave it out: "
            "only SPLADE models can have their head in a graph of logits."
        )
    return modules
