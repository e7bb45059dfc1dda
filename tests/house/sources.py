"""Our own source files, parsed once, and the questions that the house rules ask of them.

Knows nothing of the rules.
"""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("runtime/airvec", "exporter/airvec_exporter", "trainer/airvec_trainer")
SCRIPTS = ("models", "benchmarks", "docs")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root of the repository, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @classmethod
    def of(cls, path: str, text: str) -> "Source":
        return cls(path, text, ast.parse(text, path))

    @property
    def in_runtime(self) -> bool:
        return self.path.startswith("runtime/")

    @property
    def in_package(self) -> bool:
        return self.path.startswith(PACKAGES)

    @property
    def is_program(self) -> bool:
        """A command line, whose printing is its job."""
        return not self.in_package or "/cli/" in self.path or self.path.endswith(("/cli.py", "_cli.py"))

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Every function with its full name, `Class.method` or `outer.inner`."""
        for name, node in named_nodes(self.tree):
            if isinstance(node, Function):
                yield name, node

    def public_definitions(self) -> Iterator[tuple[str, Documented]]:
        """The module, its public classes, and their public methods; nothing defined inside a function."""
        yield "module", self.tree
        yield from _public_definitions(self.tree, "")


def _public_definitions(parent: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, Documented]]:
    for node in parent.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _public_definitions(node, f"{prefix}{node.name}.")


def named_nodes(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every function and class below a node, with its full name."""
    for node in ast.iter_child_nodes(tree):
        name = prefix
        if isinstance(node, Function | ast.ClassDef):
            name = f"{prefix}.{node.name}" if prefix else node.name
            yield name, node
        yield from named_nodes(node, name)


@cache
def tracked_files() -> tuple[str, ...]:
    """Every file that git knows, or would know if it were added; outside a checkout, every file of our folders."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return tuple(sorted(name for name in names if name and (ROOT / name).is_file()))


def python_files(*folders: str) -> list[str]:
    """The tracked `.py` files below some folders, as sorted paths from the root."""
    roots = tuple(f"{folder}/" for folder in folders)
    return [name for name in tracked_files() if name.endswith(".py") and name.startswith(roots)]


def sources(*folders: str) -> list[Source]:
    """The files below some folders, parsed."""
    return [Source.of(name, (ROOT / name).read_text(encoding="utf-8")) for name in python_files(*folders)]
