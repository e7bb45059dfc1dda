"""SparseEncoder against sentence-transformers on torch: documents a second, memory, and the largest difference.

    python benchmarks/sparse.py --checkpoint FOLDER [--model FOLDER] [--out results/sparse.md]

The model is SPLADE-shaped and of real size: all-MiniLM-L6-v2's body, its own word embeddings as language-model head
(`measure/splade.py`). Documents: debian_long.txt. Each contender runs in a process of its own, and they take turns, so
that a change of the machine's load hits all of them. Besides the two ways of `SparseEncoder` there is a plain one on
the same graph, as most programs are written: all logits of a batch, then SPLADE's formula on the whole array.
Ends with code 1 where a vector of airvec's is off by more than 1e-4 × max(1, the reference's largest weight).
Knows nothing of which words a trained model would find.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measure.datasets import LONG, MissingDataError, check_file, read_texts
from measure.models import CHECKPOINT
from measure.splade import make_splade
from measure.table import markdown
from measure.worker import peak_bytes
from numpy.typing import NDArray

BOUND = 1e-4
PARTS = 5
REFERENCE = "sentence-transformers 6.2, torch"
Rows = NDArray[np.float32]
Encode = Callable[[list[str]], Rows]


def torch_reference(checkpoint: Path, _: Path) -> Encode:
    """The reference with its own batch size."""
    from sentence_transformers import SparseEncoder

    model = SparseEncoder(str(checkpoint), device="cpu")
    return lambda texts: model.encode(texts, show_progress_bar=False).to_dense().numpy()


def by_variant(variant: str) -> Callable[[Path, Path], Encode]:
    """airvec with one of the model's two graphs."""

    def opened(_: Path, folder: Path) -> Encode:
        from airvec import SparseEncoder

        model = SparseEncoder(folder, variant=variant)
        return model.encode

    return opened


def whole_logits(_: Path, folder: Path) -> Encode:
    """All logits of 32 documents, sorted by length, at once: the formula as the reference has it, in NumPy."""
    import onnxruntime
    from tokenizers import Tokenizer

    session = onnxruntime.InferenceSession(str(folder / "onnx" / "model.onnx"), providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.enable_padding()

    def encode(texts: list[str]) -> Rows:
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        found: list[Rows] = [np.zeros(0, np.float32)] * len(texts)
        for start in range(0, len(texts), 32):
            rows = order[start : start + 32]
            batch = tokenizer.encode_batch([texts[row] for row in rows])
            arrays = {
                "input_ids": np.array([one.ids for one in batch]),
                "attention_mask": np.array([one.attention_mask for one in batch]),
                "token_type_ids": np.array([one.type_ids for one in batch]),
            }
            wanted = {node.name: arrays[node.name] for node in session.get_inputs()}
            (logits,) = session.run(["logits"], wanted)
            weights = np.log1p(np.maximum(logits * arrays["attention_mask"][..., None], 0)).max(axis=1)
            for row, vector in zip(rows, weights, strict=True):
                found[row] = vector.astype(np.float32)
        return np.stack(found)

    return encode


CONTENDERS: dict[str, Callable[[Path, Path], Encode]] = {
    "airvec, pooling inside the graph": by_variant("auto"),
    "airvec, pooling in NumPy": by_variant("fp32"),
    "onnxruntime and NumPy, whole logits, 32 a batch": whole_logits,
    REFERENCE: torch_reference,
}


def work(name: str, checkpoint: Path, model: Path, out: Path) -> None:
    """A contender's process: answers each line of texts with its time and its memory, and keeps the vectors."""
    encode = CONTENDERS[name](checkpoint, model)
    encode(["warm up"])
    for number, line in enumerate(sys.stdin):
        texts = json.loads(line)
        started, used = time.perf_counter(), time.process_time()
        found: Any = encode(texts)
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
        keep(found, out / f"{number}.npz")
        print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak_bytes() / 1e6}), flush=True)


def keep(found: Any, file: Path) -> None:
    """Write vectors as rows, columns and values: a dense copy of airvec's would count as its memory."""
    if hasattr(found, "indptr"):
        rows = np.repeat(np.arange(len(found)), np.diff(found.indptr))
        np.savez(file, rows=rows, columns=found.indices, values=found.values, shape=found.shape)
        return
    rows, columns = np.nonzero(found)
    np.savez(file, rows=rows, columns=columns, values=found[rows, columns], shape=found.shape)


def kept(folder: Path) -> Rows:
    """The vectors of all parts."""
    parts: list[Rows] = []
    for number in range(PARTS):
        with np.load(folder / f"{number}.npz") as found:
            dense = np.zeros(found["shape"], np.float32)
            dense[found["rows"], found["columns"]] = found["values"]
            parts.append(dense)
    return np.concatenate(parts)


def measure(names: list[str], texts: list[str], checkpoint: Path, model: Path, scratch: Path) -> list[dict[str, Any]]:
    """Let the contenders encode the parts of the texts in turns; a row each."""
    parts = [list(part) for part in np.array_split(np.array(texts, object), PARTS)]
    processes = {}
    for place, name in enumerate(names):
        (scratch / str(place)).mkdir()
        command = [sys.executable, __file__, "--contender", name, "--checkpoint", str(checkpoint)]
        command += ["--model", str(model), "--out", str(scratch / str(place))]
        environment = os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
        processes[name] = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
    answers: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for number, part in enumerate(parts):
        for name in names if number % 2 == 0 else names[::-1]:
            answers[name].append(_ask(processes[name], part))
    for process in processes.values():
        process.communicate()
    expected = kept(scratch / str(names.index(REFERENCE)))
    return [_row(name, answers[name], parts, kept(scratch / str(place)), expected) for place, name in enumerate(names)]


def _ask(process: "subprocess.Popen[str]", texts: list[str]) -> dict[str, float]:
    process.stdin.write(json.dumps(texts) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def _row(
    name: str, answers: list[dict[str, float]], parts: list[list[str]], found: Rows, expected: Rows
) -> dict[str, Any]:
    rates = [len(part) / answer["seconds"] for part, answer in zip(parts, answers, strict=True)]
    return {
        "": name,
        "documents/s": statistics.median(rates),
        "least – most": f"{min(rates):.1f} – {max(rates):.1f}",
        # What another program takes of the machine lowers the rates, but hardly this.
        "CPU ms a document": statistics.median(
            1000 * answer["cpu"] / len(part) for part, answer in zip(parts, answers, strict=True)
        ),
        "peak MB": round(max(answer["peak"] for answer in answers)),
        "max |Δ|": float(np.abs(found - expected).max()),
    }


def shuffled(texts: list[str]) -> list[str]:
    """In a fixed random order: the file's last texts are shorter, and every turn should have the same work."""
    return [texts[row] for row in np.random.default_rng(0).permutation(len(texts))]


def prepare(options: argparse.Namespace, scratch: Path) -> tuple[Path, Path]:
    """The SPLADE-shaped checkpoint and its export: those that were given, else new ones."""
    if options.model:
        return options.checkpoint, options.model
    from airvec_exporter import export

    check_file(options.checkpoint / "modules.json")
    made = make_splade(options.checkpoint, scratch / "checkpoint")
    export(made, scratch / "model", fused=True, weights=False, texts=read_texts(LONG)[:24])
    return made, scratch / "model"


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--checkpoint", type=Path, default=CHECKPOINT, help="all-MiniLM-L6-v2; with --model, the checkpoint of that"
    )
    parser.add_argument("--model", type=Path, help="its export with --fused (default: make both)")
    parser.add_argument("--count", type=int, default=1000, help="documents (%(default)s)")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument("--contender", choices=list(CONTENDERS), help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Make the model, measure, print; 1 if airvec's vectors are off."""
    options = arguments()
    if options.contender:
        work(options.contender, options.checkpoint, options.model, options.out)
        return 0
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        try:
            texts = shuffled(read_texts(LONG)[: options.count])
            checkpoint, model = prepare(options, Path(scratch))
        except MissingDataError as error:
            print(error, file=sys.stderr)
            return 2
        (Path(scratch) / "vectors").mkdir()
        rows = measure(list(CONTENDERS), texts, checkpoint, model, Path(scratch) / "vectors")
        expected = kept(Path(scratch) / "vectors" / str(list(CONTENDERS).index(REFERENCE)))
    text = report(rows, expected, load)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    bound = BOUND * max(1.0, float(expected.max()))
    return 0 if all(row["max |Δ|"] <= bound for row in rows if row[""].startswith("airvec")) else 1


def report(rows: list[dict[str, Any]], expected: Rows, load: float) -> str:
    """The table, and in words what it was made of."""
    rates = {row[""]: row["documents/s"] for row in rows}
    ours = rates["airvec, pooling inside the graph"]
    others = [f"{ours / rate:.1f} × {name}" for name, rate in rates.items() if not name.startswith("airvec")]
    words = np.count_nonzero(expected, axis=1)
    about = (
        f"{len(expected)} documents of debian_long.txt; a vector has {np.median(words):.0f} words of "
        f"{expected.shape[1]:,} (median), the largest weight is {expected.max():.2f}. "
        f"{os.cpu_count()} CPUs, load {load:.1f} before the start. Medians of {PARTS} turns."
    )
    return f"{markdown(rows)}\n\n{about}\nairvec with the pooling inside the graph: {', '.join(others)}."


if __name__ == "__main__":
    sys.exit(main())
