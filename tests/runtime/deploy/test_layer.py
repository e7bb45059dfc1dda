"""Mirrors runtime/airvec/deploy/layer.py; pip knows small stand-ins of the packages only."""

import sys
import warnings
from pathlib import Path
from zipfile import ZipFile

import pytest

from airvec.deploy import layer as layers
from airvec.deploy.contents import Contents
from airvec.deploy.layer import write_layer
from airvec.deploy.target import Target, this_python
from airvec.errors import AirvecWarning, ArgumentError, DownloadError, ProcessError
from tests import fake_wheels
from tests.folders import word_model

# A system that no test runs on, so that nobody tries to run the stand-ins.
TARGET = Target(this_python(), "x86_64", "windows")


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    # The rules name files that the stand-ins do not have; that makes notes, which are test_prune.py's.
    return fake_wheels.offline(tmp_path / "offline", monkeypatch)


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "layer.zip"


@pytest.fixture
def words(tmp_path):
    return Contents(str(word_model(tmp_path / "words")))


def left(out) -> list[str]:
    return sorted(path.name for path in out.parent.iterdir())


def test_a_layer_holds_packages_and_model_and_a_function_has_a_file(words, out):
    layer = write_layer(out, TARGET, words)
    with ZipFile(out) as archive:
        names = archive.namelist()
    assert {"python/airvec/serverless.pyc", "python/onnxruntime/__init__.pyc", "model/modules.json"} < set(names)
    assert not [name for name in names if "default_model" in name or name.endswith(".py")]
    assert [name for name in names if name.endswith(".onnx")] == ["model/onnx/model.onnx"]
    with ZipFile(layer.function) as archive:
        assert archive.namelist() == ["README.txt"]
    assert left(out) == ["layer-function.zip", "layer.zip"]
    assert layer.trial.startswith("not tried here: it is for windows-x86_64")
    assert {part.name for part in layer.parts} >= {"numpy", "onnxruntime", "tokenizers", "airvec", "model"}


@pytest.mark.parametrize("whole", [False, True])
def test_what_airvec_never_loads_of_numpy_is_there_if_asked_for(words, out, whole):
    layer = write_layer(out, TARGET, words, whole_numpy=whole)
    with ZipFile(out) as archive:
        names = archive.namelist()
        signposts = [name for name in names if b"--whole-numpy" in archive.read(name)]
    assert ("python/numpy/random/mtrand.so" in names) == whole
    assert signposts == ([] if whole else ["python/numpy/fft/__init__.pyc", "python/numpy/random/__init__.pyc"])
    said = [note for note in layer.notes if "--whole-numpy keeps them" in note]
    assert len(said) == (0 if whole else 1)
    with ZipFile(layer.function) as archive:
        assert b"--whole-numpy" in archive.read("README.txt")


def test_no_model_is_the_default_one_without_onnxruntime(out):
    write_layer(out, TARGET, Contents())
    with ZipFile(out) as archive:
        names = archive.namelist()
    assert "python/airvec/default_model/model.safetensors" in names
    assert not [name for name in names if name.startswith(("model/", "python/onnxruntime"))]


def test_the_same_input_gives_the_same_bytes_and_takes_the_old_ones_place(words, out):
    write_layer(out, TARGET, words)
    before = out.read_bytes()
    out.write_bytes((out.parent / "layer-function.zip").read_bytes())  # another zip
    write_layer(out, TARGET, words)
    assert out.read_bytes() == before


def test_what_is_above_the_limit_is_refused_with_the_largest_parts_and_nothing_written(words, out, monkeypatch):
    monkeypatch.setattr(layers, "UNZIPPED_LIMIT", 1000)
    with pytest.raises(ArgumentError, match=r"bytes unzipped \(airvec [\d.]+ MB, .*expected 1,000 .*container image"):
        write_layer(out, TARGET, words)
    assert left(out) == []


def test_a_zip_too_large_for_a_direct_upload_is_a_warning(words, out, monkeypatch):
    monkeypatch.setattr(layers, "DIRECT_UPLOAD_LIMIT", 1000)
    monkeypatch.setattr("airvec.deploy.upload.DIRECT_UPLOAD_LIMIT", 1000)
    with pytest.warns(AirvecWarning, match="by way of S3"):
        layer = write_layer(out, TARGET, words)
    assert layer.commands[0].startswith("aws s3 cp ")


def test_within_the_limits_nothing_is_said(words, out):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(write_layer(out, TARGET, words).commands) == 2


def test_pip_failing_leaves_nothing(words, out, offline):
    for path in offline.iterdir():
        path.unlink()
    with pytest.raises(DownloadError, match="No matching distribution found for numpy"):
        write_layer(out, TARGET, words)
    assert left(out) == []


@pytest.mark.parametrize("step", ["pack_contents", "stage_packages", "try_package", "fill_zip", "write_zip"])
def test_a_key_press_at_any_step_leaves_the_old_layer_and_nothing_else(words, out, monkeypatch, tmp_path, step):
    with ZipFile(out, "w") as archive:
        archive.writestr("old", "old")
    before = out.read_bytes()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    def pressed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(layers, step, pressed)
    with pytest.raises(KeyboardInterrupt):
        write_layer(out, TARGET, words)
    assert out.read_bytes() == before
    assert left(out) == ["layer.zip"]
    assert not list((tmp_path / "temporary").iterdir())


def test_a_layer_that_fails_its_trial_is_not_written(words, out, monkeypatch):
    def failing(*_: object) -> str:
        raise ProcessError(f"the package: does not run ({1})")

    monkeypatch.setattr(layers, "try_package", failing)
    with pytest.raises(ProcessError, match="does not run"):
        write_layer(out, TARGET, words)
    assert left(out) == []


def test_a_file_that_is_no_zip_is_not_replaced(words, out):
    out.write_text("mine")
    with pytest.raises(ArgumentError, match="exists and is no zip"):
        write_layer(out, TARGET, words)
    assert out.read_text() == "mine"


def test_a_wrong_interpreter_is_told_before_anything_is_packed(words, out, monkeypatch):
    monkeypatch.setattr(layers, "pack_contents", None)
    with pytest.raises(ArgumentError, match="expected cpython 3.99 final"):
        write_layer(out, Target("3.99"), words, interpreter=Path(sys.executable))


def test_progress_is_shown_where_it_is_asked_for(words, out, capfd):
    write_layer(out, TARGET, words, show_progress=True)
    shown = capfd.readouterr().err
    titles = ["packing the model", "fetching packages", "trying it", "zipping"]
    assert [title for title in titles if title not in shown] == []
