"""Pooling, Dense, LayerNorm and Normalize inside a graph: `last_hidden_state` → `sentence_embedding`.

Each module of torch becomes a few standard operators with the same numbers, a text without any token included.
Knows nothing of files, of prompts and of tokenizers.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from onnxscript import ir
from onnxscript.ir.passes.common import RemoveUnusedNodesPass
from torch import Tensor, nn

from airvec_exporter.errors import ExportError
from airvec_exporter.heads.tape import Tape
from airvec_exporter.modules import Dense, Dropout, LayerNorm, Normalize, Pooling
from airvec_exporter.modules.normalize import EPSILON
from airvec_exporter.modules.pooling import SMALLEST

INPUT, OUTPUT, TOKENS = "last_hidden_state", "sentence_embedding", "token_embeddings"
BOOL, FLOAT = ir.DataType.BOOL.value, ir.DataType.FLOAT.value  # what Cast makes
REMEDY = "Leave fused out of --variants."
Features = dict[str, ir.Value]


def add_head(model: ir.Model, modules: Iterable[nn.Module]) -> tuple[str, ...]:
    """Put modules behind a body, inside its graph.

    Args:
        model: a graph that gives `last_hidden_state`, float32 (batch, tokens, d); changed in place, to give
            `sentence_embedding`, float32 (batch, dimension).
        modules: the exporter's twins, in order; the first that pools comes before those that need one vector a text.

    Returns:
        The type names of the modules that are inside now.

    Raises:
        ExportError: a module that cannot be inside, or the graph gives something else.
    """
    graph, chosen = model.graph, tuple(modules)
    if [value.name for value in graph.outputs] != [INPUT]:
        given = ", ".join(value.name or "" for value in graph.outputs)
        raise ExportError(f"head: the graph gives {given}, expected {INPUT}. Only bodies of dense models have one.")
    check_modules(chosen)
    tape = Tape(graph, "head")
    mask = next(value for value in graph.inputs if value.name == "attention_mask")
    features = {TOKENS: graph.outputs[0], "attention_mask": mask}
    for module in chosen:
        WRITERS[type(module)](tape, module, features)
    result = tape("Identity", features[OUTPUT])
    width = next(_width(module) for module in reversed(chosen) if _width(module) is not None)
    result.name, result.type, result.shape = OUTPUT, ir.TensorType(ir.DataType.FLOAT), ir.Shape(["batch", width])
    graph.outputs[0] = result
    RemoveUnusedNodesPass()(model)
    return tuple(type(module).__name__ for module in chosen)


def check_modules(modules: Sequence[nn.Module]) -> None:
    """Refuse modules that cannot be inside a graph.

    Raises:
        ExportError: one of them, or none that pools.
    """
    for module in modules:
        _check(module)
    if not any(isinstance(module, Pooling) for module in modules):
        names = ", ".join(type(module).__name__ for module in modules) or "no module"
        raise ExportError(f"head: {names} behind the body, expected Pooling among them. {REMEDY}")


def _check(module: nn.Module) -> None:
    name = type(module).__name__
    if type(module) not in WRITERS:
        known = ", ".join(kind.__name__ for kind in WRITERS)
        raise ExportError(f"head: {name} behind the body, expected one of {known}. {REMEDY}")
    if isinstance(module, Pooling) and not module.include_prompt:
        raise ExportError(
            f"head: {name} with include_prompt {module.include_prompt}, expected True, as the prompt's length is known "
            f"only when texts come. {REMEDY}"
        )
    if isinstance(module, Dense | Normalize) and module.names[1] not in (OUTPUT, TOKENS):
        raise ExportError(f"head: {name} gives {module.names[1]!r}, expected {OUTPUT!r}. {REMEDY}")


def _width(module: nn.Module) -> int | None:
    """The dimension of the vectors that a module makes; None where it keeps that."""
    if isinstance(module, Dense) and module.names[1] == OUTPUT:
        return module.linear.out_features
    return module.dimension * len(module.modes) if isinstance(module, Pooling) else None


def _read(features: Features, module: nn.Module, name: str) -> ir.Value:
    if name not in features:
        raise ExportError(
            f"head: {type(module).__name__} reads {name!r}, expected one of {', '.join(features)}. "
            "Put Pooling before it."
        )
    return features[name]


def _dense(tape: Tape, module: Dense, features: Features) -> None:
    given = _read(features, module, module.names[0])
    linear = module.linear
    result = tape("MatMul", given, _weight(tape, linear.weight.T))
    if linear.bias is not None:
        result = tape("Add", result, _weight(tape, linear.bias))
    result = _activated(tape, module.function, result)
    if module.use_residual:
        other = tape("MatMul", given, _weight(tape, module.residual.weight.T)) if _has_residual(module) else given
        result = tape("Add", result, other)
    features[module.names[1]] = result


def _has_residual(module: Dense) -> bool:
    return hasattr(module, "residual")


def _activated(tape: Tape, function: nn.Module, given: ir.Value) -> ir.Value:
    if isinstance(function, nn.Identity):
        return given
    if isinstance(function, nn.SiLU):
        return tape("Mul", given, tape("Sigmoid", given))
    return tape({nn.Tanh: "Tanh", nn.ReLU: "Relu", nn.GELU: "Gelu", nn.Sigmoid: "Sigmoid"}[type(function)], given)


def _layer_norm(tape: Tape, module: LayerNorm, features: Features) -> None:
    norm = module.norm
    weights = _weight(tape, norm.weight), _weight(tape, norm.bias)
    given = _read(features, module, OUTPUT)
    features[OUTPUT] = tape("LayerNormalization", given, *weights, settings={"axis": -1, "epsilon": norm.eps})


def _normalize(tape: Tape, module: Normalize, features: Features) -> None:
    given = _read(features, module, module.names[0])
    length = tape("ReduceL2", given, tape.constant([-1]), settings={"keepdims": 1})
    least = tape("Max", length, tape.constant(EPSILON, np.float32))
    features[module.names[1]] = tape("Div", given, least)


def _dropout(_tape: Tape, module: Dropout, features: Features) -> None:
    _read(features, module, OUTPUT)


def _weight(tape: Tape, weight: Tensor) -> ir.Value:
    return tape.constant(weight.detach().cpu().float().contiguous().numpy(), np.float32)


def _pooling(tape: Tape, module: Pooling, features: Features) -> None:
    states, mask = _read(features, module, TOKENS), features["attention_mask"]
    pooled = [POOLS[mode](tape, states, mask) for mode in module.modes]
    features[OUTPUT] = pooled[0] if len(pooled) == 1 else tape("Concat", *pooled, settings={"axis": -1})


def _cls(tape: Tape, states: ir.Value, mask: ir.Value) -> ir.Value:
    return tape("GatherND", states, _first(tape, mask), settings={"batch_dims": 1})


def _max(tape: Tape, states: ir.Value, mask: ir.Value) -> ir.Value:
    real = tape("Unsqueeze", tape("Cast", mask, settings={"to": BOOL}), tape.constant([-1]))
    kept = tape("Where", real, states, tape.constant(-np.inf, np.float32))
    return tape("ReduceMax", kept, tape.constant([1]), settings={"keepdims": 0})


def _mean(tape: Tape, states: ir.Value, mask: ir.Value) -> ir.Value:
    weights = tape("Cast", mask, settings={"to": FLOAT})
    return tape("Div", _sum(tape, states, weights), _divisor(tape, weights))


def _mean_sqrt(tape: Tape, states: ir.Value, mask: ir.Value) -> ir.Value:
    weights = tape("Cast", mask, settings={"to": FLOAT})
    return tape("Div", _sum(tape, states, weights), tape("Sqrt", _divisor(tape, weights)))


def _weightedmean(tape: Tape, states: ir.Value, mask: ir.Value) -> ir.Value:
    """Weights 1, 2, 3 … from a text's first token."""
    length = tape("Squeeze", tape("Shape", mask, settings={"start": 1, "end": 2}))
    one = tape.constant(1)
    places = tape("Range", one, tape("Add", length, one), one)  # 1 … tokens
    weights = tape("Cast", tape("Mul", mask, tape("Sub", places, _first(tape, mask))), settings={"to": FLOAT})
    return tape("Div", _sum(tape, states, weights), _divisor(tape, weights))


def _lasttoken(tape: Tape, states: ir.Value, mask: ir.Value) -> ir.Value:
    last = tape("ArgMax", mask, settings={"axis": 1, "keepdims": 1, "select_last_index": 1})
    found = tape("GatherND", states, last, settings={"batch_dims": 1})
    there = tape("ReduceMax", mask, tape.constant([1]), settings={"keepdims": 1})  # a text without any token: zeros
    return tape("Mul", found, tape("Cast", there, settings={"to": FLOAT}))


def _first(tape: Tape, mask: ir.Value) -> ir.Value:
    """The place of each text's first token, int64 (batch, 1)."""
    return tape("ArgMax", mask, settings={"axis": 1, "keepdims": 1})


def _sum(tape: Tape, states: ir.Value, weights: ir.Value) -> ir.Value:
    """(batch, tokens, d), (batch, tokens) → (batch, d)."""
    axis = tape.constant([1])
    return tape("Squeeze", tape("MatMul", tape("Unsqueeze", weights, axis), states), axis)


def _divisor(tape: Tape, weights: ir.Value) -> ir.Value:
    total = tape("ReduceSum", weights, tape.constant([1]), settings={"keepdims": 1})
    return tape("Max", total, tape.constant(SMALLEST, np.float32))


POOLS: dict[str, Callable[[Tape, ir.Value, ir.Value], ir.Value]] = {
    "cls": _cls,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt,
    "weightedmean": _weightedmean,
    "lasttoken": _lasttoken,
}
WRITERS: dict[type[nn.Module], Callable[..., None]] = {
    Pooling: _pooling,
    Dense: _dense,
    LayerNorm: _layer_norm,
    Normalize: _normalize,
    Dropout: _dropout,
}
