"""What a start costs: the modules that the first vector needs, the files that are read for it, and the time it takes.

Modules are counted over those that `import numpy, tokenizers` (and onnxruntime) bring, whichever Python and versions
these are. The time is CPU time beside theirs, with a margin that no busy machine passes; benchmarks/start.py measures.
"""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from tests.folders import word_model
from tests.house.probe import probe

STATIC, GRAPH = "import numpy, tokenizers", "import numpy, onnxruntime, tokenizers"
# Of the standard library: what no first vector needs, and what would bring much more.
IDLE = (
    "argparse", "asyncio", "bz2", "concurrent.futures", "csv", "dataclasses", "email", "ftplib", "hashlib", "http",
    "importlib.util", "logging", "lzma", "multiprocessing", "pathlib", "pickletools", "random", "secrets", "selectors",
    "shutil", "socket", "sqlite3", "ssl", "subprocess", "tarfile", "tempfile", "traceback", "unittest", "urllib",
    "uuid", "xml", "zipfile",
)  # fmt: skip
# Of ours: what another model or another call needs.
OTHERS = (
    "airvec.activations", "airvec.chunking", "airvec.cli", "airvec.copying", "airvec.cross_encoder", "airvec.deploy",
    "airvec.doctor", "airvec.drop_in", "airvec.folder.router", "airvec.hub.cache", "airvec.hub.client",
    "airvec.hub.files", "airvec.hub.problems", "airvec.modules.dense", "airvec.modules.sparse_auto_encoder",
    "airvec.modules.splade_pooling", "airvec.processes", "airvec.search", "airvec.similarity", "airvec.sparse_encoder",
    "airvec.sparse_vectors",
)  # fmt: skip
ONLY_WITH_A_GRAPH = ("onnxruntime", "airvec.backends.onnx", "airvec.manifest", "airvec.modules.pooling")
MOST_OURS, MOST_OTHERS = 44, 12
SLOWEST = 2.0  # times the bare imports' CPU time


@pytest.fixture
def folder(tmp_path):
    """A model with a graph, Pooling and Normalize."""
    return word_model(tmp_path / "words")


def first_vector(folder: object = None) -> str:
    """The code of a program that needs one vector; without a folder, of the default model."""
    return f"from airvec import SentenceTransformer\nSentenceTransformer({folder}).encode('a b')"


def graph_vector(folder: object) -> str:
    """As `first_vector`, of a folder with a graph."""
    return first_vector(repr(str(folder)))


def added(code: str, bare: str) -> set[str]:
    """The modules that a program imports over those of the bare imports."""
    seen, floor = probe(code), probe(bare)
    assert seen.problem is None, seen.problem
    assert floor.problem is None, floor.problem
    return set(seen.modules - floor.modules)


def within(modules: set[str], names: tuple[str, ...]) -> list[str]:
    """The modules that are one of `names` or lie in one."""
    return sorted(module for module in modules if any(f"{module}.".startswith(f"{name}.") for name in names))


def over_budget(modules: set[str]) -> list[str]:
    """What is wrong with a start's modules, in words; nothing where all is well."""
    ours = {module for module in modules if module.partition(".")[0] == "airvec"}
    found = [f"{name} is imported" for name in within(modules, (*IDLE, *OTHERS))]
    if len(ours) > MOST_OURS:
        found.append(f"{len(ours)} modules of airvec, at most {MOST_OURS} were expected: {sorted(ours)}")
    if len(modules - ours) > MOST_OTHERS:
        found.append(f"{len(modules - ours)} other modules, at most {MOST_OTHERS}: {sorted(modules - ours)}")
    return found


def test_the_first_vector_of_a_static_model_imports_only_what_runs():
    modules = added(first_vector(), STATIC)
    assert over_budget(modules) == []
    assert within(modules, ONLY_WITH_A_GRAPH) == []


def test_the_first_vector_of_a_graph_imports_only_what_runs(folder):
    assert over_budget(added(graph_vector(folder), GRAPH)) == []


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ("import argparse", "argparse is imported"),
        ("import http.client", "http.client is imported"),
        ("import airvec.search", "airvec.search is imported"),
        ("import dataclasses", "dataclasses is imported"),
        ("import pathlib", "pathlib is imported"),
        ("import airvec.util", "airvec.similarity is imported"),
    ],
)
def test_a_module_that_a_start_does_not_need_would_be_found(more, fault):
    assert fault in over_budget(added(f"{first_vector()}\n{more}", STATIC))


def test_more_modules_than_the_budget_would_be_found():
    faults = over_budget({f"airvec.m{number}" for number in range(45)} | {f"m{number}" for number in range(13)})
    assert [fault.split(",")[0] for fault in faults] == ["45 modules of airvec", "13 other modules"]


def opened(code: str, folder: Path) -> list[str]:
    """The files of a folder that Python opens while a program runs, in order."""
    listen = (
        "import sys\n"
        f"def hear(event, told):\n    if event == 'open' and str(told[0]).startswith({str(folder)!r}):\n"
        "        print('opened', told[0])\n"
        "sys.addaudithook(hear)\n"
    )
    done = subprocess.run([sys.executable, "-c", listen + code], capture_output=True, text=True, check=True)
    paths = [Path(line.removeprefix("opened ")) for line in done.stdout.splitlines() if line.startswith("opened ")]
    return [path.relative_to(folder).as_posix() for path in paths]


def test_opening_a_folder_reads_its_settings_once_and_nothing_that_is_not_needed(folder):
    (folder / "README.md").write_text("words")
    (folder / "vocab.txt").write_text("words")
    files = opened(graph_vector(folder), folder)
    assert set(files) == {
        "1_Pooling/config.json", "config.json", "config_sentence_transformers.json", "modules.json",
        "onnx/model.onnx", "sentence_bert_config.json", "tokenizer_config.json",
    }  # fmt: skip
    # For the folder and its body; looked through for files of weights, then mapped, not read by ONNX Runtime.
    assert {name: files.count(name) for name in files if files.count(name) > 1} == {
        "config.json": 2, "onnx/model.onnx": 2,
    }  # fmt: skip


def cpu_seconds(code: str) -> float:
    """What a process spends on a program, start and end of the interpreter not counted."""
    told = f"{code}\nimport time\nprint(time.process_time())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout.split()[-1])


def slowness(code: str, bare: str, runs: int = 5) -> float:
    """CPU time of a program over that of the bare imports: the median of pairs that ran one after the other."""
    cpu_seconds(code)  # writes the bytecode, and reads the files into the system's cache
    return median(cpu_seconds(code) / cpu_seconds(bare) for _ in range(runs))


@pytest.mark.slow
def test_the_first_vector_takes_little_more_than_the_bare_imports(folder):
    assert slowness(first_vector(), STATIC) < SLOWEST
    assert slowness(graph_vector(folder), GRAPH) < SLOWEST


def test_a_slow_start_would_be_found():
    slow = f"import time\n{STATIC}\nspent = time.process_time()\nwhile time.process_time() < 4 * spent: pass"
    assert slowness(slow, STATIC, runs=1) > SLOWEST
