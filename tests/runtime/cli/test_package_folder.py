"""Mirrors runtime/airvec/cli/package_folder.py; pip knows small stand-ins of the packages only."""

import json

import pytest

from airvec.deploy.place import MARKER
from airvec.deploy.target import this_python
from tests import fake_wheels
from tests.folders import word_model


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    """Nobody tries to run the stand-ins."""
    for where in ("folder", "dockerfile"):
        monkeypatch.setattr(f"airvec.deploy.{where}.try_package", lambda *_: "not tried here: stand-ins")
    return fake_wheels.offline(tmp_path / "offline", monkeypatch)


def test_a_folder_is_written_and_its_readme_shown(run, tmp_path):
    model, out = word_model(tmp_path / "words"), tmp_path / "out"
    seen = run(
        "package", "folder", model, out, "--python", this_python(), "--platform", "linux-arm64", "--no-wheelhouse"
    )
    assert (seen.code, seen.err) == (0, "")
    assert seen.out.startswith((out / "README.txt").read_text())
    assert "self-check: not tried here: stand-ins\n" in seen.out
    assert seen.out.endswith(f"wrote {out}\n")
    assert not (out / "wheelhouse").exists()
    assert (out / "model").is_dir()
    assert list(json.loads((out / MARKER).read_text())["targets"]) == ["linux-arm64"]


def test_a_folder_to_build_an_image_from_is_for_one_processor_or_both(run, tmp_path):
    out = tmp_path / "out"
    seen = run("package", "dockerfile", out, "--python", this_python(), "--platform", "linux/amd64, linux-arm64")
    assert (seen.code, seen.err) == (0, "")
    assert {"Dockerfile", "amd64", "arm64"} <= {path.name for path in out.iterdir()}
    assert run("package", "dockerfile", out, "--python", this_python()).code == 0
    assert len(list(out.glob("a*64"))) == 1


@pytest.mark.parametrize("kind", ["folder", "dockerfile"])
def test_a_platform_that_is_none_is_refused(run, tmp_path, kind):
    seen = run("package", kind, tmp_path / "out", "--platform", "plan9-mips")
    assert seen.code == 1
    assert "--platform 'plan9-mips': expected one of linux-x86_64" in seen.err
    assert not (tmp_path / "out").exists()
