"""Programs that need one vector, each in a fresh process: when they have it, and when the process has ended.

Knows nothing of how the programs' models and environments are made.
"""

import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from measure.process import WorkerError, environment_of

from airvec import blas

TEXT = "TEXT = 'hello world'\n"  # what every program begins with
# And ends with: the time, by a clock that all processes of a machine share.
TELL = "\nimport time\nprint(time.monotonic(), flush=True)"
AS_DEPLOYED, DEPLOYED = "airvec with its threads as in a function", {blas.VARIABLE: blas.IN_A_FUNCTION}
STATIC_IMPORTS, GRAPH_IMPORTS = "numpy, tokenizers", "numpy, onnxruntime, tokenizers"


@dataclass(frozen=True)
class Program:
    """One row: its code, and its environment (`environments/NAME.txt`).

    It is seen beside the bare imports of `beside`; `aim` is in times of these, None where there is none. It has
    `variables` in its environment. `first` are the seconds until the code is through, its vector there; `wall` and
    `cpu` those until the process has ended.
    """

    label: str
    code: str
    beside: str = GRAPH_IMPORTS
    aim: float | None = None
    environment: str = "airvec"
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    first: list[float] = field(default_factory=list[float])
    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])


def programs(packed: Mapping[str, Path], exported: Path, static: Path, models: Mapping[str, Path]) -> list[Program]:
    """All rows.

    Args:
        packed: variant → folder made by `pack_model`.
        exported: the folder that these were made from.
        static: the default model's folder.
        models: the same model for the peers, as `make_models` gives them.
    """
    st = "from sentence_transformers import SentenceTransformer as S\nm = S({!r}, device='cpu'{})\nm.encode([TEXT])"
    fe = "from fastembed import TextEmbedding\nm = TextEmbedding({!r}, specific_model_path={!r})\nlist(m.embed([TEXT]))"
    onnx = ", backend='onnx', model_kwargs={'file_name': 'onnx/model.onnx'}"
    peers = "sentence-transformers-onnx-openvino"
    return [
        Program(f"import {STATIC_IMPORTS}", f"import {STATIC_IMPORTS}", STATIC_IMPORTS),
        Program("airvec, embedded static model", ours(None), STATIC_IMPORTS, 1.3),
        Program(f"{AS_DEPLOYED}, static model", ours(None), STATIC_IMPORTS, 1.3, variables=DEPLOYED),
        Program(
            "model2vec, the same static model",
            f"from model2vec import StaticModel\nm = StaticModel.from_pretrained({str(static)!r})\nm.encode([TEXT])",
            STATIC_IMPORTS, environment="model2vec",
        ),
        Program(f"import {GRAPH_IMPORTS}", f"import {GRAPH_IMPORTS}"),
        Program("airvec, int8, packed", ours(packed["int8"]), aim=1.5),
        Program(f"{AS_DEPLOYED}, int8", ours(packed["int8"]), aim=1.5, variables=DEPLOYED),
        Program("airvec, fp32, packed", ours(packed["fp32"]), aim=2.0),
        Program(f"{AS_DEPLOYED}, fp32", ours(packed["fp32"]), aim=2.0, variables=DEPLOYED),
        Program("airvec, fp32, as exported", ours(exported)),
        Program(
            "fastembed 0.9.1", fe.format("sentence-transformers/all-MiniLM-L6-v2", str(models["fastembed-256"])),
            environment="fastembed",
        ),
        Program("sentence-transformers 5.7, onnx", st.format(str(models["onnx"]), onnx), environment=peers),
        Program(
            "sentence-transformers 6.2, torch", st.format(str(models["checkpoint"]), ""),
            environment="sentence-transformers",
        ),
    ]  # fmt: skip


def ours(folder: Path | None) -> str:
    """The program for a model folder of airvec, or for the model inside it."""
    given = "" if folder is None else repr(str(folder))
    return f"from airvec import SentenceTransformer\nm = SentenceTransformer({given})\nm.encode([TEXT])"


def take_turns(
    rows: Sequence[Program], pythons: Mapping[str, Path], runtime: Path, rounds: int, tick: Callable[[str], None]
) -> None:
    """Run all programs, one after the other, so many rounds; the first, which writes bytecode, does not count.

    Raises:
        WorkerError: a program failed; the message ends with what it printed.
    """
    for number in range(rounds + 1):
        for row in rows if number % 2 else reversed(rows):
            tick(f"round {number} of {rounds}: {row.label}")
            first, wall, cpu = _run(row, pythons[row.environment], runtime)
            if number:
                row.first.append(first)
                row.wall.append(wall)
                row.cpu.append(cpu)


def table_rows(rows: Sequence[Program]) -> list[dict[str, object]]:
    """Medians in milliseconds, and times those of the bare imports that a program is seen beside."""
    bare = {row.beside: row for row in rows if row.code == f"import {row.beside}"}
    found: list[dict[str, object]] = []
    for row in rows:
        floor = bare[row.beside]
        found.append({
            "process start to first vector": row.label,
            "ms": round(1000 * median(row.first)),
            "× imports": median(row.first) / median(floor.first),
            "aim": "–" if row.aim is None else f"≤ {row.aim}",
            "lowest ms": round(1000 * min(row.first)),
            "to its end, ms": round(1000 * median(row.wall)),
            "to its end, × imports": median(row.wall) / median(floor.wall),
            "CPU ms": round(1000 * median(row.cpu)),
            "CPU × imports": median(row.cpu) / median(floor.cpu),
        })  # fmt: skip
    return found


def _run(row: Program, python: Path, runtime: Path) -> tuple[float, float, float]:
    """Seconds from before the process is made: until its code is through, until it has ended, and then of CPU."""
    paths = str(runtime) if row.environment == "airvec" else ""
    environment = environment_of({"PYTHONPATH": paths, **row.variables})
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [str(python), "-c", TEXT + row.code + TELL], env=environment, capture_output=True, text=True, check=False
    )
    wall, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise WorkerError(f"{row.label}: the process ended with code {done.returncode}\n{done.stderr[-2000:]}")
    first = float(done.stdout.split()[-1]) - begin
    return first, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
