"""Mirrors runtime/airvec/deploy/prune.py."""

import re
from pathlib import Path

import pytest

import airvec
from airvec.deploy.prune import RULES, UNUSED_NUMPY, prune
from tests.fake_wheels import FILES, wheel
from tests.runtime.deploy.unpacked import below


@pytest.fixture
def folder(tmp_path):
    from airvec.deploy.wheels import read_wheel, unpack

    for name, files in FILES.items():
        unpack(read_wheel(wheel(tmp_path / "wheels", name, files=files)), tmp_path / "python")
    return tmp_path / "python"


def test_what_is_never_loaded_is_gone_and_the_rest_is_there(folder):
    pruned, _ = prune(folder, tuple(FILES), "linux")
    assert below(folder) == [
        "numpy-9.0.0.dist-info/METADATA",
        "numpy-9.0.0.dist-info/licenses/LICENSE",
        "numpy.libs/libblas.so",
        "numpy/LICENSE.txt",
        "numpy/__init__.py",
        "numpy/fft/__init__.py",
        "numpy/random/LICENSE.md",
        "numpy/random/__init__.py",
        "numpy/random/mtrand.so",
        "onnxruntime-9.0.0.dist-info/METADATA",
        "onnxruntime-9.0.0.dist-info/licenses/LICENSE",
        "onnxruntime/ThirdPartyNotices.txt",
        "onnxruntime/__init__.py",
        "onnxruntime/capi/state.so",
        "tokenizers-9.0.0.dist-info/METADATA",
        "tokenizers-9.0.0.dist-info/licenses/LICENSE",
        "tokenizers/__init__.py",
    ]
    sizes = {one.rule.glob: (one.files, one.size) for one in pruned}
    assert sizes["onnxruntime/capi/libonnxruntime.so*"] == (1, len("a second copy"))
    assert not any(path.is_dir() and not list(path.iterdir()) for path in folder.rglob("*"))


def test_a_licence_among_what_is_pruned_stays(folder):
    (folder / "onnxruntime" / "tools" / "LICENSE").write_text("a licence")
    prune(folder, tuple(FILES), "linux")
    assert (folder / "onnxruntime" / "tools" / "LICENSE").is_file()


def test_what_is_left_out_whole_leaves_its_licence_and_a_signpost(folder):
    pruned, notes = prune(folder, tuple(FILES), "linux", ("numpy.random", "numpy.fft"))
    assert below(folder / "numpy") == [
        "LICENSE.txt", "__init__.py", "fft/__init__.py", "random/LICENSE.md", "random/__init__.py",
    ]  # fmt: skip
    for name in ("random", "fft"):
        assert f"numpy.{name} was left out" in (folder / "numpy" / name / "__init__.py").read_text()
    assert (folder / "numpy" / "__init__.py").read_text() == FILES["numpy"]["numpy/__init__.py"]
    sizes = {one.rule.glob: (one.files, one.size) for one in pruned}
    assert sizes["numpy/random/*"] == (2, len("mtrand"))
    assert sizes["numpy/random/lib/*"] == (1, len("a library"))
    assert notes[-1] == ("left out, since airvec never loads them: numpy.random, numpy.fft (--whole-numpy keeps them)")


def test_nothing_stands_in_for_what_the_package_does_not_have(folder):
    _, notes = prune(folder, tuple(FILES), "linux", ("numpy.f2py",))
    assert not (folder / "numpy" / "f2py").exists()
    assert notes[-1] == "the rule numpy/f2py/* (never loaded by airvec) matched no file"


def test_names_of_packages_that_are_not_there_are_left_to_others(folder):
    before = prune(folder, tuple(FILES), "linux")[1]
    pruned, notes = prune(folder, tuple(FILES), "linux", ("airvec.cli",))
    assert "airvec" not in {one.rule.package for one in pruned}
    assert set(before) <= set(notes)
    assert not [note for note in notes if "airvec" in note]


def test_no_source_that_a_layer_holds_names_what_it_leaves_out_of_numpy():
    numpys = re.compile(r"\b(?:np|numpy)\.(\w+)|\bfrom numpy import (.+)")
    package = Path(airvec.__file__).parent
    sources = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] not in ("deploy", "cli")]
    named = {f"numpy.{one or more}" for path in sources for one, more in numpys.findall(path.read_text("utf-8"))}
    assert "numpy.float32" in named
    assert not named.intersection(UNUSED_NUMPY)
    assert not [name for name in named if "*" in name]


def test_a_rule_that_matches_nothing_is_a_note(folder):
    _, notes = prune(folder, tuple(FILES), "linux")
    missing = [note for note in notes if "numpy/f2py/src/*" in note]
    assert missing == ["the rule numpy/f2py/src/* (C sources, for compilers) matched no file"]
    assert not [note for note in notes if "numpy/tests/*" in note]


def test_rules_for_packages_and_systems_that_are_not_there_are_not_applied(folder):
    pruned, notes = prune(folder, ("numpy", "tokenizers"), "windows")
    assert {one.rule.package for one in pruned} == {"numpy", "tokenizers"}
    assert not [note for note in notes if "onnxruntime" in note]
    assert (folder / "onnxruntime" / "capi" / "libonnxruntime.so.9.2").is_file()


def test_each_rule_names_its_package_first_and_has_a_reason():
    for rule in RULES:
        assert rule.glob.startswith((f"{rule.package}/", f"{rule.package}-"))
        assert rule.reason
