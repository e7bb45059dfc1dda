"""A tiny BERT's graph with calibration texts and float32 answers, made once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnxscript import ir

from airvec_exporter.graph import Graph
from airvec_exporter.load import Checkpoint
from airvec_exporter.quantize import batches, products
from airvec_exporter.quantize.sessions import Batch
from tests import tiny


@pytest.fixture(scope="session")
def portable(graph: Graph) -> Callable[[], ir.Model]:
    """Reads the float32 graph anew: what quantises changes it."""
    return lambda: ir.load(graph.path)


@pytest.fixture(scope="session")
def calibration(loaded: Checkpoint) -> list[Batch]:
    return batches(loaded.body, tiny.texts(60))


@pytest.fixture(scope="session")
def tokens(loaded: Checkpoint) -> list[list[int]]:
    """Token ids of 24 texts of mixed lengths."""
    return [one["input_ids"][0].tolist() for one in batches(loaded.body, tiny.texts(24))]


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quantized")


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products of few columns count too, so that a graph can be read at a glance."""
    monkeypatch.setattr(products, "NARROWEST", 1)


def pad_to(rows: list[list[int]], width: int | None = None) -> Batch:
    """One batch, padded on the right to its longest text or to `width`."""
    width = width or max(map(len, rows))
    ids = np.zeros((len(rows), width), np.int64)
    mask = np.zeros_like(ids)
    for place, row in enumerate(rows):
        ids[place, : len(row)], mask[place, : len(row)] = row, 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
