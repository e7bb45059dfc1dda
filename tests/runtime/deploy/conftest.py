"""Layers of real packages, made by `airvec package lambda`, and where their functions run."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from airvec import SentenceTransformer
from airvec.deploy.bytecode import find_interpreter
from airvec.deploy.target import Target, this_platform
from airvec.search import Retriever
from tests.conftest import ROOT
from tests.folders import reranker

sys.path.insert(0, str(ROOT / "benchmarks"))  # the loopback Runtime API is there: the benchmark uses it too

PYTHON = "3.13"
DOCUMENTS = {"a": "Parcels arrive in two days.", "b": "We have vegan dishes.", "c": "The shop is open on Saturday."}


@pytest.fixture(scope="session")
def interpreter() -> str:
    """A Python of the layers' version, by its path."""
    if this_platform() != "linux-x86_64":
        pytest.skip(f"a layer for x86-64 Linux does not run on {this_platform()}")
    if find_interpreter(Target(PYTHON)) is None:
        pytest.skip(f"no Python {PYTHON} on this machine")
    from measure.function import find_python

    return find_python(PYTHON)


@pytest.fixture(scope="session")
def client(interpreter, tmp_path_factory) -> Path:
    """The folder of AWS's runtime client."""
    from measure.function import fetch_client

    return fetch_client(tmp_path_factory.mktemp("client") / "client", PYTHON)


@pytest.fixture(scope="session")
def static_layer(interpreter, tmp_path_factory) -> Path:
    """The layer of the static model, unzipped."""
    from measure.layers import package

    return package(tmp_path_factory.mktemp("layers") / "static", PYTHON)


@pytest.fixture(scope="session")
def minilm_layer(interpreter, minilm, tmp_path_factory) -> Path:
    """The layer of all-MiniLM-L6-v2 in fp32, with a tiny reranker and an index of three documents, unzipped."""
    from measure.layers import package

    folder = tmp_path_factory.mktemp("layers")
    retriever = Retriever(dense=SentenceTransformer(minilm), bm25=True)
    retriever.index(DOCUMENTS)
    retriever.save(folder / "index")
    parts = ["--index", str(folder / "index"), "--reranker", str(reranker(folder / "reranker"))]
    return package(folder / "minilm", PYTHON, str(minilm), "--variant", "fp32", *parts)


@pytest.fixture(scope="session")
def place(interpreter, client, tmp_path_factory) -> Callable:
    """Where the function of a layer runs without root: nothing on its path but the layer and AWS's client."""
    from measure.function import Place

    task = tmp_path_factory.mktemp("task")
    return lambda layer: Place(interpreter, str(layer), str(task), str(client), PYTHON)


@pytest.fixture
def damaged(static_layer, tmp_path) -> Path:
    """The static model with a tokenizer that ends early."""
    import airvec

    folder = shutil.copytree(Path(airvec.__file__).parent / "default_model", tmp_path / "damaged")
    file = folder / "tokenizer.json"
    file.write_bytes(file.read_bytes()[:1000])
    return folder
