"""SPLADE pooling inside a graph."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnxscript import ir

from airvec_exporter.errors import ExportError
from airvec_exporter.graph import trace, write_graph
from airvec_exporter.heads import splade as splade_head
from airvec_exporter.load import Checkpoint, load
from airvec_exporter.modules import SpladePooling
from tests import tiny

BATCH, LENGTH = 5, 11


@pytest.fixture(scope="module")
def splade(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return load(tiny.sparse_checkpoint(tmp_path_factory.mktemp("in") / "splade"))


@pytest.fixture(scope="module")
def logits_graph(splade: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("out") / "model.onnx"
    write_graph(trace(splade.body), path)
    return path


def run(path: Path, mask: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    ids = np.random.default_rng(0).integers(5, 300, mask.shape)
    given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    return session.run(None, given)[0]


def padded(side: str) -> np.ndarray:
    """A mask of texts of 1 to 11 tokens, int64 (5, 11)."""
    lengths = np.array([1, 11, 4, 7, 2])[:, None]
    places = np.arange(LENGTH)
    return (places < lengths if side == "right" else places >= LENGTH - lengths).astype(np.int64)


@pytest.mark.parametrize("words", [8192, 100])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(("strategy", "activation"), [("max", "relu"), ("max", "log1p_relu"), ("sum", "relu")])
def test_it_gives_what_pooling_of_the_logits_gives(
    logits_graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    words: int, side: str, strategy: str, activation: str,
):  # fmt: skip
    monkeypatch.setattr(splade_head, "WORDS", words)
    pooling, mask = SpladePooling(strategy, activation), padded(side)
    model = ir.load(logits_graph)
    splade_head.fuse(model, pooling)
    ir.save(model, tmp_path / "fused.onnx")
    logits = torch.from_numpy(run(logits_graph, mask))
    wanted = pooling({"token_embeddings": logits, "attention_mask": torch.from_numpy(mask)})[
        "sentence_embedding"
    ].numpy()
    assert wanted.std(axis=0).mean() > 0.1
    assert np.abs(run(tmp_path / "fused.onnx", mask) - wanted).max() <= 1e-5 * wanted.max()


@pytest.mark.parametrize("strategy", ["max", "sum"])
def test_a_text_without_any_token_has_no_weights(logits_graph: Path, tmp_path: Path, strategy: str):
    model, mask = ir.load(logits_graph), padded("right")
    splade_head.fuse(model, SpladePooling(strategy))
    ir.save(model, tmp_path / "fused.onnx")
    mask[2] = 0
    found = run(tmp_path / "fused.onnx", mask)
    assert not found[2].any()
    assert found[1].any()


def largest_rank_over_the_vocabulary(model: ir.Model, path: Path) -> int:
    """How many dimensions the largest tensors have whose last one is the vocabulary."""
    ir.save(model, path)
    values = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    shapes = [value.type.tensor_type.shape.dim for value in (*values.value_info, *values.output)]
    return max(len(shape) for shape in shapes if shape and shape[-1].dim_value > 200)


def test_logits_over_the_whole_vocabulary_are_nowhere_in_the_graph(
    logits_graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(splade_head, "WORDS", 100)
    model = ir.load(logits_graph)
    assert largest_rank_over_the_vocabulary(model, tmp_path / "before.onnx") == 3
    splade_head.fuse(model, SpladePooling())
    assert largest_rank_over_the_vocabulary(model, tmp_path / "after.onnx") == 2


def test_a_graph_whose_logits_are_no_product_is_refused(logits_graph: Path):
    model = ir.load(logits_graph)
    model.graph.outputs[0] = model.graph.outputs[0].producer().inputs[0].producer().inputs[0]
    message = r"variants: 'int8-x86', but logits come from 'LayerNormalization'.*Leave int8-x86 out of --variants\."
    with pytest.raises(ExportError, match=message):
        splade_head.fuse(model, SpladePooling(), "int8-x86")
