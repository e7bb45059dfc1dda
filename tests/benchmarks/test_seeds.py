"""Mirrors benchmarks/seeds.py; and docs/migrating.md says which blocks must differ, neither more nor fewer."""

import re
from pathlib import Path

import pytest
import seeds

from tests.folders import reranker
from tests.house.sources import ROOT
from tests.sparse_folders import splade_model

DOCUMENT = """Text.
```python
from sentence_transformers import SentenceTransformer, util
model = SentenceTransformer("all-MiniLM-L6-v2")
```
```bash
rm -rf /
```
  ```python
  shape = model.encode(sentences).shape
  assert shape == (3, 256), shape
  ```
```python
import torch
```
```python
import sentence_transformers
raise ValueError("no\\n such | thing")
```
"""


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory) -> dict[str, Path]:
    """Small models in the place of those that documents name; the dense one has as many dimensions as they cut to."""
    home = tmp_path_factory.mktemp("stand-ins")
    return {
        "dense": ROOT / "runtime" / "airvec" / "default_model",
        "sparse": splade_model(home / "sparse"),
        "reranker": reranker(home / "reranker"),
    }


def test_blocks_are_found_with_their_lines_and_without_their_indentation():
    found = seeds.blocks(DOCUMENT)
    assert [line for line, _ in found] == [3, 10, 14, 17]
    assert found[1][1].startswith("shape = ")


def test_only_the_import_is_changed():
    code = 'from sentence_transformers import util\nimport sentence_transformers\nname = "sentence_transformers"\n'
    assert seeds.changed(code) == 'from airvec import util\nimport airvec\nname = "sentence_transformers"\n'


def test_a_documents_blocks_share_a_namespace_and_each_tells_its_error(tmp_path, stand_ins):
    (tmp_path / "000_one.txt").write_text(DOCUMENT)
    results = seeds.run_documents(tmp_path, **stand_ins)
    assert [one.error for one in results] == [
        None, None, "ModuleNotFoundError: No module named 'torch'", "ValueError: no such | thing",
    ]  # fmt: skip
    printed = seeds.table(results)
    assert "| 4 | 000:17 | `import sentence_transformers` | ValueError: no such / thing |" in printed
    assert printed.endswith("2 of 4 blocks run with only the import changed.")


def must_differ() -> set[int]:
    """The numbers of the blocks in docs/migrating.md's table."""
    page = (ROOT / "docs" / "migrating.md").read_text(encoding="utf-8")
    section = page.partition("| block | why |")[2].partition("\n\n")[0]
    return {
        int(number) for cell in re.findall(r"^\| ([\d, ]+) \|", section, re.MULTILINE) for number in cell.split(",")
    }


@pytest.mark.slow
def test_the_documents_that_airvec_was_asked_to_serve_run_but_for_the_blocks_that_the_page_explains(shared, stand_ins):
    results = seeds.run_documents(shared / "reference" / "seeds", **stand_ins)
    failed = {one.number: one.error or "" for one in results if one.error}
    not_installed = {number for number, error in failed.items() if re.search("named '(faiss|rank_bm25)'", error)}
    assert set(failed) - not_installed == must_differ(), failed
