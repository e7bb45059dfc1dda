"""Arrangements of small integers on one model: bytes, distance from float32, what neighbours move, speed.

    python benchmarks/quantising.py FOLDER [--rounds 15] [--keep FOLDER]

FOLDER is a model folder with `onnx/model.onnx`. Sessions are timed in turns in one process, on one thread each; speeds
are ratios of medians to float32. With --keep, each arrangement is left as a model folder for benchmarks/quality.py.
Knows nothing of torch.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime as ort
from measure.table import markdown
from onnxscript import ir
from tokenizers import Tokenizer

from airvec_exporter.optimize import optimize
from airvec_exporter.quantize import dynamic, quantize_rows, quantize_weights, sample_texts
from airvec_exporter.texts import real_texts

LIMIT, BUDGET = 256, 512  # tokens of a text, tokens of a batch
NO_BOUND = 9.0  # no product stays in float32, so that arrangements can be compared
Batch = dict[str, np.ndarray]


class Texts:
    """Tokenised texts of the model."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LIMIT)

    def batch(self, texts: Sequence[str], names: Sequence[str]) -> Batch:
        """One padded batch."""
        rows = [self.tokenizer.encode(text).ids for text in texts]
        ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
        mask = np.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, : len(row)], mask[place, : len(row)] = row, 1
        made = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return {name: made[name] for name in names}

    def real(self, count: int) -> list[str]:
        """Texts of 1 to 600 tokens."""
        return real_texts(lambda text: self.tokenizer.encode(text, add_special_tokens=False).offsets, count)


def arrangements(calibration: list[Batch]) -> dict[str, Callable[[ir.Model], Any]]:
    """What is done to an optimised float32 graph, by name."""
    ways: dict[str, Callable[[ir.Model], Any]] = {"fp32": lambda _model: None}
    for family in ("x86", "vnni"):
        for kind in ("mixed", "row", "static"):
            ways[f"int8-{family}, {kind}"] = lambda model, family=family, kind=kind: quantize_rows(
                model, calibration, family, activations=kind, bound=NO_BOUND
            )
    ways["int8-vnni, mixed, not smoothed"] = lambda model: quantize_rows(
        model, calibration, "vnni", smoothing=False, bound=NO_BOUND
    )
    ways["int4"] = lambda model: quantize_weights(model, calibration)
    return ways


def vectors(session: ort.InferenceSession, batch: Batch) -> np.ndarray:
    """Unit vectors of a batch: the mean of its tokens' states."""
    states = session.run(None, batch)[0]
    real = batch["attention_mask"][:, :, None]
    found = (states * real).sum(axis=1) / real.sum(axis=1)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def open_session(path: Path) -> ort.InferenceSession:
    """On one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    return ort.InferenceSession(
        str(path), options, ["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion", "BiasGeluFusion"]
    )


def speeds(sessions: dict[str, ort.InferenceSession], batch: Batch, rounds: int) -> dict[str, float]:
    """Each session's speed over that of fp32, from medians of rounds in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(rounds + 2):
        for name, session in sessions.items():
            start = time.perf_counter()
            session.run(None, batch)
            seconds[name].append(time.perf_counter() - start)
    middle = {name: float(np.median(found[2:])) for name, found in seconds.items()}
    return {name: middle["fp32"] / found for name, found in middle.items()}


def main() -> int:
    """Make, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--keep", type=Path, help="folder to leave the arrangements in, as model folders")
    options = parser.parse_args()
    texts, source = Texts(options.folder), options.folder / "onnx" / "model.onnx"
    names = [value.name or "" for value in ir.load(source).graph.inputs]
    calibration = [texts.batch([text], names) for text in sample_texts()]
    with TemporaryDirectory() as scratch:
        files: dict[str, Path] = {}
        for name, change in arrangements(calibration).items():
            model = ir.load(source)
            optimize(model)
            change(model)
            files[name] = Path(scratch) / f"{name.replace(', ', '-').replace(' ', '-')}.onnx"
            ir.save(model, files[name])
        files["int8-dynamic, avx512_vnni"] = Path(scratch) / "dynamic.onnx"
        dynamic(source, files["int8-dynamic, avx512_vnni"], "avx512_vnni")
        print(markdown(_rows(files, texts, names, options.rounds)))
        for path in files.values() if options.keep else ():
            home = options.keep / path.stem
            shutil.copytree(
                options.folder, home, ignore=shutil.ignore_patterns("*.onnx", "airvec.json", "*.safetensors")
            )
            shutil.copyfile(path, home / "onnx" / "model.onnx")
    return 0


def _rows(files: dict[str, Path], texts: Texts, names: list[str], rounds: int) -> list[dict[str, Any]]:
    sessions = {name: open_session(path) for name, path in files.items()}
    ordered = sorted(texts.real(120), key=len)
    short, long = ([text for text in ordered if low < len(text) < high] for low, high in ((40, 80), (300, 600)))
    timed = {
        "bulk, short": speeds(sessions, texts.batch((short * 40)[: BUDGET // 20], names), rounds),
        "bulk, long": speeds(sessions, texts.batch((long * 10)[: BUDGET // 120], names), rounds),
        "one short text": speeds(sessions, texts.batch(short[:1], names), 10 * rounds),
    }
    alone = {
        name: np.concatenate([vectors(session, texts.batch([text], names)) for text in ordered])
        for name, session in sessions.items()
    }
    rows: list[dict[str, Any]] = []
    for name, session in sessions.items():
        mixed = np.concatenate([vectors(session, texts.batch(ordered[start::8], names)) for start in range(8)])
        apart = np.concatenate([alone[name][start::8] for start in range(8)])
        cosine = (alone[name] * alone["fp32"]).sum(axis=1)
        rows.append({
            "arrangement": name, "MB": f"{files[name].stat().st_size / 1e6:.1f}",
            "cosine mean / min": f"{cosine.mean():.4f} / {cosine.min():.4f}",
            "neighbours move": f"{np.abs(mixed - apart).max():.0e}",
            **{what: f"{found[name]:.2f} ×" for what, found in timed.items()},
        })  # fmt: skip
    return rows


if __name__ == "__main__":
    sys.exit(main())
