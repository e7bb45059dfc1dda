"""The lowest ONNX Runtime that airvec supports gives the newest one's numbers, from every kind of graph."""

import json
import tomllib

import numpy as np
import pytest

from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
from tests.interop.conftest import OURS, PAIRS, TEXTS, with_inputs
from tests.interop.environments import ROOT
from tests.interop.programs import run

LOWEST = "onnxruntime-1.23"
# Of ONNX Runtime 1.23: a row of Attention whose keys are all masked, as behind a short text under a sliding window, is
# NaN there, which the next layer spreads over the text. 1.24 to 1.31 give the right numbers, and airvec.json says so.
WINDOWS = "-modernbert"
# Between integers: a state that lies halfway between two of them may round the other way after other kernels.
ROUNDED = 1e-2
CASES = [(name, variant) for name, variants in OURS.items() for variant in variants if variant != "openvino"]
CLASSES = {"dense": SentenceTransformer, "sparse": SparseEncoder, "rerank": CrossEncoder}


@pytest.fixture(scope="module")
def with_lowest(our_folders, tmp_path_factory):
    """The folder with its answers."""
    home = with_inputs(tmp_path_factory.mktemp("lowest"))
    (home / "cases.json").write_text(json.dumps(CASES), encoding="utf-8")
    assert run(LOWEST, "answer_with_airvec", our_folders, home, path="runtime").startswith("1.23.")
    return home / "answers"


def test_the_environment_has_the_lowest_version_that_the_package_admits():
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert f"onnxruntime>={LOWEST.partition('-')[2]}" in needed


def test_bodies_with_sliding_windows_are_refused_with_the_version_that_they_need(with_lowest):
    problems = [file.read_text(encoding="utf-8") for file in with_lowest.glob(f"* *{WINDOWS}.txt")]
    assert problems
    assert all("airvec.json: needs onnxruntime 1.24, found 1.23" in problem for problem in problems)


@pytest.mark.parametrize(("name", "variant"), [case for case in CASES if not case[0].endswith(WINDOWS)])
def test_its_numbers_are_those_of_the_newest(name, variant, our_folders, with_lowest):
    kind = name.partition("-")[0]
    model = CLASSES[kind](our_folders / name, variant=variant, threads=1)
    expected = model.predict(PAIRS) if kind == "rerank" else model.encode(TEXTS)
    expected = expected.to_dense() if kind == "sparse" else expected
    problem = with_lowest / f"{variant} {name}.txt"
    assert not problem.is_file(), problem.read_text(encoding="utf-8")
    found = np.load(with_lowest / f"{variant} {name}.npy")
    assert expected.std(axis=0).mean() > 0.01
    bound = ROUNDED if "int" in variant else 1e-5
    assert np.abs(found - expected).max() <= bound * max(1.0, float(np.abs(expected).max()))
