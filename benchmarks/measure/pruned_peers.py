"""Other libraries as a Lambda layer would hold them: airvec's rules applied to every package that pip installed.

Knows nothing of airvec's own layers.
"""

import shutil
import subprocess
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from airvec.deploy.archive import files_below, write_zip
from airvec.deploy.prune import UNUSED_NUMPY, prune

# The rules for NumPy, ONNX Runtime and tokenizers, said of any package.
GENERAL = (
    "*/tests/*", "*/conftest.py", "*.pyi", "*.pxd", "*.h", "*.hpp", "*.cuh", "*.a", "*.dist-info/*", "*/__pycache__/*",
    "*/include/*", "pip/*", "__pycache__/*", "*/_examples/*",
)  # fmt: skip
KEPT = ("licen", "copying", "notice", "authors", "metadata")
FASTEMBED = """
from fastembed import TextEmbedding
model = TextEmbedding("sentence-transformers/all-MiniLM-L6-v2", specific_model_path=FOLDER)
print(len(next(iter(model.embed(["a text"])))))
"""
SENTENCE_TRANSFORMERS = """
from sentence_transformers import SentenceTransformer
print(SentenceTransformer(FOLDER).encode("a text").shape[0])
"""


@dataclass(frozen=True)
class Peer:
    """A library: its environment, the files of its model, and a program that must print the width of a vector.

    Args:
        whole_numpy: whether it loads what airvec's layers leave out of NumPy.
    """

    label: str
    environment: str
    model: dict[str, Path]
    program: str
    whole_numpy: bool = False


@dataclass(frozen=True)
class PeerSize:
    """Bytes, which code is inside (`.pyc` or `.py`), and what running it showed."""

    unzipped: int
    zipped: int
    kept: str
    trial: str


def peers(model: Path) -> list[Peer]:
    """The libraries, each with the one fp32 graph or weights that it reads out of an exported folder."""
    settings = {file.name: file for file in model.glob("*.json") if file.name != "airvec.json"}
    modules = {file.relative_to(model).as_posix(): file for file in model.glob("?_*/*.json")}
    weights = {"model.safetensors": model / "model.safetensors"}
    return [
        Peer("fastembed, fp32 MiniLM", "fastembed", {**settings, "model.onnx": model / "onnx/model.onnx"}, FASTEMBED),
        Peer(
            "sentence-transformers, torch (CPU), fp32 MiniLM", "sentence-transformers",
            {**settings, **modules, **weights}, SENTENCE_TRANSFORMERS,
            # scikit-learn and SciPy import numpy.random, numpy.fft and numpy.f2py; fastembed loads none of them.
            whole_numpy=True,
        ),
    ]  # fmt: skip


def size_of_peer(peer: Peer, python: Path, folder: Path) -> PeerSize:
    """Copy an environment's packages and the model, prune, compile, run and zip them."""
    tree = folder / "layer"
    packages = tree / "python"
    shutil.copytree(_packages_of(python), packages)
    without = () if peer.whole_numpy else UNUSED_NUMPY
    prune(packages, ("numpy", "onnxruntime", "tokenizers"), "linux", without)
    _prune_all(packages)
    for name, file in peer.model.items():
        (tree / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, tree / "model" / name)
    (tree / "model" / "2_Normalize").mkdir(exist_ok=True)
    sources = folder / "sources"
    shutil.copytree(packages, sources)
    _compile(packages, python)
    kept, trial = ".pyc", _trial(peer, python, tree)
    if not trial.startswith("runs"):  # torch reads its own sources
        shutil.rmtree(packages)
        sources.rename(packages)
        kept, trial = ".py", f"{_trial(peer, python, tree)}; not as .pyc"
    write_zip(folder / "layer.zip", files_below(tree))
    unzipped = sum(file.stat().st_size for file in tree.rglob("*") if file.is_file())
    return PeerSize(unzipped, (folder / "layer.zip").stat().st_size, kept, trial)


def _packages_of(python: Path) -> Path:
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]
    return Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())


def _prune_all(packages: Path) -> None:
    for file in [path for path in packages.rglob("*") if path.is_file()]:
        name = file.relative_to(packages).as_posix()
        if any(fnmatchcase(name, glob) for glob in GENERAL) and not any(word in file.name.lower() for word in KEPT):
            file.unlink()


def _compile(packages: Path, python: Path) -> None:
    """Bytecode in place of the sources, but for those of other Python versions, which torch's tests are in part."""
    compiling = [str(python), "-W", "ignore", "-m", "compileall", "-b", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compiling, str(packages)], capture_output=True, check=False)
    for source in packages.rglob("*.py"):
        if source.with_suffix(".pyc").is_file():
            source.unlink()


def _trial(peer: Peer, python: Path, tree: Path) -> str:
    code = f"import sys; sys.path.insert(0, {str(tree / 'python')!r}); FOLDER = {str(tree / 'model')!r}\n{peer.program}"
    ran = subprocess.run([str(python), "-I", "-S", "-B", "-c", code], capture_output=True, text=True, check=False)
    if ran.returncode == 0 and ran.stdout.strip() == "384":
        return "runs"
    return f"fails: {' '.join(ran.stderr.strip().splitlines()[-1:])[:100]}"
