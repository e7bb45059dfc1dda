"""Mirrors runtime/airvec/backends/openvino_settings.py: `ov_config`, and what OpenVINO makes of it."""

import json
import os
import sys

import numpy as np
import pytest

from airvec import SentenceTransformer
from airvec.backends.openvino import KERNELS
from airvec.backends.openvino_settings import compile_settings, read_settings
from airvec.errors import ArgumentError, ModelFolderError
from tests.folders import table, word_model
from tests.openvino_folders import as_openvino

OURS = {"INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}


@pytest.fixture
def words(tmp_path):
    return as_openvino(word_model(tmp_path / "words"))


def compiled(folder, config=None, threads=2):
    """The graph for calls with one batch."""
    model = SentenceTransformer(
        folder, backend="openvino", threads=threads, model_kwargs={"ov_config": config} if config else None
    )
    return model._pipeline().backend._requests(bulk=False).compiled


def test_ours_leave_room_for_the_callers():
    assert compile_settings({}, 4, 1) == {**OURS, "INFERENCE_NUM_THREADS": 4, "NUM_STREAMS": 1}
    hint = {"PERFORMANCE_HINT": "THROUGHPUT"}
    assert compile_settings(hint, 4, 1) == {**OURS, "INFERENCE_NUM_THREADS": 4, **hint}
    theirs = {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": 3}
    assert compile_settings(theirs, 4, 1) == {**OURS, **theirs}


def test_a_dict_and_a_json_file_say_the_same(tmp_path):
    settings = {"CACHE_DIR": "cache", "NUM_STREAMS": 2}
    file = tmp_path / "ov.json"
    file.write_text(json.dumps(settings))
    assert read_settings(settings) == read_settings(str(file)) == read_settings(file) == settings
    assert read_settings(None) == {}


@pytest.mark.parametrize("given", [5, ["a"], {1: "a"}, {"NUM_STREAMS": None}, {"NUM_STREAMS": [1]}])
def test_what_can_be_no_properties_is_refused(given):
    with pytest.raises(ArgumentError, match=r"ov_config: .*, expected OpenVINO's properties"):
        read_settings(given)


def test_files_that_are_not_there_or_hold_something_else_are_errors(tmp_path):
    with pytest.raises(ArgumentError, match=r"ov_config: no file '.*none.json'"):
        read_settings(tmp_path / "none.json")
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(ModelFolderError, match=r"list.json: holds a JSON list, expected an object"):
        read_settings(tmp_path / "list.json")


@pytest.mark.parametrize(
    "config",
    [{"NO_SUCH": 1}, {"NUM_STREAMS": "x"}, {"INFERENCE_PRECISION_HINT": "int3"}, {"INFERENCE_NUM_THREADS": -2}],
)
def test_what_openvino_does_not_take_is_an_error_that_names_property_and_value(words, config):
    ((name, value),) = config.items()
    with pytest.raises(ArgumentError, match=rf"ov_config: '{name}' is {value!r}, which OpenVINO does not take: \w"):
        compiled(words, config)


def test_numbers_are_float32_and_threads_ours_unless_the_caller_says_otherwise(words):
    ours = compiled(words)
    assert ours.get_property("INFERENCE_PRECISION_HINT").get_type_name() == "f32"
    assert (ours.get_property("INFERENCE_NUM_THREADS"), ours.get_property("NUM_STREAMS")) == (2, 1)
    assert not ours.get_property("ENABLE_CPU_PINNING")
    assert compiled(words, threads=1).get_property("INFERENCE_NUM_THREADS") == 1
    assert compiled(words, {"PERFORMANCE_HINT": "THROUGHPUT"}).get_property("PERFORMANCE_HINT") == "THROUGHPUT"


def test_the_callers_streams_are_used_for_calls_of_every_size(words):
    model = SentenceTransformer(words, backend="openvino", threads=2, model_kwargs={"ov_config": {"NUM_STREAMS": 2}})
    backend = model._pipeline().backend
    assert backend._requests(bulk=True) is backend._requests(bulk=False)
    assert backend._requests(bulk=True).compiled.get_property("NUM_STREAMS") == 2


def test_bulk_runs_as_many_batches_side_by_side_as_there_are_threads(words):
    backend = SentenceTransformer(words, backend="openvino", threads=2)._pipeline().backend
    assert backend._requests(bulk=True).compiled.get_property("NUM_STREAMS") == 2
    one = SentenceTransformer(words, backend="openvino", threads=1)._pipeline().backend
    assert one._requests(bulk=True) is one._requests(bulk=False)


def test_a_cache_folder_is_written_once_and_read_the_second_time(words, tmp_path):
    config = {"CACHE_DIR": str(tmp_path / "cache")}
    assert not compiled(words, config).get_property("LOADED_FROM_CACHE")
    files = sorted((tmp_path / "cache").iterdir())
    assert files
    assert compiled(words, config).get_property("LOADED_FROM_CACHE")
    assert sorted((tmp_path / "cache").iterdir()) == files


def test_a_cache_does_not_answer_for_a_graph_with_other_weights(words, tmp_path):
    """By path OpenVINO's cache goes by the file's time in seconds, and answered so when this was tried."""
    settings = {"model_kwargs": {"ov_config": {"CACHE_DIR": str(tmp_path / "cache")}}, "backend": "openvino"}
    before = SentenceTransformer(words, **settings).encode("a")
    weights = words / "openvino" / "openvino_model.bin"
    times = weights.stat()
    old, new = table().tobytes(), (table() + 1).tobytes()
    content = weights.read_bytes()
    assert content.count(old) == 1
    weights.write_bytes(content.replace(old, new))
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    np.testing.assert_allclose(SentenceTransformer(words, **settings).encode("a"), before + 1, atol=1e-6)


def test_a_damaged_cache_is_made_again(words, tmp_path):
    config = {"CACHE_DIR": str(tmp_path / "cache")}
    compiled(words, config)
    (blob,) = (tmp_path / "cache").glob("*.blob")
    whole = blob.stat().st_size
    blob.chmod(0o600)
    blob.write_bytes(blob.read_bytes()[:100])
    np.testing.assert_array_equal(
        SentenceTransformer(words, backend="openvino", model_kwargs={"ov_config": config}).encode("a"),
        SentenceTransformer(words, backend="openvino").encode("a"),
    )
    assert blob.stat().st_size == whole


def test_by_default_nothing_is_written(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    SentenceTransformer(words, backend="openvino").encode(["a", "b"])
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is a folder in which nobody can write")
def test_a_cache_folder_that_cannot_be_made_is_an_error(words):
    with pytest.raises(ArgumentError, match=r"'CACHE_DIR' is '/proc/cache', which OpenVINO does not take: Couldn't"):
        compiled(words, {"CACHE_DIR": "/proc/cache"})


def test_openvinos_properties_are_refused_by_other_backends(tmp_path):
    config = {"model_kwargs": {"ov_config": {"NUM_STREAMS": 2}}}
    with pytest.raises(ArgumentError, match=r"ov_config: .*, but backend is 'onnx'. Pass backend='openvino'"):
        SentenceTransformer(word_model(tmp_path), **config)
    with pytest.raises(ArgumentError, match=r"ov_config: .* is a static model and has no graph"):
        SentenceTransformer(**config)


def test_what_openvino_keeps_of_each_shape_is_bounded(words):
    """In process: the environment names the bound of the library below, and the device took the other without error."""
    assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"].isdecimal()
    core = SentenceTransformer(words, backend="openvino")._pipeline().backend._source[0]
    core.set_property("CPU", {"CPU_RUNTIME_CACHE_CAPACITY": KERNELS})
    with pytest.raises(RuntimeError):
        core.set_property("CPU", {"CPU_RUNTIME_CACHE_CAPACITY": "x"})
