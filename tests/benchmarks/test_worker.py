import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from measure.process import Process, WorkerError
from measure.worker import peak_bytes, read_lines, serve

NOISY_LIBRARY = """
import os

class TextEmbedding:
    def __init__(self, specific_model_path, model_name):
        print("a greeting on stdout")
        os.system("echo and one from another program")
        if model_name == "missing":
            raise FileNotFoundError(model_name)

    def embed(self, texts, batch_size):
        if "die" in texts:
            print("the last words", file=__import__("sys").stderr, flush=True)
            os._exit(3)
        return [[float(len(text)), float(batch_size)] for text in texts]
"""


def answers(*requests):
    def open_fake(model, settings):
        return lambda texts, batch_size: [[float(len(text)), settings["scale"]] for text in texts]

    out = io.StringIO()
    serve([json.dumps(request) for request in requests], out, {"fake": open_fake}.__getitem__)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture
def texts(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("a\nbb\nccc\ndddd\n")
    return str(file)


@pytest.fixture
def process(tmp_path):
    (tmp_path / "fastembed.py").write_text(NOISY_LIBRARY)
    with Process(Path(sys.executable), str(tmp_path), "fake") as started:
        yield started


LOAD = {"do": "load", "library": "fake", "model": "m", "settings": {"scale": 2.0}}


def test_a_library_is_loaded_and_encodes_the_first_lines(texts, tmp_path):
    saved = tmp_path / "vectors.npy"
    request = {"do": "encode", "file": texts, "first": 3, "batch_size": None, "save": str(saved)}
    loaded, encoded = answers(LOAD, request)
    assert loaded == {}
    assert encoded["texts"] == 3
    assert encoded["seconds"] > 0
    assert np.load(saved).tolist() == [[1, 2], [2, 2], [3, 2]]


def test_single_texts_are_timed_one_by_one(texts):
    _, found = answers(LOAD, {"do": "single", "file": texts, "skip": 1, "first": 2})
    assert len(found["seconds"]) == 2


def test_lines_are_read_after_those_skipped(texts):
    assert read_lines(texts, 1, 2) == ["bb", "ccc"]


def test_an_error_is_an_answer_and_the_worker_goes_on(texts):
    failed, loaded = answers({**LOAD, "library": "other"}, LOAD)
    assert failed == {"error": "KeyError: 'other'"}
    assert loaded == {}


def test_peak_memory_is_more_than_the_interpreter_and_less_than_the_machine():
    assert 5e6 < peak_bytes() < 1e12


def test_what_a_library_prints_does_not_disturb_the_answers(process, texts, tmp_path):
    process.ask("load", {"library": "dense.fastembed", "model": "m", "settings": {"model_name": "n"}})
    saved = str(tmp_path / "v.npy")
    process.ask("encode", {"file": texts, "first": 2, "batch_size": 7, "save": saved})
    assert np.load(saved).tolist() == [[1, 7], [2, 7]]
    assert process.ask("memory")["peak_mb"] > 5


def test_an_error_in_the_library_names_library_and_request(process):
    with pytest.raises(WorkerError, match="fake: load: FileNotFoundError: missing"):
        process.ask("load", {"library": "dense.fastembed", "model": "m", "settings": {"model_name": "missing"}})


def test_a_worker_that_dies_says_its_last_words(process, tmp_path):
    file = tmp_path / "die.txt"
    file.write_text("die\n")
    process.ask("load", {"library": "dense.fastembed", "model": "m", "settings": {"model_name": "n"}})
    with pytest.raises(WorkerError, match=r"(?s)ended with code 3.*the last words"):
        process.ask("encode", {"file": str(file), "first": 1, "batch_size": None})


def test_installed_packages_are_weighed_and_other_versions_are_told(process):
    found = process.ask("installed", {"packages": [f"numpy=={np.__version__}", "pytest==0.0.1", "no-such-package==1"]})
    assert found["mb"] > 10
    assert [text.partition(":")[0] for text in found["wrong"]] == ["pytest==0.0.1", "no-such-package==1"]
