"""The same trainings in airvec_trainer and in sentence-transformers 6.2: the loss of every step, time and memory.

    python benchmarks/training.py                         # three recipes, 200 steps of 16 rows, half an hour
    python benchmarks/training.py --quick                 # 20 steps of the dense one; prints only
    python benchmarks/training.py --python PYTHON         # one interpreter that has both libraries

dense: all-MiniLM-L6-v2, MultipleNegativesRankingLoss on the entailed pairs of SNLI dev. sparse: a SPLADE-shaped model,
all-MiniLM-L6-v2's body with its own word embeddings as language-model head (`measure/splade.py`; the checkpoint itself
has no such head), SpladeLoss on the same pairs. rerank: all-MiniLM-L6-v2's body with a fresh head of one output, made
once and read by both, BinaryCrossEntropyLoss on SNLI pairs, entailed or not.
Each library trains in a process and an environment of its own; they take turns of a few steps, so that a change of the
machine's load hits both. Same seed, order of rows and dropout. Ends with code 1 where a loss is off by more than 1e-4,
or time or memory by more than 5 %.
Knows nothing of how good the trained models are.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measure.datasets import DATA, MissingDataError, check_file
from measure.environments import ROOT, python_of
from measure.models import CHECKPOINT
from measure.process import Process
from measure.report import machine, machine_line
from measure.splade import make_splade
from measure.table import markdown
from measure.training_figure import draw

WORKER = Path(__file__).parent / "measure" / "training_worker.py"
FIGURE = ROOT / "docs" / "training.png"
ENVIRONMENTS = ROOT / ".cache" / "environments"
KINDS = ("dense", "sparse", "rerank")
REFERENCE, OURS = "sentence_transformers", "airvec_trainer"
NAMES = {REFERENCE: "training-sentence-transformers", OURS: "training-airvec"}  # of their environments
IMPORTS = os.pathsep.join(str(ROOT / package) for package in ("runtime", "exporter", "trainer"))
CLOSE, RATIO = 1e-4, 1.05
Row = dict[str, Any]


@dataclass
class Trained:
    """What one library did: the loss and the seconds of every step, and the most memory that it held, MB."""

    losses: list[float] = field(default_factory=list[float])
    seconds: list[float] = field(default_factory=list[float])
    peak_mb: float = 0.0
    device_mb: float = 0.0

    def add(self, turn: Row) -> None:
        """What one turn gave."""
        self.losses += turn["losses"]
        self.seconds += turn["seconds"]
        self.peak_mb, self.device_mb = turn["peak_mb"], turn["device_mb"]


def pairs(file: Path) -> Iterator[tuple[str, str, str]]:
    """label, sentence1, sentence2 of each row."""
    for line in check_file(file).read_text(encoding="utf-8").splitlines()[1:]:
        label, first, second = line.split("\t")
        yield label, first, second


def write_data(kind: str, folder: Path, rows: int) -> Path:
    """The recipe's rows as .jsonl, as many as are trained on."""
    found = list(pairs(DATA / "snli" / "dev.tsv"))
    if kind == "rerank":
        table = [{"sentence1": a, "sentence2": b, "label": float(label == "entailment")} for label, a, b in found]
    else:
        table = [{"anchor": a, "positive": b} for label, a, b in found if label == "entailment"]
    if len(table) < rows:
        raise SystemExit(f"{kind}: {len(table)} rows, expected {rows} for so many steps; lower --steps")
    file = folder / f"{kind}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in table[:rows]), encoding="utf-8")
    return file


def make_checkpoint(kind: str, checkpoint: Path, folder: Path) -> Path:
    """The folder that both libraries load."""
    if kind == "dense":
        return checkpoint
    if kind == "sparse":
        return make_splade(checkpoint, folder / "splade")
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, set_seed

    set_seed(0)
    made = folder / "reranker"
    AutoModelForSequenceClassification.from_pretrained(checkpoint, num_labels=1).save_pretrained(made)
    AutoTokenizer.from_pretrained(checkpoint).save_pretrained(made)
    return made


def train(kind: str, options: argparse.Namespace, scratch: Path) -> dict[str, Trained]:
    """Train a recipe in both libraries, in turns."""
    model = make_checkpoint(kind, options.checkpoint, scratch)
    data = write_data(kind, scratch, options.steps * options.batch)
    settings = {
        "max_steps": options.steps,
        "per_device_train_batch_size": options.batch,
        "learning_rate": 2e-5,
        "seed": options.seed,
        "device": options.device,
        "use_cpu": options.device == "cpu",
    }
    if kind != "rerank":
        settings["batch_sampler"] = "no_duplicates"
    trained = {library: Trained() for library in options.libraries}
    with ExitStack() as stack:
        running = {}
        for library in options.libraries:
            python = options.python or python_of(NAMES[library], options.environments)
            paths = IMPORTS if library == OURS else ""
            running[library] = stack.enter_context(Process(python, paths, library, WORKER))
            job = {"library": library, "kind": kind, "model": str(model), "data": str(data)}
            out = str(scratch / f"{kind}-{library}")
            running[library].ask("start", {**job, "settings": {**settings, "output_dir": out}})
        for number, count in enumerate(turns(options.steps, options.turn)):
            for library in list(running)[:: 1 if number % 2 == 0 else -1]:
                trained[library].add(running[library].ask("steps", {"count": count}))
                print(f"{kind} {library}: {len(trained[library].losses)} of {options.steps} steps", file=sys.stderr)
    return trained


def turns(steps: int, turn: int) -> list[int]:
    """Steps of each turn.

    >>> turns(100, 40)
    [40, 40, 20]
    """
    return [min(turn, steps - first) for first in range(0, steps, turn)]


def rows_of(found: dict[str, dict[str, Trained]]) -> list[Row]:
    """A row for each recipe and library."""
    rows: list[Row] = []
    for kind, trained in found.items():
        reference = trained.get(REFERENCE)
        for library, one in trained.items():
            delta = largest_delta(one, reference) if reference and library != REFERENCE else None
            rows.append(
                {
                    "recipe": kind,
                    "library": library,
                    "first loss": f"{one.losses[0]:.6f}",
                    "last loss": f"{one.losses[-1]:.6f}",
                    "largest difference": delta,
                    "ms a step": 1000 * step_seconds(one),
                    "peak MB": one.peak_mb,
                    **({"GPU MB": one.device_mb} if one.device_mb else {}),
                }
            )
    return rows


def largest_delta(ours: Trained, reference: Trained) -> float:
    """Over all steps."""
    return max(abs(a - b) for a, b in zip(ours.losses, reference.losses, strict=True))


def step_seconds(one: Trained) -> float:
    """The median, without the first three steps, in which memory is taken from the system."""
    return statistics.median(one.seconds[3:] or one.seconds)


def faults(found: dict[str, dict[str, Trained]]) -> list[str]:
    """What is beyond its bound."""
    told: list[str] = []
    for kind, trained in found.items():
        if len(trained) < 2:
            continue
        ours, reference = trained[OURS], trained[REFERENCE]
        checks = {
            "largest difference of losses": (largest_delta(ours, reference), CLOSE),
            "time of a step ÷ the reference's": (step_seconds(ours) / step_seconds(reference), RATIO),
            "peak memory ÷ the reference's": (ours.peak_mb / reference.peak_mb, RATIO),
        }
        told += [f"{kind}: {name} {seen:.3g}, at most {most}" for name, (seen, most) in checks.items() if seen > most]
    return told


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="all-MiniLM-L6-v2")
    parser.add_argument("--recipes", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND")
    parser.add_argument("--libraries", nargs="+", choices=NAMES, default=list(NAMES), metavar="NAME")
    parser.add_argument("--steps", type=int, default=200, help="(%(default)s)")
    parser.add_argument("--batch", type=int, default=16, help="rows (%(default)s)")
    parser.add_argument("--turn", type=int, default=40, help="steps of a turn (%(default)s)")
    parser.add_argument("--seed", type=int, default=12, help="(%(default)s)")
    parser.add_argument("--device", default="cpu", help="(%(default)s)")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, help="where environments are made")
    parser.add_argument("--python", type=Path, help="an interpreter for both, in place of the environments")
    parser.add_argument("--quick", action="store_true", help="20 steps of the dense recipe in turns of 10; prints only")
    parser.add_argument("--out", type=Path, help="also write the table and the losses here (.md and .json)")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="(docs/training.png)")
    options = parser.parse_args(given)
    if options.quick:
        options.recipes, options.steps, options.turn = ["dense"], 20, 10
    return options


def main() -> int:
    """Train, print, draw; 1 where something is beyond its bound."""
    options = arguments()
    before, found = machine(), {}
    try:
        for kind in options.recipes:
            with tempfile.TemporaryDirectory() as scratch:
                found[kind] = train(kind, options, Path(scratch))
    except MissingDataError as error:
        print(error, file=sys.stderr)
        return 2
    about = (
        f"{machine_line(before)} {options.steps} steps of {options.batch} rows in turns of {options.turn}, "
        f"seed {options.seed}, {options.device}. Medians of the steps' times."
    )
    text = f"{markdown(rows_of(found))}\n\n{about}"
    print(text)
    if options.out:
        options.out.with_suffix(".md").write_text(text + "\n", encoding="utf-8")
        saved = {kind: {name: vars(one) for name, one in trained.items()} for kind, trained in found.items()}
        options.out.with_suffix(".json").write_text(json.dumps({"about": about, **saved}) + "\n", encoding="utf-8")
    if not options.quick and len(options.libraries) > 1:
        losses = {kind: {name: one.losses for name, one in trained.items()} for kind, trained in found.items()}
        draw(losses, (OURS, REFERENCE), about, options.figure)
    told = faults(found)
    print("\n".join(told), file=sys.stderr, end="\n" if told else "")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
