"""What the documents and docstrings show is run: Python blocks, `$ airvec …` commands and doctests.

In a document's working folder, `all-MiniLM-L6-v2` is the exported model, so examples load it by its usual name, and
`reranker`, `splade` and `bge-m3` are tiny ones; `distilbert-base-uncased` is a tiny checkpoint to train, with the data
of the recipe that the document shows.
A block that cannot run here is skipped with `<!-- skip: next "the reason" -->`, which readers do not see.
"""

import doctest
import io
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from unittest import SkipTest

import pytest
from sybil import Document
from sybil.example import SybilFailure
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

from tests.folders import reranker
from tests.house.sources import PACKAGES, ROOT, python_files, tracked_files
from tests.house.test_public_names import module_name
from tests.multi_folders import multi_model
from tests.sparse_folders import splade_model
from tests.training_files import TRAINED, training_files

MODEL = "all-MiniLM-L6-v2"
RERANKER, SPLADE, MULTI = "./reranker", "./splade", "./bge-m3"
COMMANDS_WE_RUN = {"airvec", "airvec-export", "cat", "echo", "head", "printf"}  # not pip, make and git
DOCUMENTS = [name for name in tracked_files() if name == "README.md" or re.fullmatch(r"docs/.*\.md", name)]


def run_console(example) -> None:
    """Run the commands of a console block; each must end with exit code 0."""
    for command in commands(example.parsed):
        if command.split()[0] in COMMANDS_WE_RUN:
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            shell = ["bash", "-o", "pipefail", "-c", command]
            done = subprocess.run(shell, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"$ {command}\nexit code {done.returncode}\n{done.stdout}{done.stderr}"


def commands(block: str) -> list[str]:
    """The commands of a console block: what follows `$ `, with lines that end in a backslash joined."""
    joined = block.replace("\\\n", " ")
    return [line.removeprefix("$ ").strip() for line in joined.splitlines() if line.startswith("$ ")]


def run_document(path: Path) -> list[str]:
    """Run a document's blocks in order and in one namespace; gives the language of each that ran."""
    document = Document.parse(str(path), PythonCodeBlockParser(), CodeBlockParser("console", run_console), SkipParser())
    ran = []
    for example in document:
        try:
            with redirect_stdout(io.StringIO()):
                example.evaluate()
        except SkipTest:
            continue
        ran.append(type(example.region.evaluator).__name__)
    return ran


def untested_blocks(text: str) -> list[str]:
    """Blocks that look like examples and would not be run: shell blocks with our commands, and skips with no reason."""
    shell = re.findall(r"^```(?:bash|sh|shell)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    found = [f"use a console block: {block}" for block in shell if re.search(r"^(\$ )?airvec", block, re.MULTILINE)]
    return found + [
        f"give a reason: {skip}" for skip in re.findall(r"<!--- *skip: \w+ *--->|<!-- *skip: (?:next|start) *-->", text)
    ]


def needs_model(name: str) -> bool:
    return MODEL in (ROOT / name).read_text(encoding="utf-8")


def is_slow(name: str) -> bool:
    return needs_model(name) or TRAINED in (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if is_slow(name) else []) for name in DOCUMENTS]
)
def test_every_example_of_a_document_runs(name, tmp_path, monkeypatch, request, own_sentence_transformers):
    if needs_model(name):
        (tmp_path / MODEL).symlink_to(request.getfixturevalue("minilm"))
    if RERANKER in (ROOT / name).read_text(encoding="utf-8"):
        reranker(tmp_path / RERANKER)
    if SPLADE in (ROOT / name).read_text(encoding="utf-8"):
        splade_model(tmp_path / SPLADE)
    if MULTI in (ROOT / name).read_text(encoding="utf-8"):
        multi_model(tmp_path / MULTI)
    if TRAINED in (ROOT / name).read_text(encoding="utf-8"):
        training_files(tmp_path, (ROOT / name).read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```(?:python|console)$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    assert len(run_document(ROOT / name)) == len(blocks)  # a skip counts for the block that it skips


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_example_of_a_document_escapes(name):
    assert untested_blocks((ROOT / name).read_text(encoding="utf-8")) == []


def test_the_readme_is_among_the_documents():
    assert "README.md" in DOCUMENTS


def test_the_examples_of_a_document_share_one_namespace_and_a_skip_is_kept(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        '```python\nx = 1\n```\n<!-- skip: next "needs a network" -->\n```python\nx = 1 / 0\n```\n'
        "```python\nassert x == 1\n```\n```console\n$ echo one \\\n  two\none two\n$ git gone\n```\n"
    )
    assert len(run_document(page)) == 4  # the skip itself is the fourth


@pytest.mark.parametrize(
    "block",
    [
        "```python\nassert 1 == 2\n```\n",
        "```python\n>>> 1 + 1\n3\n\n```\n",
        "```console\n$ airvec no-such-command\n```\n",
        "```console\n$ cat no-such-file | head -1\n```\n",
    ],
)
def test_a_wrong_example_would_be_caught(block, tmp_path):
    (tmp_path / "page.md").write_text(block)
    with pytest.raises((AssertionError, SybilFailure)):
        run_document(tmp_path / "page.md")


@pytest.mark.parametrize("text", ["```bash\nairvec info\n```\n", "<!-- skip: next -->\n```python\n1 / 0\n```\n"])
def test_an_escaping_example_would_be_caught(text):
    assert untested_blocks(text)


def failed_doctests(module) -> str:
    """The report of a module's doctests; empty if all pass."""
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False)
    for test in doctest.DocTestFinder().find(module):
        runner.run(test, out=report.write)
    return report.getvalue()


@pytest.mark.parametrize("path", [name for name in python_files(*PACKAGES) if ">>>" in (ROOT / name).read_text()])
def test_the_examples_in_docstrings_run(path):
    assert failed_doctests(import_module(module_name(path))) == ""


def test_a_wrong_doctest_would_be_caught():
    module = type(doctest)("example")
    module.__doc__ = ">>> 1 + 1\n3\n"
    assert "Expected:" in failed_doctests(module)
