"""Every `__all__` is sorted, has no name twice, and names only what can be imported."""

from importlib import import_module
from pathlib import PurePosixPath
from types import ModuleType

import pytest

from tests.house.sources import PACKAGES, python_files


def rank(name: str) -> tuple[bool, bool, str]:
    """Ruff's order: constants, classes, then the rest."""
    return not name.isupper(), not name[0].isupper(), name


def faults(module) -> list[str]:
    names = list(getattr(module, "__all__", []))
    found = [f"{name} cannot be imported" for name in names if not hasattr(module, name)]
    if names != sorted(set(names), key=rank):
        found.append(f"{names} is not sorted, or has a name twice")
    return found


def module_name(path: str) -> str:
    inner = PurePosixPath(path).relative_to(PurePosixPath(path).parts[0]).with_suffix("")
    return ".".join(inner.parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", python_files(*PACKAGES))
def test_public_names_are_sorted_and_there(path, own_sentence_transformers):
    assert faults(import_module(module_name(path))) == []


def test_the_package_has_public_names():
    assert "SentenceTransformer" in import_module("airvec").__all__


@pytest.mark.parametrize("names", [["missing"], ["b", "a"], ["a", "a"]])
def test_a_wrong_list_of_names_would_be_caught(names):
    module = ModuleType("example")
    module.a, module.b, module.__all__ = 1, 2, names
    assert faults(module)
