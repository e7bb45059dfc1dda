"""The same model in the shape that each library reads.

Knows nothing of how fast they are.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure.cpu import int8_file
from measure.datasets import LONG, check_file, read_texts
from measure.environments import ROOT, RUNTIME, python_of
from measure.process import Process

CHECKPOINT = ROOT / ".cache" / "checkpoints" / "all-MiniLM-L6-v2"
EXPORTER = ROOT / "exporter" / "airvec_exporter"
DEFAULT_MODEL = RUNTIME / "airvec" / "default_model"
PEERS_ENVIRONMENT = "sentence-transformers-onnx-openvino"
LIMITS = {"fastembed-128": 128, "fastembed-256": 256}
TOKENIZER_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
FOR_START = ("checkpoint", "airvec", "onnx", "openvino", *LIMITS)
CALIBRATION_TEXTS = 300
DEPTHS = (2, 4)  # layers, besides all six
WIDTH = 768  # besides 384
EXPORT = (
    "import json, sys; from airvec_exporter import export; "
    "export(sys.argv[1], sys.argv[2], overwrite=True, speed=False, **json.loads(sys.argv[3]))"
)


@dataclass(frozen=True)
class Workshop:
    """Makes models below `cache`, each once, from a checkpoint; `exported` = airvec's, made before, or None."""

    checkpoint: Path
    exported: Path | None
    cache: Path
    environments: Path

    def model(self, name: str) -> Path:
        """The folder of a model of MODELS; made if it is not there."""
        if name == "airvec" and self.exported:
            return self.exported
        out = self.cache / "models" / name
        return MODELS[name](self, out)

    def export(self, source: Path, out: Path, **options: Any) -> Path:
        """`airvec export` of this checkout, in this script's environment; anew where the exporter changed."""
        stamp = out.parent / f"{out.name}.export.made"
        wanted = f"{_fingerprint(EXPORTER)} {json.dumps(options)} {source.resolve()}"
        if stamp.exists() and stamp.read_text() == wanted and (out / "airvec.json").exists():
            return out
        paths = {"PYTHONPATH": os.pathsep.join([str(RUNTIME), str(ROOT / "exporter")])}
        out.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-c", EXPORT, str(source), str(out), json.dumps(options)]
        subprocess.run(command, check=True, env=os.environ | paths)
        stamp.write_text(wanted)
        return out

    def make(self, recipe: str, source: Path, out: Path, environment: str = PEERS_ENVIRONMENT, **settings: Any) -> Path:
        """A recipe of libraries/making.py, in a library's environment, unless it was made before.

        The stamp of what is whole lies beside the folder: some recipes write into one that is there already.
        """
        stamp = out.parent / f"{out.name}.{recipe}.made"
        if not stamp.exists():
            with Process(python_of(environment, self.environments), name=recipe) as process:
                process.ask("make", {"recipe": recipe, "source": str(source), "out": str(out), **settings})
            stamp.touch()
        return out


def make_models(
    checkpoint: Path, exported: Path | None, cache: Path, environments: Path, names: Iterable[str] = FOR_START
) -> dict[str, Path]:
    """Name -> folder; those that are not there are made below `cache`.

    Args:
        checkpoint: sentence-transformers folder with torch weights.
        exported: folder written by `airvec export`; None = export the checkpoint now, with this checkout.
        cache: where to keep what is made.
        environments: where the libraries' environments are.
        names: which models of MODELS.

    Raises:
        MissingDataError: no checkpoint.
        WorkerError: a library cannot make its model.
    """
    check_file(checkpoint / "modules.json")
    workshop = Workshop(checkpoint, exported, cache, environments)
    return {name: workshop.model(name) for name in dict.fromkeys(names)}


def _fingerprint(folder: Path) -> str:
    """Of all Python files below a folder."""
    found = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        found.update(file.read_bytes())
    return found.hexdigest()


def _standard(backend: str, kind: str = "SentenceTransformer", source: str = "checkpoint") -> "Maker":
    """sentence-transformers' own export."""
    return lambda shop, out: shop.make("export", shop.model(source), out, kind=kind, backend=backend)


def _beside(recipe: str, source: str, environment: str = PEERS_ENVIRONMENT, **settings: Any) -> "Maker":
    """A graph that a function of sentence-transformers writes beside the plain one."""

    def made(shop: Workshop, out: Path) -> Path:
        if not out.exists():
            shutil.copytree(shop.model(source), out)
        return shop.make(recipe, out, out, environment, **settings)

    return made


def _openvino_int8(shop: Workshop, out: Path) -> Path:
    texts = shop.cache / "models" / "calibration"
    texts.mkdir(parents=True, exist_ok=True)
    (texts / "train.txt").write_text("\n".join(read_texts(LONG)[-CALIBRATION_TEXTS:]), encoding="utf-8")
    environment = "sentence-transformers-quantising"
    return _beside("quantise_openvino", "openvino", environment, texts=str(texts))(shop, out)


def _ctranslate2(quantization: str | None) -> "Maker":
    return lambda shop, out: shop.make("convert", shop.checkpoint, out, "ctranslate2", quantization=quantization)


def _for_fastembed(limit: int) -> "Maker":
    """A folder as fastembed reads it: everything in one place, the length limit in the tokenizer's settings."""

    def made(shop: Workshop, out: Path) -> Path:
        source = shop.model("onnx")
        out.mkdir(parents=True, exist_ok=True)
        for name in TOKENIZER_FILES:
            shutil.copyfile(source / name, out / name)
        shutil.copyfile(source / "onnx" / "model.onnx", out / "model.onnx")
        settings = json.loads((source / "tokenizer_config.json").read_text())
        settings |= {"max_length": limit, "model_max_length": 256}
        (out / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))
        return out

    return made


def _embed_anything(shop: Workshop, out: Path) -> Path:
    """The Hub's cache as its client would have filled it: the checkpoint, and sentence-transformers' graph."""
    place = out / "hub" / "models--sentence-transformers--all-MiniLM-L6-v2"
    snapshot = place / "snapshots" / "local"
    if not snapshot.exists():
        shutil.copytree(shop.checkpoint, snapshot)
        shutil.copytree(shop.model("onnx") / "onnx", snapshot / "onnx")
        (place / "refs").mkdir()
        (place / "refs" / "main").write_text("local")
    return out


def _reranker(shop: Workshop, out: Path) -> Path:
    from measure.reranker import make_reranker

    return out if (out / "config.json").exists() else make_reranker(shop.checkpoint, out)


def _depth(layers: int) -> "Maker":
    def made(shop: Workshop, out: Path) -> Path:
        from measure.depths import cut_layers

        checkpoint = out.parent / f"{out.name}-checkpoint"
        if not (checkpoint / "model.safetensors").exists():
            cut_layers(shop.checkpoint, layers, checkpoint)
        return shop.export(checkpoint, out)

    return made


def _wide(shop: Workshop, out: Path) -> Path:
    from measure.depths import widen

    checkpoint = out.parent / f"{out.name}-checkpoint"
    if not (checkpoint / "model.safetensors").exists():
        widen(shop.checkpoint, WIDTH, checkpoint)
    return shop.export(checkpoint, out)


def _splade(shop: Workshop, out: Path) -> Path:
    from measure.splade import make_splade

    return out if (out / "modules.json").exists() else make_splade(shop.checkpoint, out)


Maker = Callable[[Workshop, Path], Path]
MODELS: dict[str, Maker] = {
    "checkpoint": lambda shop, _: shop.checkpoint,
    "static": lambda *_: DEFAULT_MODEL,
    "airvec": lambda shop, out: shop.export(shop.checkpoint, out, variants=["fp32", "int8"]),
    "airvec-fused": lambda shop, out: shop.export(shop.checkpoint, out, variants=["fp32", "fused"]),
    **{f"depth-{layers}": _depth(layers) for layers in DEPTHS},
    "wide": _wide,
    "onnx": _standard("onnx"),
    "onnx-O3": _beside("optimise", "onnx", level="O3"),
    "onnx-int8": _beside("quantise", "onnx", family=int8_file().partition("_")[2]),
    "openvino": _standard("openvino"),
    "openvino-int8": _openvino_int8,
    "ctranslate2": _ctranslate2(None),
    "ctranslate2-int8": _ctranslate2("int8"),
    "embed-anything": _embed_anything,
    **{name: _for_fastembed(limit) for name, limit in LIMITS.items()},
    "reranker-checkpoint": _reranker,
    "reranker": lambda shop, out: shop.export(shop.model("reranker-checkpoint"), out),
    "reranker-onnx": _standard("onnx", "CrossEncoder", "reranker-checkpoint"),
    "splade-checkpoint": _splade,
    "splade": lambda shop, out: shop.export(
        shop.model("splade-checkpoint"), out, fused=True, weights=False, texts=read_texts(LONG)[:24]
    ),
}
