"""A body → `onnx/model.onnx`, by torch's dynamo exporter and the passes that stay within standard operators.

Opset 23 keeps Attention, Gelu and LayerNormalization as one node each. Stack traces with local paths are stripped, so
that two exports give the same bytes. The older exporter (`dynamo=False`) bakes the mask in and is never used.
Source: the measurements in the project's export recipe.
Knows nothing of tokenizers, of the modules behind the body and of the folder.
"""

import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from onnxscript import ir
from torch import Tensor, nn

from airvec_exporter.body import OUTPUTS, Body
from airvec_exporter.errors import ExportError
from airvec_exporter.optimize import PORTABLE, optimize
from airvec_exporter.optimize.saving import save

OPSET = 23
BATCH, LENGTH = 2, 7  # of the example: 1 would be taken for a constant


@dataclass(frozen=True)
class Graph:
    """What was written: file, interface, how many nodes there are of each kind, and how it was made.

    `modules` are the types of the modules behind the body that it holds, `optimized` says that it needs no work when it
    is opened, `family` names the CPUs that it was made for (None = any), `recipe` how it was quantised.
    """

    path: Path
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    opset: int | None
    nodes: dict[str, int]
    modules: tuple[str, ...] = ()
    optimized: bool = False
    precision: str = "float32"
    family: str | None = None
    recipe: dict[str, Any] = field(default_factory=dict[str, Any])


class Wrapper(nn.Module):
    """A model with positional inputs and one output."""

    def __init__(self, model: nn.Module, rotary: bool, output: str) -> None:
        super().__init__()
        self.body, self.rotary, self.output = model, rotary, output  # `body` begins the names of weights in the graph

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        """(batch, tokens) int64 each -> (batch, tokens, d or vocabulary), or (batch, labels)."""
        named: dict[str, Tensor] = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        if self.rotary:
            # Without them the rotation tables get batch size 1, which ONNX Runtime does not spread.
            batch, length = input_ids.shape
            named["position_ids"] = torch.arange(length)[None].expand(batch, length)
        return getattr(self.body(input_ids=input_ids, attention_mask=attention_mask, **named), self.output)


def write_portable(body: Body, home: Path) -> Graph:
    """Trace a body and write it to `model.onnx` in `home`, which is made if it is not there.

    It holds what the passes of `PORTABLE` leave: the numbers of the traced graph, faster, for any runtime.

    Raises:
        ExportError: torch cannot trace this architecture, or the graph is not what was asked for.
    """
    model = trace(body)
    with _quiet_torch():
        optimize(model, PORTABLE)
    graph = write_graph(model, home / "model.onnx")
    _check(graph, body.inputs, OUTPUTS[body.spec.task][0])
    return graph


def trace(body: Body) -> ir.Model:
    """A body as a graph in memory, without a trace of this machine.

    Raises:
        ExportError: torch cannot trace this architecture.
    """
    model, names, size = body.model, body.inputs, body.model.config.vocab_size
    output = OUTPUTS[body.spec.task][0]
    ids = torch.arange(BATCH * LENGTH).reshape(BATCH, LENGTH) % max(2, size - 5) + 4
    ids = ids.clamp(max=size - 1)
    example = (ids, torch.ones_like(ids), torch.zeros_like(ids))[: len(names)]
    shape = {0: "batch", 1: "sequence"}
    with _quiet_torch(), torch.no_grad():
        try:
            program: Any = torch.onnx.export(
                Wrapper(model, body.is_rotary, output).eval(), example, dynamo=True, opset_version=OPSET, verbose=False,
                input_names=list(names), output_names=[output], dynamic_shapes=dict.fromkeys(names, shape),
            )  # fmt: skip
        except Exception as error:  # torch's exporter raises its own classes and whatever the traced code raises
            raise ExportError(_untraceable(model, error)) from error
    _strip(program.model)
    return program.model


def write_graph(model: ir.Model, path: Path) -> Graph:
    """Write a graph to `path`; weights above 2 GB lie beside it in `<path>_data`.

    Raises:
        ExportError: the graph breaks a rule of ONNX.
    """
    save(model, path)
    return read_graph(path)


def read_graph(path: Path) -> Graph:
    """What a written ONNX file is; how it was made is for its maker to add."""
    model = ir.load(path)
    return Graph(
        path,
        tuple(value.name or "" for value in model.graph.inputs),
        tuple(value.name or "" for value in model.graph.outputs),
        model.opset_imports[""],
        dict(Counter(node.op_type for node in model.graph.all_nodes())),
    )


@contextmanager
def _quiet_torch() -> Iterator[None]:
    """Without what the exporter and its packages say of their own passes, deprecations and wishes: not ours to mend."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx._internal.exporter", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        for module in ("torch", "onnxscript", "transformers", "copyreg"):
            warnings.filterwarnings("ignore", module=rf"{module}(\.|$)")
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _untraceable(model: nn.Module, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [""])[0][:200]
    return (
        f"{type(model).__name__}: torch.onnx.export cannot trace it ({type(error).__name__}: {reason}), expected an "
        "architecture it knows. Funnel, Longformer and XLNet are known to fail; use another model."
    )


def _strip(model: ir.Model) -> None:
    """Drop stack traces and notes: 40 % of a small graph, with the paths of this machine in them."""
    model.metadata_props.clear()
    model.graph.metadata_props.clear()
    for node in model.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
    for value in (*model.graph.inputs, *model.graph.initializers.values()):
        value.metadata_props.clear()


def _check(graph: Graph, inputs: tuple[str, ...], output: str) -> None:
    found = (graph.inputs, graph.outputs, graph.opset)
    wanted = (inputs, (output,), OPSET)
    if found != wanted:
        raise ExportError(f"{graph.path.name}: inputs, outputs, opset are {found}, expected {wanted}. Report this.")
