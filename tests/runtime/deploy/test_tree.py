"""Mirrors runtime/airvec/deploy/tree.py."""

import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

from airvec import __version__
from airvec.deploy.target import Target, this_python
from airvec.deploy.tree import DEFAULT_MODEL, copy_airvec, stage_packages
from airvec.errors import AirvecWarning, ArgumentError
from tests import fake_wheels
from tests.runtime.deploy.unpacked import below

HERE = Target(this_python(), "arm64")


@pytest.fixture
def offline(tmp_path, monkeypatch):
    return fake_wheels.offline(tmp_path / "offline", monkeypatch)


def test_a_tree_holds_the_packages_and_airvec_compiled(offline, tmp_path):
    staged = stage_packages(HERE, tmp_path / "python")
    files = below(tmp_path / "python")
    assert staged.interpreter == Path(sys.executable)
    assert [wheel.name for wheel in staged.wheels] == ["numpy", "onnxruntime", "tokenizers"]
    assert {"onnxruntime/__init__.pyc", "airvec/sentence_transformer.pyc", "numpy/random/mtrand.so"} < set(files)
    assert not [file for file in files if file.endswith(".py")]
    assert not [file for file in files if "__pycache__" in file or file.startswith(("airvec/deploy", "airvec/default"))]


def test_the_lock_names_the_very_files(offline, tmp_path):
    stage_packages(HERE, tmp_path / "python")
    lines = (tmp_path / "python" / "requirements.txt").read_text().splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["numpy==9.1.0", "onnxruntime==9.2.0", "tokenizers==9.3.0"]
    assert all(re.search(r" --hash=sha256:[0-9a-f]{64}$", line) for line in lines)


def test_a_static_tree_has_no_onnxruntime_and_keeps_the_default_model(offline, tmp_path):
    stage_packages(HERE, tmp_path / "python", with_onnxruntime=False, without=())
    files = below(tmp_path / "python")
    assert "airvec/default_model/model.safetensors" in files
    assert not [file for file in files if file.startswith("onnxruntime")]


def test_what_is_left_out_is_named_as_it_is_imported(offline, tmp_path):
    staged = stage_packages(HERE, tmp_path / "python", without=("airvec.cli", "numpy.random"))
    files = below(tmp_path / "python")
    assert not [file for file in files if file.startswith("airvec/cli/") or file == "numpy/random/mtrand.so"]
    assert {"airvec/doctor/__init__.pyc", "numpy/fft/__init__.pyc", "numpy/random/__init__.pyc"} < set(files)
    assert any("numpy.random (--whole-numpy keeps them)" in note for note in staged.notes)


def test_without_an_interpreter_the_sources_stay_and_a_warning_says_what_that_costs(offline, tmp_path):
    with pytest.warns(AirvecWarning, match=r"no Python 3.99 was found .* twice as long\. Install one"):
        staged = stage_packages(Target("3.99", "arm64"), tmp_path / "python")
    assert staged.interpreter is None
    assert any("sources were kept" in note for note in staged.notes)
    assert (tmp_path / "python" / "numpy" / "__init__.py").is_file()
    assert not list((tmp_path / "python").rglob("*.pyc"))


def test_a_wheelhouse_keeps_the_wheels(offline, tmp_path):
    (tmp_path / "wheelhouse").mkdir()
    staged = stage_packages(HERE, tmp_path / "python", wheelhouse=tmp_path / "wheelhouse")
    assert [wheel.path.is_file() for wheel in staged.wheels] == [True] * 3


def test_a_folder_with_files_in_it_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ArgumentError, match="the folder has files in it"):
        stage_packages(HERE, tmp_path)


class Installed:
    """airvec as importlib.metadata finds it where pip installed it."""

    def __init__(self, version: str) -> None:
        self.version = version

    def read_text(self, name: str) -> str | None:
        return {"METADATA": "Name: airvec\n", "licenses/LICENSE": "a licence"}.get(name)


def test_an_installed_airvec_takes_its_metadata_and_licence_along(tmp_path, monkeypatch):
    monkeypatch.setattr(metadata, "distribution", lambda _: Installed(__version__))
    copy_airvec(tmp_path, without=(DEFAULT_MODEL,))
    records = tmp_path / f"airvec-{__version__}.dist-info"
    assert [(path.name, path.read_text()) for path in sorted(records.iterdir())] == [
        ("LICENSE", "a licence"), ("METADATA", "Name: airvec\n"),
    ]  # fmt: skip


def absent(_: str) -> Installed:
    raise metadata.PackageNotFoundError("airvec")


@pytest.mark.parametrize("found", [lambda _: Installed("0.0.1"), absent], ids=["another", "none"])
def test_a_checkout_says_its_version_and_takes_no_metadata_of_another_airvec(tmp_path, monkeypatch, found):
    monkeypatch.setattr(metadata, "distribution", found)
    copy_airvec(tmp_path, without=(DEFAULT_MODEL,))
    records = tmp_path / f"airvec-{__version__}.dist-info"
    assert [path.name for path in records.iterdir()] == ["METADATA"]
    assert [one.version for one in metadata.Distribution.discover(name="airvec", path=[str(tmp_path)])] == [__version__]
