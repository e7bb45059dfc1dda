"""Mirrors environments.py: when an environment is made, and that its packages are pinned."""

import re

import pytest

from tests.interop import environments

NAMES = sorted(file.stem for file in environments.REQUIREMENTS.glob("*.txt"))


@pytest.mark.parametrize("name", NAMES)
def test_every_package_of_an_environment_is_pinned(name):
    lines = (environments.REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if not line.startswith("#")]
    assert packages
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in packages)


def test_an_environment_is_made_when_it_is_missing_or_its_packages_change(tmp_path, monkeypatch):
    made = []

    def make(place, requirements):
        place.mkdir(exist_ok=True)
        made.append(requirements.read_text(encoding="utf-8"))

    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    monkeypatch.setattr(environments, "_make", make)
    for packages in ("a==1", "a==1", "a==2"):
        (tmp_path / "some.txt").write_text(packages, encoding="utf-8")
        assert environments.python_of("some") == tmp_path / ".venv-interop-some" / "bin" / "python"
    assert made == ["a==1", "a==2"]


def test_an_environment_that_pip_cannot_fill_is_an_error_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "some.txt").write_text("no-such-package @ file:///nowhere/no.whl", encoding="utf-8")
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    expected = r"some\.txt: pip failed in \.venv-interop-some:\s+ERROR: no\.whl"
    with pytest.raises(environments.PackagesError, match=expected):
        environments.python_of("some")
    assert not (tmp_path / ".venv-interop-some" / environments.STAMP).exists()
