"""Runs inside the emulated machine: imports one package after the other, opens a model, encodes; a JSON line a step.

    python -I -B arm64_worker.py FOLDER      FOLDER as airvec package folder wrote it; texts as JSON on standard input

Whoever reads the lines knows how far it got, however it ended.
Knows nothing of emulation.
"""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path


def step(name: str, work: Callable[[], object]) -> None:
    """Do one thing and print what it is called and what it gave."""
    print(json.dumps({"step": name, "found": work()}), flush=True)


def imported(name: str) -> str:
    """Import a package; its version."""
    return str(import_module(name).__version__)


def encoded(folder: Path, texts: list[str]) -> list[list[float]]:
    """The folder's model's embeddings of texts, (n, dim)."""
    from airvec import SentenceTransformer

    model = folder / "model"
    vectors = SentenceTransformer(model if model.is_dir() else None).encode(texts)
    return vectors.tolist()


def main(folder: Path) -> None:
    """All steps."""
    texts = json.load(sys.stdin)
    lib = folder / "lib"
    sys.path.insert(0, str(lib))
    for name in ("numpy", "tokenizers", "onnxruntime"):
        if (lib / name).is_dir():
            step(name, lambda name=name: imported(name))
    step("encode", lambda: encoded(folder, texts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
