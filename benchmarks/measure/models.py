"""The same model in the shape that each library reads.

Knows nothing of how fast they are.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from measure.datasets import check_file
from measure.environments import ROOT, python_of
from measure.process import Process

CHECKPOINT = ROOT / ".cache" / "checkpoints" / "all-MiniLM-L6-v2"
PEERS_ENVIRONMENT = "sentence-transformers-onnx-openvino"
LIMITS = {"fastembed-128": 128, "fastembed-256": 256}
TOKENIZER_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def make_models(checkpoint: Path, exported: Path | None, cache: Path, environments: Path) -> dict[str, Path]:
    """Name -> folder; those that are not there are made below `cache`.

    Args:
        checkpoint: sentence-transformers folder with torch weights.
        exported: folder written by `airvec export`; None = export the checkpoint now, with this checkout.
        cache: where to keep what is made.
        environments: where the libraries' environments are.

    Raises:
        MissingDataError: no checkpoint.
    """
    check_file(checkpoint / "modules.json")
    made = {name: cache / "models" / name for name in ("onnx", "openvino", *LIMITS)}
    for backend in ("onnx", "openvino"):
        if not (made[backend] / "modules.json").exists():
            with Process(python_of(PEERS_ENVIRONMENT, environments), name=backend) as process:
                process.ask("export", {"checkpoint": str(checkpoint), "backend": backend, "out": str(made[backend])})
    for name, limit in LIMITS.items():
        _for_fastembed(made["onnx"], made[name], limit)
    return {"checkpoint": checkpoint, "airvec": exported or _export(checkpoint, cache / "models" / "airvec"), **made}


def _export(checkpoint: Path, out: Path) -> Path:
    """`airvec export` of this checkout, in the environment that runs this script."""
    code = "import sys; from airvec_exporter import export; export(sys.argv[1], sys.argv[2], overwrite=True)"
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT / "runtime"), str(ROOT / "exporter")])}
    out.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", code, str(checkpoint), str(out)], check=True, env=os.environ | paths)
    return out


def _for_fastembed(source: Path, out: Path, limit: int) -> None:
    """A folder as fastembed reads it: everything in one place, the length limit in the tokenizer's settings."""
    out.mkdir(parents=True, exist_ok=True)
    for name in TOKENIZER_FILES:
        shutil.copyfile(source / name, out / name)
    shutil.copyfile(source / "onnx" / "model.onnx", out / "model.onnx")
    settings = json.loads((source / "tokenizer_config.json").read_text())
    settings |= {"max_length": limit, "model_max_length": 256}
    (out / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))
