"""Every cell of the parity matrix: airvec without torch against sentence-transformers 6.2 on torch."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from sentence_transformers import SentenceTransformer as Reference

from airvec import SentenceTransformer
from tests import tiny
from tests.parity.matrix import PASSED, REFUSALS, REFUSED, Cell, cells, measure
from tests.parity.subjects import DENSE, Subject, prepare, prepare_all
from tests.parity.variants import VARIANTS, make_folder

pytestmark = [pytest.mark.parity, pytest.mark.slow]

CELLS = tuple(cells())


@pytest.fixture(scope="module", autouse=True)
def exports(request: pytest.FixtureRequest):
    """All that the chosen tests need, a process a CPU; what is in the cache is not made again."""
    chosen = [item.callspec.params.get("cell") for item in request.session.items if hasattr(item, "callspec")]
    prepare_all(tuple(dict.fromkeys(cell.subject for cell in chosen if isinstance(cell, Cell))))


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_cell_of_the_matrix_is_within_its_bound(cell: Cell, tmp_path: Path):
    outcome = measure(cell, tmp_path / "model")
    wanted = REFUSED if str(cell) in REFUSALS else PASSED
    assert outcome.status == wanted, f"{outcome.delta:.2e}: {outcome.reason}"


# Its scores depend on queries and on keys in two more ways, which no Attention takes.
WITHOUT_ATTENTION_NODES = ("deberta-v2",)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_attention_stays_one_node_a_layer(architecture: str):
    graph = onnx.load(prepare(Subject(architecture, DENSE)).exported / "onnx" / "model.onnx").graph
    found = Counter(node.op_type for node in graph.node)["Attention"]
    assert found == (0 if architecture in WITHOUT_ATTENTION_NODES else tiny.LAYERS)


def test_a_wrong_setting_is_far_above_the_bound(tmp_path: Path):
    """The matrix can fail: what one pooling mode gives is not what another gives."""
    folder = make_folder(VARIANTS[DENSE]["mean"], "bert", prepare(Subject("bert", DENSE)), tmp_path / "model")
    expected = Reference(str(folder), device="cpu").encode(tiny.texts())
    config = folder / "1_Pooling" / "config.json"
    config.write_text(json.dumps(tiny.pooling_config(["cls"])))
    assert np.abs(SentenceTransformer(folder).encode(tiny.texts()) - expected).max() > 0.05
