"""Mirrors runtime/airvec/deploy/prune.py."""

import pytest

from airvec.deploy.prune import RULES, prune
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
