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
from airvec.folder import CLASSIFY, FILL_MASK, ONNX, OPENVINO, graph_names
from airvec_exporter.body import Body
from airvec_exporter.graph import Graph, read_graph
from airvec_exporter.heads.pooled import add_head
from airvec_exporter.heads.splade import fuse
from airvec_exporter.modules import Pooling, SpladePooling
from airvec_exporter.optimize import LEVELS, optimize
from airvec_exporter.optimize.saving import save
from airvec_exporter.quantize.calibration import batches
from airvec_exporter.quantize.distance import Pool
from airvec_exporter.quantize.dynamic import dynamic
from airvec_exporter.quantize.rows import quantize_rows
from airvec_exporter.quantize.weights import quantize_weights

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


def check_variants(names: object) -> tuple[str, ...]:
    """The variants to make, each once and fp32 first, since all others are made from it; `int8` by its family.

    Raises:
        ArgumentError: there is none of that name, or no int8 for this machine's CPU.
    """
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise ArgumentError(f"variants: {names!r}, expected a list of names such as ['fp32', 'int8']. Correct it.")
    for name in names:
        if name not in NAMES:
            raise ArgumentError(f"variants: {name!r}, expected any of {', '.join(NAMES)}. Correct it.")
    own = [f"int8-{own_family()}" if name == "int8" else name for name in names]
    return tuple(dict.fromkeys((FP32, *own)))


def _fused(source: Source) -> Graph:
    model = ir.load(source.portable)
    inside = _add_head(model, source)
    optimize(model)
    save(model, source.file("fused"))
    return replace(read_graph(source.file("fused")), modules=inside, optimized=True)


def _level(name: str, source: Source) -> Graph:
    """One of the reference's levels: the passes, without the head."""
    model = ir.load(source.portable)
    optimize(model, LEVELS[name])
    save(model, source.file(name))
    return replace(read_graph(source.file(name)), optimized=True, precision="float16" if name == "O4" else "float32")


def _int8(family: str, source: Source) -> Graph:
    """Integers that do not depend on the neighbours in a batch; logits over a vocabulary are pooled inside."""
    model = ir.load(source.portable)
    inside = _add_head(model, source) if source.body.spec.task == FILL_MASK and is_splade(source.modules) else ()
    optimize(model)
    recipe = quantize_rows(model, batches(source.body, source.texts), family, pool=_pool(source))
    file = source.file(f"int8-{family}")
    save(model, file)
    made = {"precision": "int8", "family": family, "recipe": recipe.record()}
    return replace(read_graph(file), modules=inside, optimized=True, **made)


def _int4(source: Source) -> Graph:
    model = ir.load(source.portable)
    recipe = quantize_weights(model, batches(source.body, source.texts))
    save(model, source.file("int4"))
    return replace(read_graph(source.file("int4")), optimized=True, precision="int4", recipe=recipe.record())


def _dynamic(source: Source) -> Graph:
    """The reference's dynamic int8 for this machine's CPU."""
    file = source.file("int8-dynamic")
    config = file.stem.removeprefix("model_").partition("_")[2]  # model_qint8_avx512.onnx → avx512
    dynamic(source.portable, file, config)
    recipe = {"method": "onnxruntime.quantize_dynamic", "config": config}
    return replace(read_graph(file), precision="int8", recipe=recipe)


def _openvino(source: Source) -> Graph:
    from airvec_exporter.openvino import write_ir

    write_ir(source.portable, source.file("openvino"))
    return replace(read_graph(source.portable), path=source.file("openvino"), opset=None)


def _openvino_int8(source: Source) -> Graph:
    from airvec_exporter.openvino import write_int8_ir

    file = source.file("openvino-int8")
    found = batches(source.body, source.texts)
    write_int8_ir(source.portable, file, found)
    recipe = {"method": "nncf.quantize", "model_type": "transformer"}
    return replace(read_graph(source.portable), path=file, opset=None, precision="int8", recipe=recipe)


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


def _add_head(model: ir.Model, source: Source) -> tuple[str, ...]:
    """Put all that is behind the body into its graph; the types of what is inside now.

    Raises:
        ArgumentError: texts take several ways behind this body, or a module cannot be inside.
        ExportError: as `airvec_exporter.heads` says.
    """
    if source.body.spec.task == CLASSIFY:
        return ()  # the head is transformers' own
    kinds = [type(module).__name__ for module in source.modules or ()]
    if source.modules is None:
        raise ArgumentError(
            f"variants: 'fused', but texts of {source.name} take several ways behind one body, expected one. "
            "Leave it out."
        )
    if source.body.spec.task != FILL_MASK:
        return add_head(model, source.modules)
    if not is_splade(source.modules):
        raise ArgumentError(
            f"variants: 'fused', but {source.name} has {', '.join(kinds) or 'nothing'} behind its body, expected "
            "SpladePooling alone. Leave it out: only SPLADE models can have their head in a graph of logits."
        )
    fuse(model, source.modules[0])
    return tuple(kinds)
