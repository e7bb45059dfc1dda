"""Mirrors runtime/airvec/deploy/trial.py and probe.py.

The package that is tried is this checkout's airvec and this environment's NumPy, ONNX Runtime and tokenizers.
"""

import shutil
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from airvec.deploy import probe
from airvec.deploy.contents import Contents, PackedContents, pack_contents
from airvec.deploy.target import Target, target_on, this_platform, this_python
from airvec.deploy.tree import Staged, copy_airvec
from airvec.deploy.trial import try_package
from airvec.deploy.wheels import Wheel
from airvec.errors import ArgumentError, ProcessError
from tests.folders import reranker, word_model
from tests.sparse_folders import splade_model


@pytest.fixture(scope="session")
def packages(tmp_path_factory) -> Path:
    """A folder with the packages; models come to lie beside it."""
    folder = tmp_path_factory.mktemp("trial") / "python"
    folder.mkdir()
    copy_airvec(folder)
    for name in ("numpy", "numpy.libs", "onnxruntime", "tokenizers"):
        home = Path(find_spec("numpy").origin).parents[1] / name
        if home.exists():
            (folder / name).symlink_to(home)
    return folder


@pytest.fixture
def staged(packages) -> Staged:
    return Staged(packages, target_on(this_platform(), this_python()), (), Path(sys.executable), (), ())


@pytest.fixture
def packed(tmp_path) -> PackedContents:
    return pack_contents(Contents(str(word_model(tmp_path / "words"))), tmp_path / "out", "x86_64")


def test_a_package_that_gives_the_same_numbers_passes(staged, packed):
    assert (
        try_package(staged, packed)
        == f"it runs alone on Python {this_python()}: largest difference from this process 0.0e+00"
    )


def test_sparse_models_and_rerankers_are_tried_too(staged, tmp_path):
    contents = Contents(str(splade_model(tmp_path / "splade")), reranker=str(reranker(tmp_path / "reranker")))
    packed = pack_contents(contents, tmp_path / "out", "x86_64")
    assert [one.kind for one in packed.models()] == ["SparseEncoder", "CrossEncoder"]
    assert "it runs alone" in try_package(staged, packed)


def test_a_package_without_a_model_is_tried_with_the_one_inside_airvec(staged):
    assert "it runs alone" in try_package(staged, PackedContents(None, None, None))


def test_the_users_own_environment_is_not_seen(staged, monkeypatch):
    monkeypatch.setenv("AIRVEC_MODEL", "/nowhere")
    assert "it runs alone" in try_package(staged, PackedContents(None, None, None))


def test_a_package_that_does_not_run_is_an_error_with_its_last_lines(staged, packed, tmp_path):
    shutil.copytree(staged.folder, tmp_path / "python", symlinks=True)
    (tmp_path / "python" / "airvec" / "manifest.py").unlink()
    with pytest.raises(ProcessError, match=r"does not run \(1\): .*No module named 'airvec.manifest'"):
        try_package(replace(staged, folder=tmp_path / "python"), packed)


def test_an_error_about_what_was_packed_is_told_without_its_traceback(staged, packed):
    (packed.model.path / "1_Pooling" / "config.json").write_text("[]")
    with pytest.raises(
        ArgumentError, match=r"^the package: does not open: .*config\.json.* Nothing was written\.$"
    ) as found:
        try_package(staged, packed)
    assert "Traceback" not in str(found.value)
    assert "--constraint" not in str(found.value)


def test_other_numbers_are_an_error(staged, packed, monkeypatch):
    there = probe.numbers
    monkeypatch.setattr(probe, "numbers", lambda *given: [one + 3e-5 for one in there(*given)])
    with pytest.raises(ProcessError, match=r"differ by \d\.\de-05 from those of this process, expected 1e-05"):
        try_package(staged, packed)


def test_int8_may_round_otherwise_and_no_more_than_that(staged, packed, monkeypatch):
    int8 = replace(packed, model=replace(packed.model, variant="int8-x86"))
    there = probe.numbers
    monkeypatch.setattr(probe, "numbers", lambda *given: [one + 3e-5 for one in there(*given)])
    assert "it runs alone" in try_package(staged, int8)
    monkeypatch.setattr(probe, "numbers", lambda *given: [one + 0.1 for one in there(*given)])
    with pytest.raises(ProcessError, match="expected 1e-02 at most"):
        try_package(staged, int8)


def test_another_width_is_an_error(staged, packed, monkeypatch):
    monkeypatch.setattr(probe, "numbers", lambda *_: [0.0])
    with pytest.raises(ProcessError, match="gives 4 numbers that differ by inf"):
        try_package(staged, packed)


def test_a_package_for_another_machine_is_not_tried(staged, packed):
    elsewhere = replace(staged, target=Target(this_python(), "x86_64", "windows"))
    expected = f"not tried here: it is for windows-x86_64, and this machine is {this_platform()}"
    assert try_package(elsewhere, packed) == expected


def test_without_an_interpreter_a_package_is_not_tried(staged, packed):
    assert try_package(replace(staged, interpreter=None), packed).startswith("not tried here: no Python 3.")


def test_a_graph_that_this_cpu_does_not_run_is_not_tried(staged, packed):
    other = replace(packed, model=replace(packed.model, variant="int8-vnni", max_delta=None))
    assert try_package(staged, other) == "not tried here: this CPU does not run int8-vnni"


def test_an_onnxruntime_that_is_too_old_for_a_graph_is_an_error_for_any_machine(staged, packed, tmp_path):
    old = Wheel(tmp_path / "onnxruntime.whl", "onnxruntime", "1.24.1", "")
    needy = replace(packed, model=replace(packed.model, min_onnxruntime="1.25"))
    elsewhere = replace(staged, target=Target(this_python(), "x86_64", "windows"), wheels=(old,))
    with pytest.raises(ArgumentError, match=r"needs onnxruntime 1\.25, and pip fetched 1\.24\.1"):
        try_package(elsewhere, needy)
    assert "not tried here" in try_package(elsewhere, packed)
