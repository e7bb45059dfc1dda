"""The functions that lambda.py compares: layers of airvec by `airvec package lambda`, and what to hold them against.

Knows nothing of how they are run and timed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure.environments import REQUIREMENTS, ROOT
from measure.function import HANDLER, unzip

Vectors = list[list[float]]
EMPTY, IMPORTS, STATIC, INT8, FP32, FASTEMBED = (
    "awslambdaric, an empty handler",
    "numpy, onnxruntime and tokenizers imported",
    "airvec, static model",
    "airvec, MiniLM int8",
    "airvec, MiniLM fp32",
    "fastembed 0.9.1, MiniLM fp32",
)
EMPTY_CODE = "def handler(event, context):\n    return []\n"
IMPORTS_CODE = f"import numpy, onnxruntime, tokenizers\n{EMPTY_CODE}"
FASTEMBED_CODE = """
from fastembed import TextEmbedding
model = TextEmbedding("sentence-transformers/all-MiniLM-L6-v2", specific_model_path="/opt/model")
list(model.embed(["warm"]))
def handler(event, context):
    return [vector.tolist() for vector in model.embed(event["texts"])]
"""


@dataclass(frozen=True)
class Contender:
    """One row: a layer, the function's own code beside it, and how to read vectors out of an answer."""

    label: str
    layer: Path
    task: Path
    handler: str
    vectors: Callable[[Any], Vectors]
    dim: int


def ours(answer: Any) -> Vectors:
    """The vectors of an answer of `airvec.serverless` to a direct event."""
    return answer["embeddings"]


def plain(answer: Any) -> Vectors:
    """The vectors of an answer that is nothing else."""
    return answer


def contenders(model: Path, out: Path, python: str, fastembed: Path | None) -> list[Contender]:
    """Make the layers below `out`; fastembed's only where its model's folder is given.

    Raises:
        subprocess.CalledProcessError: airvec or pip failed; they say why on standard error.
    """
    nothing = _folder(out / "nothing")
    static = package(out / "static", python)
    int8 = package(out / "int8", python, str(model), "--variant", "int8")
    fp32 = package(out / "fp32", python, str(model), "--variant", "fp32")
    found = [
        Contender(EMPTY, nothing, _code(out / "empty", EMPTY_CODE), "floor.handler", plain, 0),
        Contender(IMPORTS, int8, _code(out / "imports", IMPORTS_CODE), "floor.handler", plain, 0),
        Contender(STATIC, static, nothing, HANDLER, ours, 256),
        Contender(INT8, int8, nothing, HANDLER, ours, 384),
        Contender(FP32, fp32, nothing, HANDLER, ours, 384),
    ]
    if fastembed:
        code = _code(out / "fastembed-code", FASTEMBED_CODE)
        layer = _fastembed(out / "fastembed", fastembed, python)
        found.append(Contender(FASTEMBED, layer, code, "floor.handler", plain, 384))
    return found


def package(out: Path, python: str, *words: str) -> Path:
    """`airvec package lambda` of this checkout, unzipped into a new folder.

    Args:
        out: the folder; the zip lies beside it.
        python: version of the function's Python.
        words: the model, if there is to be one, then options.

    Raises:
        subprocess.CalledProcessError: it failed; it says why on standard error.
    """
    archive = out.with_name(f"{out.name}.zip")
    model = [words[0]] if words else []
    command = [sys.executable, "-m", "airvec.cli.main", "package", "lambda", *model, str(archive), *words[1:]]
    target = ["--python", python, "--arch", "x86_64", "--no-progress"]
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT / "runtime"), os.environ.get("PYTHONPATH", "")])}
    subprocess.run([*command, *target], check=True, env=os.environ | paths, stdout=sys.stderr)
    return unzip(archive, out)


def compiled(folder: Path, interpreter: str) -> None:
    """Put bytecode beside the sources where there are any; a function cannot, its folders are read-only."""
    subprocess.run([interpreter, "-m", "compileall", "-q", str(folder)], check=False)


def _fastembed(out: Path, model: Path, python: str) -> Path:
    """fastembed as pip installs it, and its model."""
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-compile"]
    target = ["--target", str(out / "python"), "--python-version", python, "--only-binary=:all:"]
    platforms = [word for name in ("manylinux2014", "manylinux_2_28") for word in ("--platform", f"{name}_x86_64")]
    wanted = ["--requirement", str(REQUIREMENTS / "fastembed.txt")]
    subprocess.run([*pip, *target, *platforms, *wanted], check=True)
    shutil.copytree(model, out / "model")
    return out


def _code(folder: Path, code: str) -> Path:
    (_folder(folder) / "floor.py").write_text(code, encoding="utf-8")
    return folder


def _folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
