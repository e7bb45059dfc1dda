"""Checkpoints, and the folders that each tool makes of them; every test of this folder is marked `interop`."""

import json
from pathlib import Path

import pytest

from airvec.deploy.model import pack_model
from airvec_exporter import export
from tests import tiny
from tests.interop.programs import run

HERE = Path(__file__).parent
TEXTS, PAIRS = tiny.texts(24, longest=120), tiny.pairs(12)
# Every form of a graph once; of the others, the portable graph and OpenVINO's.
ALL, TWO = ("fp32", "fused", "O3", "int8", "int8-dynamic", "openvino"), ("fp32", "openvino")
OURS = {
    "dense-bert": ALL,
    "dense-modernbert": TWO,
    "dense-xlm-roberta": TWO,
    "sparse-bert": TWO,
    "rerank-bert": TWO,
    "rerank-modernbert": TWO,
}


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory) -> Path:
    """Tiny checkpoints, by the kind of model and the architecture."""
    home = tmp_path_factory.mktemp("checkpoints")
    # First token and a layer behind it: a tool that assumes the mean gives other vectors.
    tiny.tiny_checkpoint(home / "dense-bert", pooling="cls", dense="Tanh", prompts={"query": "query: "})
    tiny.tiny_checkpoint(home / "dense-modernbert", "modernbert", generation="new")
    tiny.tiny_checkpoint(home / "dense-xlm-roberta", "xlm-roberta", normalize=False)
    tiny.sparse_checkpoint(home / "sparse-bert")
    tiny.reranker_checkpoint(home / "rerank-bert")
    tiny.reranker_checkpoint(home / "rerank-modernbert", "modernbert", labels=2)
    return home


@pytest.fixture(scope="session")
def our_folders(checkpoints, tmp_path_factory) -> Path:
    """What airvec export makes of them."""
    home = tmp_path_factory.mktemp("ours")
    for name, variants in OURS.items():
        settings = {"variants": variants, "texts": TEXTS, "speed": False, "accept_worse": True}
        export(checkpoints / name, home / name, show_progress_bar=False, **settings)
    return home


@pytest.fixture(scope="session")
def in_optimum(our_folders, tmp_path_factory) -> Path:
    """What sentence-transformers 5.7 and optimum answer from airvec's folders, and from those packed for deployment."""
    home = with_inputs(tmp_path_factory.mktemp("in-optimum"))
    for name in OURS:
        pack_model(our_folders / name, home / "packed" / name, variant="fp32")
    run("optimum", "load_with_optimum", our_folders, home)
    return home


@pytest.fixture(scope="session")
def in_fastembed(our_folders, tmp_path_factory) -> Path:
    """What fastembed answers from airvec's folders."""
    home = with_inputs(tmp_path_factory.mktemp("in-fastembed"))
    run("fastembed", "load_with_fastembed", our_folders, home)
    return home


@pytest.fixture(scope="session")
def from_optimum(checkpoints, tmp_path_factory) -> Path:
    """Folders of optimum-onnx, optimum-intel, sentence-transformers 5.7 and transformers.js, with their answers."""
    home = with_inputs(tmp_path_factory.mktemp("optimum"))
    run("optimum", "make_with_optimum", checkpoints, home)
    return home


@pytest.fixture(scope="session")
def from_fastembed(from_optimum, tmp_path_factory) -> Path:
    """Folders of fastembed and model2vec, with their answers."""
    home = with_inputs(tmp_path_factory.mktemp("fastembed"))
    run("fastembed", "make_with_fastembed", from_optimum / "optimum-onnx-features", home)
    return home


def with_inputs(home: Path) -> Path:
    """A folder with the texts and pairs of these tests in it."""
    (home / "texts.json").write_text(json.dumps(TEXTS), encoding="utf-8")
    (home / "pairs.json").write_text(json.dumps(PAIRS), encoding="utf-8")
    return home
