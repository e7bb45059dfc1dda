"""Mirrors runtime/airvec/backend.py: the reference's export functions by all their names."""

import inspect
import subprocess
import sys

import pytest

import airvec
from airvec import backend
from airvec.errors import MissingPackageError

NAMES = (
    "export_dynamic_quantized_onnx_model", "export_optimized_onnx_model", "export_static_quantized_openvino_model",
)  # fmt: skip
BY_THE_REFERENCE_S_NAMES = """
import airvec, airvec.drop_in
from sentence_transformers import {0}
from sentence_transformers.backend import {0} as second
assert {0} is second is airvec.{0}
"""


@pytest.mark.parametrize("name", NAMES)
def test_the_exporter_gets_the_arguments_as_they_were_given(name: str, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(backend, "_exporter", lambda found: lambda *given: asked.append((found, given)))
    function = getattr(airvec, name)
    names = list(inspect.signature(function).parameters)
    function(**{name: name for name in names})
    assert asked == [(name, tuple(names))]


@pytest.mark.parametrize("name", NAMES)
def test_without_the_exporter_s_packages_the_pip_line_is_told(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    with pytest.raises(MissingPackageError, match=rf'{name}: needs the package torch.*pip install "airvec\[export\]"'):
        getattr(airvec, name)("model", "config", "folder")


@pytest.mark.parametrize("name", NAMES)
def test_the_drop_in_has_them_where_the_reference_does(name: str):
    code = BY_THE_REFERENCE_S_NAMES.format(name)
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_arguments_and_defaults_are_the_reference_s(name: str):
    from sentence_transformers import backend as reference

    own, theirs = (inspect.signature(getattr(module, name)).parameters for module in (airvec, reference))
    assert [(one.name, one.default) for one in own.values()] == [(one.name, one.default) for one in theirs.values()]
