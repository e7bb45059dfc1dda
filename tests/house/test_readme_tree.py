"""The map in README.md is the territory: every line names a path that exists, and every module has a line."""

import re
from pathlib import Path

import pytest

from tests.house.sources import PACKAGES, ROOT, python_files

TOPS = ("runtime/", "exporter/", "trainer/", "models/", "tests/", "benchmarks/", "docs/")
LINE = re.compile(r"^(?P<indent> *)(?P<name>[\w./*-]+)(?: {2,}(?P<job>\S.*))?$")


def maps(markdown: str) -> list[str]:
    """The ```text blocks that list paths of this repository."""
    blocks = re.findall(r"^```text\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if any(line.startswith(TOPS) for line in block.splitlines())]


def listed(block: str) -> list[str]:
    """The paths of a map, each line a path and what it is for; an indented line lies in the folder above it."""
    found, folders = [], []
    for line in filter(str.strip, block.splitlines()):
        match = LINE.match(line)
        assert match, f"README.md: {line!r} is no line of a map; expected a path, two spaces and what it is for"
        indent = len(match["indent"])
        while folders and folders[-1][0] >= indent:
            folders.pop()
        path = (folders[-1][1] if folders else "") + match["name"]
        found.append(path)
        if path.endswith("/"):
            folders.append((indent, path))
        else:
            assert match["job"], f"README.md: {line!r} does not say what the file is for"
    return found


def faults(paths: list[str], root: Path, modules: list[str]) -> list[str]:
    """Lines with nothing on disk, and modules with no line: of their own, or of a folder below their package."""
    found = [f"README.md lists {path}, which is not there" for path in paths if not exists(root, path)]
    found += [f"README.md lists {path} twice" for path in sorted(set(paths)) if paths.count(path) > 1]
    rooms = tuple(
        path for path in paths if path.endswith("/") and path.rstrip("/") not in PACKAGES and path.count("/") > 2
    )
    found += [
        f"README.md has no line for {module}"
        for module in modules
        if module not in paths and not module.startswith(rooms)
    ]
    return found


def exists(root: Path, path: str) -> bool:
    return (root / path).is_dir() if path.endswith("/") else (root / path).is_file()


def test_the_readme_has_a_map_and_it_is_right():
    readme = ROOT / "README.md"
    blocks = maps(readme.read_text(encoding="utf-8"))
    assert blocks, "README.md has no ```text block that lists runtime/airvec/…"
    paths = [path for block in blocks for path in listed(block)]
    assert not faults(paths, ROOT, python_files(*PACKAGES)), "\n".join(faults(paths, ROOT, python_files(*PACKAGES)))


@pytest.fixture
def small_repository(tmp_path):
    (tmp_path / "runtime/airvec/backends").mkdir(parents=True)
    for name in ("folder.py", "backends/onnx.py"):
        (tmp_path / "runtime/airvec" / name).touch()
    return tmp_path


MODULES = ["runtime/airvec/folder.py", "runtime/airvec/backends/onnx.py"]


@pytest.mark.parametrize(
    "lines",
    [
        "runtime/airvec/folder.py   disk\nruntime/airvec/backends/   run a batch\n",
        "runtime/airvec/\n  folder.py   disk\n  backends/   run a batch\n    onnx.py   ONNX Runtime\n",
    ],
)
def test_a_right_map_has_no_fault(small_repository, lines):
    (block,) = maps(f"# A\n```text\n{lines}```\n")
    assert not faults(listed(block), small_repository, MODULES)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("runtime/airvec/folder.py   disk\n", "no line for runtime/airvec/backends/onnx.py"),
        ("runtime/airvec/   everything\n", "no line for runtime/airvec/folder.py"),
        ("runtime/airvec/gone.py   disk\n", "gone.py, which is not there"),
        ("runtime/airvec/folder.py   disk\nruntime/airvec/folder.py   disk\n", "twice"),
    ],
)
def test_a_wrong_map_would_be_caught(small_repository, lines, fault):
    assert fault in "\n".join(faults(listed(lines), small_repository, MODULES))


@pytest.mark.parametrize("line", ["runtime/airvec/folder.py", "runtime/airvec/folder.py, errors.py   disk"])
def test_a_line_that_is_no_path_and_job_would_be_caught(line):
    with pytest.raises(AssertionError, match=r"README\.md"):
        listed(line)


def test_a_readme_without_a_map_would_be_caught():
    assert maps("# airvec\n```text\nhello\n```\n") == []
