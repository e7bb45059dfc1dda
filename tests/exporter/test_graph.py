"""The body as an ONNX graph."""

import logging
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from transformers import BertConfig

from airvec.manifest import sha256_of
from airvec_exporter.errors import ExportError
from airvec_exporter.graph import Graph, write_portable
from airvec_exporter.load import Checkpoint
from airvec_exporter.pipeline import ExportReport
from tests import tiny


def test_attention_is_one_node_a_layer(graph: Graph):
    assert graph.nodes["Attention"] == tiny.LAYERS
    assert graph.nodes["Gelu"] == tiny.LAYERS
    assert graph.nodes["LayerNormalization"] == 2 * tiny.LAYERS + 1
    assert "Softmax" not in graph.nodes


def test_the_interface_is_that_of_the_ecosystem(graph: Graph):
    assert graph.inputs == ("input_ids", "attention_mask", "token_type_ids")
    assert graph.outputs == ("last_hidden_state",)
    assert graph.opset == 23
    model = onnx.load(graph.path)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 23)]
    dims = [dim.dim_param for dim in model.graph.input[0].type.tensor_type.shape.dim]
    assert dims == ["batch", "sequence"]


def test_two_exports_give_the_same_bytes(graph: Graph, report: ExportReport):
    assert sha256_of(graph.path) == sha256_of(report.path / "onnx" / "model.onnx")


def test_no_path_of_this_machine_and_no_stack_trace_is_in_the_file(graph: Graph):
    data = graph.path.read_bytes()
    assert not any(trace in data for trace in (b"site-packages", b"stack_trace", b".py", str(Path.home()).encode()))


class DataDependent(torch.nn.Module):
    config = BertConfig(vocab_size=100, type_vocab_size=1)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return input_ids if int(attention_mask.sum()) > 3 else attention_mask


def test_a_body_that_cannot_be_traced_is_named(loaded: Checkpoint, tmp_path: Path):
    with pytest.raises(ExportError, match=r"DataDependent: torch.onnx.export cannot trace it .* use another model"):
        write_portable(replace(loaded.body, model=DataDependent()), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_trace_says_nothing_of_its_own_passes(
    loaded: Checkpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        write_portable(loaded.body, tmp_path / "onnx")
    assert [entry.name for entry in caplog.records if entry.name.partition(".")[0] != "airvec_exporter"] == []
